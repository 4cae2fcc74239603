import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { systemClock } from '../../../core/clock.ts';
import type { Incident } from '../../../core/incident/incident.ts';
import { newMark } from '../../../core/incident/mark.ts';
import { EVERYTHING } from '../../../core/incident/silence.ts';
import type { Flow } from '../../../core/traffic/flow.ts';
import { aroundOf } from '../../../http/api/resources/story/around.ts';
import { peersThen, type StoreReader } from '../../../http/api/resources/story/peers.ts';
import { watchedThen } from '../../../http/api/resources/story/watched.ts';
import type { State } from '../../../state/contract.ts';
import { createSqliteState } from '../../../state/sqlite/state.ts';
import { SqliteStore } from '../../../store/sqlite/store.ts';
import { busyParts, frameOf } from '../../data/frames.ts';
import { ackOf, incidentOf, resolved } from '../../data/incidents.ts';
import { temporaryFolder } from '../../parts/process.ts';

const HOST = 'web-1';
const MINUTE_MS = 60_000;
/** Start of the frame with this number, epoch ms. */
const at = (n: number): number => frameOf(HOST, n).start;

let folder: ReturnType<typeof temporaryFolder>;
let store: SqliteStore;
let state: State;
beforeAll(async () => {
  folder = temporaryFolder();
  store = new SqliteStore(join(folder.path, 'tidegauge.db'));
  state = createSqliteState({ file: join(folder.path, 'state.db'), clock: systemClock });
  await Promise.all([store.open(), state.open()]);
});
afterAll(async () => {
  await Promise.all([store.close(), state.close()]);
  folder.remove();
});

const flow = (container: string, parts: Partial<Flow> = {}): Flow => ({
  ...{ container, protocol: 'tcp', role: 'client', peerKind: 'container', peer: 'db', address: '10.0.0.2' },
  ...{ port: 5432, connections: 1, failures: 0 },
  ...{ sentMessages: 1, sentBytes: 10, receivedMessages: 1, receivedBytes: 10 },
  ...parts,
});
const outside = (address: string, bytes: number): Partial<Flow> => ({
  ...{ peerKind: 'outside', peer: '', address, port: 443, sentBytes: bytes },
});

describe('whom an incident talked to', () => {
  const read: StoreReader = action => action(store);
  const incidentOn = (container: string, from: number, to: number): Incident =>
    incidentOf(at(from), { container, service: '', end: at(to) });

  beforeAll(async () => {
    const { containers, windows } = busyParts(2);
    const scan = Array.from({ length: 30 }, (_, i) =>
      flow('c0000', { port: 1000 + i, connections: 0, failures: 1, sentBytes: 0, receivedBytes: 0 }),
    );
    const flowsOf = (n: number): Flow[] => [
      flow('c0000'),
      ...(n < 10 ? [] : [flow('c0001')]),
      ...(n < 10 || n === 12 ? [] : [flow('c0000', outside('198.51.100.9', 9000))]),
      ...(n === 12 ? [flow('c0000', outside('198.51.100.7', 9_000_000)), ...scan] : []),
    ];
    await store.writeFrames(
      Array.from({ length: 20 }, (_, n) => frameOf(HOST, n, { containers, windows, flows: flowsOf(n) })),
    );
  });

  it('says what failed first, then who is new, a scan of many ports as one, the others after that', async () => {
    const found = await peersThen(read, incidentOn('c0000', 10, 15));
    if ('unknown' in found) throw new Error(found.unknown);
    expect(found.during).toEqual({ from: at(10), to: at(15) });
    expect(found.before).toEqual({ from: at(0), to: at(10) });
    expect(found.peers).toMatchObject([
      { peer: 'db', isNew: true, ports: [1000, 1001, 1002, 1003], morePorts: 26, failures: 30 },
      { peerKind: 'outside', isNew: true, address: '198.51.100.7', ports: [443], connections: 5 },
      { peer: 'db', isNew: false, ports: [5432], morePorts: 0, sentBytes: 50 },
    ]);
  });

  it('calls nobody new of whose container nothing was seen before, and of whose time nothing is stored', async () => {
    expect(await peersThen(read, incidentOn('c0000', 0, 5))).toMatchObject({
      ...{ before: null, peers: [{ container: 'c0000', isNew: null }] },
    });
    expect(await peersThen(read, incidentOn('c0000', 100, 105))).toEqual({
      unknown: 'nothing is stored of that time',
    });
  });

  it('calls whom a silent container talks to for the first time new', async () => {
    expect(await peersThen(read, incidentOn('c0001', 10, 15))).toMatchObject({
      ...{ before: { from: at(0), to: at(10) }, peers: [{ container: 'c0001', isNew: true }] },
    });
  });

  it('tells an address outside from others at the same port, which sums of minutes do not', async () => {
    await store.rollUp(HOST, { from: at(0), to: at(1000) });
    const found = await peersThen(read, incidentOn('c0000', 12, 14));
    expect('peers' in found && found.peers.filter(one => one.peerKind === 'outside')).toMatchObject([
      { address: '198.51.100.7', isNew: true },
      { address: '198.51.100.9', isNew: false },
    ]);
  });

  it('calls nobody new where peers of before were counted together, a container was not there, or a peer could not be told', async () => {
    const containers = busyParts(3).containers;
    const frameAt = (n: number, names: number, flows: readonly Flow[]) =>
      frameOf('web-2', n, { containers: containers.slice(0, names), windows: [], flows: [...flows] });
    const others = flow('c0000', { peerKind: 'other', peer: '', address: '', port: 0 });
    const untold = flow('c0001', { peerKind: 'unknown', peer: '', address: '127.0.0.1' });
    const during = [...['c0000', 'c0001', 'c0002'].map(name => flow(name, { peer: 'cache' })), untold];
    await store.writeFrames([frameAt(0, 2, [others]), frameAt(1, 3, [...during, others])]);
    const incident = { ...incidentOn('', 1, 2), host: 'web-2' };
    const found = await peersThen(read, incident);
    const isNew = 'peers' in found ? found.peers.map(one => [one.container, one.peerKind, one.isNew]) : [];
    expect(isNew.sort()).toEqual([
      ['c0000', 'container', null],
      ['c0000', 'other', false],
      ['c0001', 'container', true],
      ['c0001', 'unknown', null],
      ['c0002', 'container', null],
    ]);
  });

  it('of a host is that of all its containers, and of a service that of its own', async () => {
    const ofHost = { ...incidentOn('', 10, 15), service: '' };
    const names = async (incident: Incident) => {
      const found = await peersThen(read, incident);
      return 'unknown' in found ? found.unknown : [...new Set(found.peers.map(one => one.container))].sort();
    };
    expect(await names(ofHost)).toEqual(['c0000', 'c0001']);
    expect(await names({ ...ofHost, service: 'c0001' })).toEqual(['c0001']);
    const members = ['c0000', 'c0001'].map(container => ({ container, service: '', since: at(10) }));
    expect(await names({ ...incidentOn('c0000', 10, 15), members })).toEqual(['c0000', 'c0001']);
  });

  it('is not known while the store is away, which keeps nobody from telling the rest', async () => {
    const away = () => Promise.reject(new Error('connection refused'));
    expect(await peersThen(away, incidentOn('c0000', 10, 15))).toEqual({
      unknown: 'the stored traffic cannot be read: connection refused',
    });
  });
});

describe('whether somebody watched an incident all the time', () => {
  const GAPPY = 'web-9';
  const start = frameOf(GAPPY, 100).start;
  const { durationMs } = frameOf(GAPPY, 100);
  const moment = (n: number): number => start + n * durationMs;
  const read: StoreReader = action => action(store);
  const firing = incidentOf(start, { host: GAPPY, end: moment(12) });

  beforeAll(async () => {
    const numbers = [...Array(14).keys()].filter(n => n < 3 || n > 7).map(n => 100 + n);
    const faulty = (n: number) => (n === 108 ? { faults: ['attach' as const] } : {});
    await store.writeFrames(numbers.map(n => frameOf(GAPPY, n, faulty(n))));
  });

  it('gives the parts without a frame, or with an incomplete one, up to now or until it was over', async () => {
    const looked = { from: start, to: moment(14) };
    const blind = [{ from: moment(3), to: moment(9) }];
    expect(await watchedThen(read, firing, moment(14))).toEqual({
      looked,
      blind,
      more: 0,
      silentSince: null,
    });
    const over = { ...firing, resolvedAt: moment(2) };
    expect(await watchedThen(read, over, moment(14))).toMatchObject({ blind: [], silentSince: null });
  });

  it('says of one that fires since when no frames come, and not of one that is over', async () => {
    const late = moment(14) + 60_000;
    expect(await watchedThen(read, firing, late)).toMatchObject({ silentSince: moment(14) });
    const over = { ...firing, resolvedAt: moment(13) };
    expect(await watchedThen(read, over, late)).toMatchObject({ silentSince: null });
  });

  it('is not known of a time of which nothing is stored, or while the store is away', async () => {
    const old = { ...firing, host: 'web-8', resolvedAt: moment(13) };
    expect(await watchedThen(read, old, moment(14))).toEqual({ unknown: 'nothing is stored of that time' });
    const away = () => Promise.reject(new Error('connection refused'));
    expect(await watchedThen(away, firing, moment(14))).toEqual({
      unknown: 'the stored frames cannot be read: connection refused',
    });
  });
});

describe('what was going on around an incident', () => {
  const T0 = at(1000);
  const incident = resolved(incidentOf(T0, { end: T0 + 2 * MINUTE_MS }), 3 * MINUTE_MS);
  const earlier = resolved(incidentOf(T0 - 60 * MINUTE_MS));
  const later = incidentOf(T0 + 60 * MINUTE_MS);
  const neighbour = incidentOf(T0 + MINUTE_MS, { container: 'db', host: 'web-2' });
  const gone = resolved(incidentOf(T0 - 30 * MINUTE_MS, { container: 'db' }));
  const now = T0 + 120 * MINUTE_MS;
  const silence = {
    ...{ id: '1a2b3c4d', match: { ...EVERYTHING, container: 'shop' }, owner: 'anna', reason: 'load test' },
    ...{ from: T0 - MINUTE_MS, until: T0 + MINUTE_MS },
  };
  const deploy = {
    ...{ id: '2a2b3c4d', kind: 'deploy' as const, match: { ...EVERYTHING, service: 'shop/db' } },
    ...{ owner: 'ci', reason: 'release 42', from: T0 - 20 * MINUTE_MS, until: T0 - 10 * MINUTE_MS },
  };
  const before = { ...deploy, id: '3a2b3c4d', from: T0 - 60 * MINUTE_MS, until: T0 - 50 * MINUTE_MS };
  const ofOthers = { ...silence, id: '4a2b3c4d', match: { ...EVERYTHING, container: 'db' } };

  beforeAll(async () => {
    const lease = await state.acquire('lane-0', 'test', 600_000);
    if (!lease) throw new Error('no lease');
    const incidents = [incident, earlier, later, neighbour, gone];
    await state.commit(lease, { incidents, notifications: [] });
    for (const one of [silence, deploy, before, ofOthers]) await state.saveSilence(one, T0 - 60 * MINUTE_MS);
    await state.saveAck(ackOf(incident, { note: 'on it' }));
    await state.saveMark(newMark(earlier, { kind: 'expected', note: '', by: 'ben', at: T0 }));
  });

  it('says which others fired then, which were about the same earlier and later, and what was said of these', async () => {
    const around = await aroundOf(state, incident, now);
    expect(around.others.incidents.map(({ id }) => id)).toEqual([neighbour.id]);
    expect(around.earlier).toMatchObject({ incidents: [{ id: earlier.id, mark: 'expected' }], more: 0 });
    expect(around.later).toMatchObject({ incidents: [{ id: later.id, state: 'firing', mark: null }] });
    expect(around.ack).toEqual({ by: 'anna', note: 'on it', at: incident.end });
    expect(around.mark).toBeNull();
  });

  it('names silences that covered it, and deploys on its host then or shortly before, whosever they were', async () => {
    const { silences } = await aroundOf(state, incident, now);
    expect(silences.map(({ id, kind, about }) => [id, kind, about])).toEqual([
      [deploy.id, 'deploy', 'service shop/db'],
      [silence.id, 'silence', 'container shop'],
    ]);
  });
});
