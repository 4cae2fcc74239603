import { afterEach, expect, it } from '@jest/globals';
import { dockerClient } from '../../../backends/docker/client.ts';
import type { Description, Endpoints } from '../../../collector/contract.ts';
import { type DockerWatcher, watchDocker } from '../../../collector/identity/docker.ts';
import { systemClock } from '../../../core/clock.ts';
import { answerAsDocker, type DockerAnswering, type DockerAnswers } from '../../parts/docker-answers.ts';
import { silentLog } from '../../parts/kernel/capture.ts';
import { until } from '../../parts/process.ts';

/** What no real Docker says: answers of any shape over its socket. */
let docker: DockerAnswering | undefined;
let watcher: DockerWatcher | undefined;
afterEach(async () => {
  await watcher?.stop();
  docker?.stop();
});

const ID = 'ab'.repeat(32);
const ID2 = 'cd'.repeat(32);
const HOSTILE = `"'\\\n,= \u{1F30A}${'x'.repeat(300)}\\`;

function watch(answers: DockerAnswers, labels: readonly string[] = []) {
  docker = answerAsDocker(answers);
  const described: Description[] = [];
  const forgotten: string[] = [];
  const reached: Endpoints[] = [];
  const asked: string[] = [];
  const exits: { id: string; code: number; oom: boolean }[] = [];
  const handlers = {
    described: (one: Description) => described.push(one),
    forgotten: (id: string) => forgotten.push(id),
    reached: (one: Endpoints) => reached.push(one),
    connected: (id: string) => asked.push(id),
    networkMade: () => asked.push('host'),
    exited: (id: string, code: number, oom: boolean) => exits.push({ id, code, oom }),
  };
  const client = dockerClient(docker.socket);
  if (!client) throw new Error('no client');
  watcher = watchDocker(client, handlers, { clock: systemClock, log: silentLog, labels });
  return {
    described,
    forgotten,
    reached,
    asked,
    exits,
    watcher,
    requests: docker.requests,
    endEvents: docker.endEvents,
  };
}

it('keeps the labels that were asked for, from lists and from events, and cuts long ones', async () => {
  const Labels = { team: 'shop', tier: 'x'.repeat(500), other: 'y', toString: 'z' };
  const event = {
    ...{ Type: 'container', Action: 'start' },
    Actor: { ID: ID2, Attributes: { name: 'b', image: 'i', ...Labels } },
  };
  const { described } = watch(
    { list: [{ Id: ID, Names: ['/a'], Image: 'i', Labels }], events: [`${JSON.stringify(event)}\n`] },
    ['missing', 'team', 'tier'],
  );
  await until('both descriptions', () => described.length === 2);
  const kept = { team: 'shop', tier: 'x'.repeat(128) };
  expect(described.map(({ name, labels }) => [name, labels])).toEqual([
    ['a', kept],
    ['b', kept],
  ]);
});

it('takes names, images and labels of any characters', async () => {
  const { described, watcher } = watch({
    list: [
      {
        Id: ID,
        Names: ['/other/alias', `/${HOSTILE}`],
        Image: HOSTILE,
        Labels: { 'com.docker.compose.service': HOSTILE },
      },
      { Id: ID2, Names: null, Image: '', Labels: null },
    ],
  });
  await watcher.listed;
  expect(described).toEqual([
    { id: ID, name: HOSTILE, image: HOSTILE, project: '', service: HOSTILE, number: '' },
    { id: ID2, name: '', image: '', project: '', service: '', number: '' },
  ]);
});

it('inspects what is listed by the id of its image, because the tag has moved: the container keeps its tag', async () => {
  const moved = `sha256:${'0'.repeat(64)}`;
  const { described, watcher } = watch({
    list: [{ Id: ID, Names: ['/web'], Image: moved, Labels: {} }],
    inspect: { Id: ID, Name: '/web', Config: { Image: 'shop/web:1', Labels: {} } },
  });
  await watcher.listed;
  expect(described).toMatchObject([{ id: ID, name: 'web', image: 'shop/web:1' }]);
});

it('takes the list at its word when inspection fails', async () => {
  const moved = `sha256:${'0'.repeat(64)}`;
  const { described, watcher } = watch({
    list: [{ Id: ID, Names: ['/web'], Image: moved, Labels: {} }],
    inspect: 'garbage',
  });
  await watcher.listed;
  expect(described).toMatchObject([{ id: ID, name: 'web', image: moved }]);
});

it.each<[string, unknown]>([
  ['no JSON', '<html>'],
  ['another shape', { message: 'no' }],
  ['an id that is none', [{ Id: '../../etc', Names: ['/a'], Image: 'i', Labels: {} }]],
  ['a name that is no text', [{ Id: ID, Names: [5], Image: 'i', Labels: {} }]],
])('takes nothing from a list that is %s, and tries again', async (_, list) => {
  const { described, watcher, requests } = watch({ list });
  await until(
    'a second attempt',
    () => requests.filter(url => url.startsWith('/containers/json')).length >= 4,
  );
  expect(described).toEqual([]);
  expect(watcher.connected).toBe(false);
});

it('tells how a container ended, and believes no code that is none', async () => {
  const event = (Action: string, Attributes: unknown) =>
    `${JSON.stringify({ Type: 'container', Action, Actor: { ID, Attributes } })}\n`;
  const { forgotten, exits } = watch({
    list: [],
    events: [
      event('start', { name: 'a', image: 'i:1' }),
      event('die', { exitCode: '0' }),
      event('die', { exitCode: '-1' }),
      event('die', { exitCode: 'x' }),
      event('die', {}),
      event('oom', {}),
      event('die', { exitCode: '137' }),
      event('die', { exitCode: '137' }),
      event('destroy', {}),
    ],
  });
  await until('the end of the container', () => forgotten.length > 0);
  expect(exits).toEqual([
    { id: ID, code: 0, oom: false },
    { id: ID, code: 137, oom: true },
    { id: ID, code: 137, oom: false },
  ]);
});

it('skips events that are not understood, and goes on', async () => {
  const event = (Action: string, ID: string, Attributes: unknown) =>
    `${JSON.stringify({ Type: 'container', Action, Actor: { ID, Attributes } })}\n`;
  const { described, forgotten } = watch({
    list: [],
    events: [
      'garbage\n',
      '{"Action":"start"}\n',
      event('start', 'x', { name: 'bad-id' }),
      event('start', ID, { name: 7 }),
      event('start', ID, { name: HOSTILE, image: 'i:1' }),
      event('destroy', ID, {}),
    ],
  });
  await until('the end of the container', () => forgotten.length > 0);
  expect(described).toMatchObject([{ id: ID, name: HOSTILE, image: 'i:1' }]);
  expect(forgotten).toEqual([ID]);
});

it('lists again when the events end, and forgets who is gone', async () => {
  const list = [{ Id: ID, Names: ['/a'], Image: 'i', Labels: {} }];
  const { forgotten, endEvents, requests, watcher } = watch({ list });
  await until('the connection', () => watcher.connected && requests.some(url => url.startsWith('/events')));
  list.pop();
  endEvents();
  await until('the second list', () => forgotten.length > 0);
  expect(forgotten).toEqual([ID]);
});

it('asks for one container, and is content with no answer', async () => {
  const inspect: { Id: string; Name: string; Config: unknown } = {
    Id: ID,
    Name: '/web',
    Config: { Image: 'i:1', Labels: null },
  };
  const { described, watcher } = watch({ list: [], inspect });
  await watcher.inspect(ID);
  expect(described).toEqual([{ id: ID, name: 'web', image: 'i:1', project: '', service: '', number: '' }]);
  inspect.Config = null;
  await watcher.inspect(ID);
  expect(described).toHaveLength(1);
});

it.each<[string, (url: string) => boolean]>([
  ['at all', () => true],
  ['with events', url => url.startsWith('/events')],
  ['with a container', url => url.startsWith(`/containers/${ID}`)],
])('can be stopped while Docker does not answer %s', async (_, hangs) => {
  const { watcher, requests } = watch({ list: [], hangs });
  const asked = watcher.inspect(ID);
  await until('a question', () => requests.some(hangs));
  await watcher.stop();
  await asked;
  expect(watcher.connected).toBe(false);
});

const NETWORK = 'ef'.repeat(32);
const onNetwork = (IPAddress: string, GlobalIPv6Address = '') => ({
  Networks: { shop: { NetworkID: NETWORK, IPAddress, GlobalIPv6Address } },
});
const networkEvent = (Action: string, container: string) => {
  const Attributes = { container, name: 'shop', type: 'bridge' };
  return `${JSON.stringify({ Type: 'network', Action, Actor: { ID: NETWORK, Attributes } })}\n`;
};

it('says where containers are reached, from lists and inspections alike, once', async () => {
  const inspect = {
    Id: ID,
    Name: '/web',
    Config: { Image: 'i', Labels: {} },
    NetworkSettings: {
      ...onNetwork('10.9.0.2', 'FD00::2'),
      Ports: { '80/tcp': [{ HostIp: '0.0.0.0', HostPort: '8080' }], '53/udp': null },
    },
  };
  const listed = {
    ...{ Id: ID, Names: ['/web'], Image: 'i', Labels: {}, NetworkSettings: onNetwork('10.9.0.2', 'fd00::2') },
    Ports: [
      { IP: '0.0.0.0', PrivatePort: 80, PublicPort: 8080, Type: 'tcp' },
      { PrivatePort: 53, Type: 'udp' },
    ],
  };
  const { reached, watcher } = watch({ list: [listed], inspect });
  await watcher.listed;
  await watcher.inspect(ID);
  expect(reached).toEqual([
    {
      id: ID,
      networks: [{ network: NETWORK, addresses: ['10.9.0.2', 'fd00::2'] }],
      published: [{ protocol: 'tcp', address: null, port: 8080, target: 80 }],
    },
  ]);
});

it('hears who joins and leaves networks, and takes no address for one that is none', async () => {
  const { reached, asked } = watch({
    list: [{ Id: ID, Names: ['/a'], Image: 'i', Labels: {}, NetworkSettings: onNetwork('10.9.0.2', 'x::y') }],
    events: [
      networkEvent('create', ''),
      networkEvent('connect', 'gateway_ingress-sbox'),
      networkEvent('connect', ID2),
      networkEvent('disconnect', ID),
    ],
  });
  await until('its leave', () => reached.length === 2);
  expect(reached.map(({ networks }) => networks.flatMap(({ addresses }) => addresses))).toEqual([
    ['10.9.0.2'],
    [],
  ]);
  expect(asked).toEqual(['host', ID2]);
});

it.each<[string, unknown, unknown]>([
  ['of another shape', 'none', undefined],
  ['without ports', undefined, [{ PrivatePort: 99_999, PublicPort: 0, Type: 'tcp' }]],
  ['of a protocol that is not watched', undefined, [{ PrivatePort: 1, PublicPort: 1, Type: 'sctp' }]],
])('endpoints %s are none, and cost no name', async (_, settings, ports) => {
  const { described, reached, watcher } = watch({
    list: [{ Id: ID, Names: ['/a'], Image: 'i', Labels: {}, NetworkSettings: settings, Ports: ports }],
  });
  await watcher.listed;
  expect([described.length, reached]).toEqual([1, []]);
});

it('inspects a bounded number of containers at once, and all of them in the end', async () => {
  const hanging: (() => void)[] = [];
  const { watcher, requests } = watch({
    list: [],
    inspect: { Id: ID, Name: '/web', Config: { Image: 'i', Labels: {} } },
    before: url =>
      url.startsWith(`/containers/${ID}`) ? new Promise(resolve => hanging.push(resolve)) : Promise.resolve(),
  });
  await watcher.listed;
  const asked = Array.from({ length: 40 }, () => watcher.inspect(ID));
  let answered = 0;
  for (const one of asked) void one.then(() => answered++);
  await until('the first questions', () => hanging.length === 16);
  for (let done = 0; done < 40; done++) {
    await until('a question', () => hanging.length > 0);
    expect(hanging.length).toBeLessThanOrEqual(16);
    hanging.shift()?.();
  }
  await Promise.all(asked);
  expect(answered).toBe(40);
  expect(requests.filter(url => url.startsWith(`/containers/${ID}`))).toHaveLength(40);
});
