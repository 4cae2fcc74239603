import { describe, expect, it } from '@jest/globals';
import { closingLine, type Docker, statusOf } from '../../../cli/screen/status.ts';
import type { ShipperStatus } from '../../../collector/ship/contract.ts';
import { UTC } from '../../../core/time-zone.ts';
import type { WorkerStatus } from '../../../worker/worker.ts';
import { busyParts, frameOf } from '../../data/frames.ts';

const SHIPPER = {
  pending: 1,
  dropped: 0,
  refused: 0,
  storeDown: null,
  queueDown: null,
  stateDown: null,
  spool: { fault: null, unwritten: 0, damaged: 0 },
} as unknown as ShipperStatus;
const WORKER = {
  stateDown: null,
  dead: 0,
  rebuilding: null,
  silences: null,
  waiting: 0,
  waitingError: null,
  waitingHosts: [],
  unwritten: 0,
  storeDown: null,
} as unknown as WorkerStatus;
const sight = (docker: Docker, aheadMs = 0, learning = new Map<string, number | null>()) => ({
  ...{ docker, aheadMs, unreached: [], unmatched: [], learning, zone: UTC },
});
const FRAME = frameOf('box', 0, busyParts(3));

describe('the status', () => {
  it('warns of a clock that was set back', () => {
    expect(statusOf(FRAME, SHIPPER, WORKER, sight('connected', 90_000))).toMatchObject({
      line: '! clock was set back: frames are 1m30s ahead; 3 containers',
      trouble: true,
    });
  });

  it('is short while all is well', () => {
    expect(statusOf(FRAME, SHIPPER, WORKER, sight('connected'))).toEqual({
      line: '3 containers',
      trouble: false,
      reasons: [],
      learning: new Map(),
    });
  });

  it('says who is still being learned, and until when', () => {
    const minutes = (n: number | null) => (n === null ? null : FRAME.start + n * 60_000);
    const shown = (learning: Record<string, number | null>) => {
      const times = new Map(Object.entries(learning).map(([name, n]) => [name, minutes(n)]));
      const status = statusOf(FRAME, SHIPPER, WORKER, sight('connected', 0, times));
      return [status.line, Object.fromEntries(status.learning)];
    };
    expect(shown({ a: 10, b: 15, c: null })).toEqual([
      '3 containers; still learning 3 containers, the last one until 22:28',
      { a: 'until 22:23', b: 'until 22:28', c: 'yes' },
    ]);
    expect(shown({ a: 120 })).toEqual([
      '3 containers; still learning 1 container, until 2023-11-15 00:13',
      { a: 'until 2023-11-15 00:13' },
    ]);
    expect(shown({ a: null })[0]).toBe('3 containers; still learning 1 container');
  });

  it('names first who is away, in few words, and the reasons apart', () => {
    const shipper = { ...SHIPPER, pending: 12, storeDown: 'x'.repeat(300), queueDown: 'timed out' };
    const status = statusOf(FRAME, shipper, { ...WORKER, stateDown: 'refused' }, sight('away'));
    expect(status.line).toBe('! away: store (12 frames waiting), queue, state, Docker; 3 containers');
    expect(status.trouble).toBe(true);
    expect(status.reasons).toEqual([
      `store: ${'x'.repeat(300)}`,
      'queue: timed out',
      'state: refused',
      'Docker: containers keep their last names, new ones have none',
    ]);
  });

  it('names only what was not reached yet, for nothing is shipped before', () => {
    const unreached = [{ name: 'state' as const, reason: 'no connection' }];
    const shipper = { ...SHIPPER, pending: 3, storeDown: 'redis: no connection' };
    expect(statusOf(FRAME, shipper, null, { ...sight('off'), unreached })).toMatchObject({
      line: '! away: state (3 frames waiting); 3 containers',
      reasons: ['state: no connection'],
    });
  });

  it('names the state when frames wait for a name that is not claimed yet', () => {
    const shipper = { ...SHIPPER, pending: 3, stateDown: 'no connection' };
    expect(statusOf(FRAME, shipper, null, sight('off'))).toMatchObject({
      line: '! away: state (3 frames waiting); 3 containers',
      reasons: ['state: no connection'],
    });
  });

  it('gives the reason once where queue and state are one server', () => {
    const shipper = { ...SHIPPER, queueDown: 'timed out' };
    expect(statusOf(FRAME, shipper, { ...WORKER, stateDown: 'timed out' }, sight('off')).reasons).toEqual([
      'queue, state: timed out',
    ]);
  });

  it('names rules that match no containers, which is no trouble, and explains some', () => {
    const unmatched = ['a', 'b', 'c', 'd'].map(rule => ({ rule, text: `rule ${rule}: none` }));
    const about = (count: number) =>
      statusOf(FRAME, SHIPPER, WORKER, { ...sight('off'), unmatched: unmatched.slice(0, count) });
    expect(about(2)).toMatchObject({
      line: '3 containers; matching no containers: rule a, rule b',
      trouble: false,
      reasons: ['rule a: none', 'rule b: none'],
    });
    expect(about(4)).toMatchObject({ line: '3 containers; matching no containers: 4 rules' });
    expect(about(4).reasons).toHaveLength(3);
  });

  it('counts notifications that wait, not attempts', () => {
    expect(
      statusOf(FRAME, SHIPPER, { ...WORKER, waiting: 3, waitingError: '503' }, sight('off')),
    ).toMatchObject({
      line: '3 notifications wait; 3 containers',
      trouble: false,
      reasons: ['notifications: last error: 503'],
    });
  });

  it('a Docker that was never there is no trouble', () => {
    expect(statusOf(FRAME, SHIPPER, null, sight('absent'))).toMatchObject({
      line: '3 containers; no Docker',
      trouble: false,
    });
  });
});

it('the closing line says what became of the last frames', () => {
  expect(closingLine(null, 0, [])).toBe('stopped');
  expect(closingLine(0, 0, [])).toBe('stopped: last interval stored');
  expect(closingLine(1, 0, [])).toBe('stopped: 1 frame waits in the spool for the next start');
  expect(closingLine(12, 1, [])).toBe(
    'stopped: 11 frames wait in the spool for the next start; 1 frame lost',
  );
  expect(closingLine(null, 0, ['lanes were not released: no connection'])).toBe(
    'stopped: lanes were not released: no connection',
  );
});
