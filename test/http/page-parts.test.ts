import { expect, it, jest } from '@jest/globals';
import { matches, parseMatcher } from '../../core/incident/matcher.ts';

/** A module of the page: no types, and nothing of a browser until it is used. */
const moduleOf = (name: string) => import(new URL(`../../http/page/${name}`, import.meta.url).href);

it('the page silences the container, the service or the host of an incident, and nothing beside it', async () => {
  const { subjectOf, isAllOfHost } = await moduleOf('incidents.js');
  const host = 'web-1';
  expect(subjectOf({ host, service: 'shop/web', container: 'w*1' })).toEqual({ host, container: 'w?1' });
  expect(subjectOf({ host, service: 'shop/web', container: '' })).toEqual({ host, service: 'shop/web' });
  const [web, replica, db] = [
    { service: 'shop/web', container: 'web-1' },
    { service: 'shop/web', container: 'web-2' },
    { service: 'db', container: 'd(b"\\' },
  ];
  expect(subjectOf({ host, ...web, members: [web, replica] })).toEqual({ host, service: 'shop/web' });
  const { matchers } = subjectOf({ host, ...web, members: [web, db] });
  const holds = matchers.map(parseMatcher);
  for (const { container } of [web, db]) expect(matches(holds, { container })).toBe(true);
  expect(matches(holds, { container: replica.container })).toBe(false);
  const many = Array.from({ length: 100 }, (_, i) => ({ service: '', container: `job-${i}` }));
  expect(subjectOf({ host, service: '', container: '', members: many })).toEqual({ host });
  const silenced = [[], [web], [web, replica], [web, db], many].map(members =>
    isAllOfHost(subjectOf({ host, service: '', container: '', members })),
  );
  expect(silenced).toEqual([false, false, false, false, true]);
  expect(subjectOf({ host, service: '', container: '' })).toEqual({
    host,
    matchers: ['service=""', 'container=""'],
  });
});

it('the page hears of changes in a browser that cannot loop over streams', async () => {
  const { follow } = await moduleOf('api.js');
  let tell: (text: string) => void = () => undefined;
  const reader = {
    read: () =>
      new Promise(resolve => {
        tell = value => resolve({ done: false, value });
      }),
  };
  const body = { pipeThrough: () => ({ getReader: () => reader }) };
  const scope = globalThis as unknown as Record<string, unknown>;
  const { fetch } = globalThis;
  Object.assign(scope, { fetch: async () => ({ ok: true, body }), sessionStorage: { getItem: () => null } });
  const onChange = jest.fn();
  const connected = new Promise(resolve => void follow(onChange, resolve));
  expect(await connected).toBe(true);
  await Promise.resolve();
  tell('event: change\ndata: {}\n\n');
  await new Promise(setImmediate);
  expect(onChange).toHaveBeenCalledTimes(1);
  Object.assign(scope, { fetch });
  scope.sessionStorage = undefined;
});
