import { describe, expect, it, jest } from '@jest/globals';
import { matches, parseMatcher } from '../../core/incident/matcher.ts';

/** A module of the page: no types, and nothing of a browser until it is used. */
const moduleOf = (name: string) => import(new URL(`../../http/page/${name}`, import.meta.url).href);

it('the page silences the container, the service or the host of an incident, and nothing beside it', async () => {
  const { subjectOf, isAllOfHost } = await moduleOf('views/silences.js');
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

/** The API answers so while `body` runs, and no timer ends: what follows would ask again for ever. */
async function withAnswers(answer: () => unknown, body: () => Promise<void>): Promise<void> {
  const scope = globalThis as unknown as Record<string, unknown>;
  const { fetch } = globalThis;
  jest.useFakeTimers({ doNotFake: ['setImmediate'] });
  Object.assign(scope, { fetch: async () => answer(), sessionStorage: { getItem: () => null } });
  try {
    await body();
  } finally {
    Object.assign(scope, { fetch });
    scope.sessionStorage = undefined;
    jest.useRealTimers();
  }
}

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
  // The name of a host may hold what ends a line elsewhere.
  const known = { open_incidents: 1, host: 'web\u2028\u2029' };
  await withAnswers(
    () => ({ ok: true, body }),
    async () => {
      const [change, health] = [jest.fn(), jest.fn()];
      const connected = new Promise(state => void follow({ change, health, state }));
      expect(await connected).toBe(true);
      await Promise.resolve();
      tell(`event: health\ndata: ${JSON.stringify(known)}\n\nevent: change\ndata: {}\n\n: no change\n\n`);
      await new Promise(setImmediate);
      expect(change).toHaveBeenCalledTimes(1);
      expect(health.mock.calls).toEqual([[known]]);
    },
  );
});

it('the page is told what tidegauge says is wrong, and of what a proxy says only that nobody answers', async () => {
  const { follow, Refused } = await moduleOf('api.js');
  const detail = 'found too many are listening. Try again later.';
  const heard = async (answer: unknown) => {
    const state = jest.fn();
    await withAnswers(
      () => answer,
      async () => {
        void follow({ state });
        await new Promise(setImmediate);
      },
    );
    return state.mock.calls;
  };
  const refusal = { ok: false, status: 503, json: async () => ({ detail }) };
  expect(await heard(refusal)).toEqual([[false, new Refused(503, detail)]]);
  const page = { ok: false, status: 503, json: async () => JSON.parse('<html>') };
  expect(await heard(page)).toEqual([[false, null]]);
});

it('rates of containers that are kept for a while end where they were asked for', async () => {
  const { containersOf, stepsOf } = await moduleOf('views/containers.js');
  const what = { choice: '1h', range: { from: '1h' }, host: '', until: null };
  const asked = Date.UTC(2026, 0, 31, 22, 5, 30);
  const answer = { ok: true, json: async () => [{ container: 'web' }], headers: new Headers() };
  await withAnswers(
    () => answer,
    async () => {
      jest.setSystemTime(asked);
      expect(await containersOf(what)).toEqual({ rows: [{ container: 'web' }], at: asked });
      jest.setSystemTime(asked + 45_000);
      const { at } = await containersOf(what);
      expect(stepsOf(what, 60, at)).toEqual({ first: asked - 3_570_000, stepMs: 60_000, count: 60 });
    },
  );
});

describe('times of the page', () => {
  const AT = new Date(2026, 0, 31, 22, 5, 9);

  it('are of 24 hours, with their day when that is not today', async () => {
    const { time, minuteText } = await moduleOf('time.js');
    expect(time(AT.toISOString(), new Date(2026, 0, 31, 23))).toBe('22:05:09');
    expect(time(AT.toISOString(), new Date(2026, 1, 1, 3))).toBe('2026-01-31 22:05:09');
    expect(minuteText(AT)).toBe('2026-01-31 22:05');
  });

  it('are read as they are written, and what is none is refused', async () => {
    const { readTime } = await moduleOf('time.js');
    const now = new Date(2026, 0, 31, 23);
    for (const text of ['22:05', '2026-01-31 22:05', ' 2026-01-31T22:05:00 '])
      expect(readTime(text, now)).toEqual(new Date(2026, 0, 31, 22, 5));
    expect(readTime('3:00', now)).toEqual(new Date(2026, 0, 31, 3));
    for (const text of ['', '25:00', '10:75', '2026-02-31 10:00', 'yesterday', '10:00 PM'])
      expect(readTime(text, now)).toBeNull();
  });

  it('have their zone named, with its offset', async () => {
    const { zoneText } = await moduleOf('time.js');
    expect(zoneText(AT)).toMatch(/^UTC$|^[A-Za-z/_-]+, UTC([+-]\d\d:\d\d)?$/);
  });

  it('on the axis of a chart are round, and few enough to be read', async () => {
    const { ticksOf } = await moduleOf('chart.js');
    for (const hours of [1, 6, 24, 168, 720]) {
      const ticks = ticksOf(AT.getTime() - hours * 3_600_000, AT.getTime());
      expect(ticks.length).toBeGreaterThan(1);
      expect(ticks.length).toBeLessThan(9);
      for (const tick of ticks) expect(new Date(tick).getMinutes() % 5).toBe(0);
    }
  });
});

describe('whether the page is live', () => {
  const health = (silent_ms: number | null) => ({
    at: 0,
    answer: { host: 'web-1', open_incidents: 0, hosts: [{ host: 'web-1', silent_ms }] },
  });
  const LIVE = { state: 'live', since: 0 };

  it('is told by the age of the newest frame, which grows while nothing is heard', async () => {
    const { statusOf } = await moduleOf('status.js');
    expect(statusOf(LIVE, health(5000), '', 0)).toEqual({
      live: 'live, newest frame 5 s ago, 0 open',
      trouble: [],
    });
    withElements(() => {
      const { live, trouble } = statusOf(LIVE, health(5000), '', 600_000);
      expect(live).toBe('not live, newest frame 10 min ago, 0 open');
      expect(trouble.join('')).toContain('is not known, whatever is shown below');
    });
  });

  it('is not so without frames of the host, and without an answer', async () => {
    const { statusOf } = await moduleOf('status.js');
    withElements(() => {
      expect(statusOf(LIVE, health(5000), 'web-2', 0).live).toBe('not live, no frames, 0 open');
    });
    const { live, trouble } = statusOf({ state: 'lost', since: 0 }, health(5000), '', 1000);
    expect(live).toBe('not connected');
    expect(trouble.join('')).toMatch(
      /^Not live: tidegauge has not answered since .* What is shown is from before that\.$/,
    );
  });

  it('is not so when tidegauge refuses: it says why, unless it is the token that it asks for anyway', async () => {
    const { statusOf } = await moduleOf('status.js');
    const refused = (status: number) => ({ state: 'lost', since: 0, refused: { status, message: 'why' } });
    expect(statusOf(refused(401), null, '', 1000)).toEqual({ live: 'not connected', trouble: [] });
    withElements(() => {
      const { live, trouble } = statusOf(refused(503), health(5000), '', 1000);
      expect(live).toBe('not connected');
      expect(trouble.join('')).toMatch(
        /^Not live: tidegauge has told this page no news since .* reload the page/,
      );
      expect(trouble.join('')).not.toContain('has not answered');
    });
  });
});

/** Elements are made by a document: one that makes nothing will do for what is looked at in words. */
function withElements(body: () => void): void {
  const scope = globalThis as unknown as Record<string, unknown>;
  const node = { setAttribute: () => undefined, append: () => undefined };
  Object.assign(scope, {
    document: { createElement: () => node, createTextNode: () => node },
    Node: class {},
  });
  try {
    body();
  } finally {
    scope.document = undefined;
    scope.Node = undefined;
  }
}
