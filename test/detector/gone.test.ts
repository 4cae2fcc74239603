import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Judged } from '../../core/incident/verdict.ts';
import type { Container, Frame } from '../../core/traffic/frame.ts';
import type { ContainerInput } from '../../detector/contract.ts';
import { createFold } from '../../detector/fold/fold.ts';
import { gone } from '../../detector/gone.ts';
import { DETECTORS } from '../../detector/index.ts';
import { container, frame, rules } from './data/frames.ts';

const MINUTE = 12;
const LEARNT = 20 * MINUTE;
const db = container('shop-db-1', { service: 'shop/db', replica: '1', id: 'db' });
const web = (n: number) =>
  container(`shop-web-${n}`, { service: 'shop/web', replica: `${n}`, id: `web-${n}` });

/** Frames in which those are there that `who` gives; who was not in the frame before has been started. */
function frames(
  n: number,
  who: (i: number) => readonly Container[],
  more: (i: number) => Partial<Frame> = () => ({}),
) {
  const names = (i: number) => new Set(i < 0 ? [] : who(i).map(({ name }) => name));
  return Array.from({ length: n }, (_, i) => {
    const before = names(i - 1);
    const started = i === 0 ? [] : [...names(i)].filter(name => !before.has(name));
    return frame(i, who(i), [], { started, ...more(i) });
  });
}

/** Alarms by number of the frame; the state goes through JSON in between. */
function alarmsIn(all: readonly Frame[], options: Record<string, unknown> = {}): Map<number, Judged> {
  const fold = createFold({
    rules: rules([{ use: 'gone', name: 'gone', ...options }]),
    detectors: DETECTORS,
  });
  let state = fold.init();
  const alarms = new Map<number, Judged>();
  for (const [i, one] of all.entries()) {
    const step = fold.step(JSON.parse(JSON.stringify(state)), one);
    state = step.state;
    for (const said of step.verdicts) if (said.kind === 'judged' && said.score >= 1) alarms.set(i, said);
  }
  return alarms;
}

const first = (alarms: Map<number, Judged>): number | undefined => [...alarms.keys()][0];

describe('a container that was always there', () => {
  const isAway = (i: number) => i >= LEARNT && i < LEARNT + 2 * MINUTE;
  const stopped = frames(LEARNT + 3 * MINUTE, i => (isAway(i) ? [web(1)] : [web(1), db]));

  it('alarms within a minute of its stop, by its name, until it is back', () => {
    const alarms = alarmsIn(stopped);
    expect([...alarms.keys()]).toEqual(Array.from({ length: 16 }, (_, i) => LEARNT + 8 + i));
    expect(alarms.get(LEARNT + 8)).toEqual({
      kind: 'judged',
      rule: 'gone',
      scope: { service: 'shop/db', container: 'shop-db-1', direction: null, metric: null },
      score: 1,
      evidence: {
        ...{ seen: 45, low: null, high: 45, unit: 's', overMs: 45_000 },
        text: 'gone for 45s, after 20m of being there, and nobody took its place; expected to be back within 45s',
      },
    });
  });

  it('says how it ended, where Docker tells', () => {
    const exits = [{ container: db.name, code: 143, oom: false }];
    const alarms = alarmsIn(
      frames(
        LEARNT + MINUTE,
        i => (isAway(i) ? [web(1)] : [web(1), db]),
        i => (i === LEARNT ? { exits } : {}),
      ),
    );
    expect(alarms.get(LEARNT + 8)?.evidence.text).toContain(': killed by signal 15 (exit code 143), after');
  });

  it('says how it ended also when it was still there at the beginning of that frame', () => {
    const ending: Partial<Frame> = {
      ended: [db.name],
      exits: [{ container: db.name, code: 137, oom: true }],
    };
    const alarms = alarmsIn(
      frames(
        LEARNT + MINUTE,
        i => (isAway(i) ? [web(1)] : [web(1), db]),
        i => (i === LEARNT - 1 ? ending : {}),
      ),
    );
    expect(alarms.get(LEARNT + 8)?.evidence.text).toContain(': out of memory (exit code 137), after');
  });

  it('is not missed while it has no name: a collector that starts anew may not reach Docker', () => {
    const [known, nameless] = [
      { ...db, id: '4f5e6d7c8b9a'.padEnd(64, '0') },
      container('docker:4f5e6d7c8b9a', { id: '4f5e6d7c8b9a'.padEnd(64, '0') }),
    ];
    const all = frames(
      LEARNT + 6 * MINUTE,
      i => (i < LEARNT ? [known] : i < LEARNT + 3 * MINUTE ? [nameless] : []),
      () => ({ started: [] }),
    );
    expect(first(alarmsIn(all))).toBe(LEARNT + 3 * MINUTE + 8);
  });

  it('is not expected any more after an hour', () => {
    const alarms = alarmsIn(frames(LEARNT + 90 * MINUTE, i => (i >= LEARNT ? [web(1)] : [web(1), db])));
    expect([first(alarms), [...alarms.keys()].at(-1)]).toEqual([LEARNT + 8, LEARNT + 60 * MINUTE - 2]);
  });

  it('is no news once it was away for as long twice', () => {
    const away = (i: number) => i >= LEARNT && i % (30 * MINUTE) < 3 * MINUTE;
    const alarms = alarmsIn(frames(LEARNT + 200 * MINUTE, i => (away(i) ? [web(1)] : [web(1), db])));
    expect(new Set([...alarms.keys()].map(i => Math.floor(i / (30 * MINUTE)))).size).toBe(2);
  });

  it('is no news once it left for the night twice, and is at any other time', () => {
    const hour = 60;
    const day = 24 * hour;
    // Stopped at eight each evening, a quarter of an hour later each day, and at two in the afternoon of the fourth.
    const isAway = (minute: number) => {
      const night = Math.floor((minute - 20 * hour) / day);
      const into = minute - 20 * hour - night * day - 15 * night;
      return (night >= 0 && into >= 0 && into < 8 * hour) || minute >= 3 * day + 14 * hour;
    };
    const options = gone.options.parse({});
    let state = gone.init(options);
    const alarms: number[] = [];
    for (let minute = 0; minute < 3 * day + 16 * hour; minute++) {
      const moment = { start: minute * 60_000, durationMs: 60_000 };
      const there = { ...gone.examples[0]?.inputs[0]?.members[0], ...moment } as ContainerInput;
      const members = isAway(minute) ? [] : [there];
      const step = gone.step(state, { ...moment, members, exits: [], nameless: [] }, options);
      state = step.state;
      if ('score' in step.opinion && step.opinion.score >= 1) alarms.push(minute);
    }
    const days = alarms.map(
      minute => Math.floor(minute / day) + (minute % day < 18 * hour ? ' afternoon' : ''),
    );
    expect([...new Set(days)]).toEqual(['0', '1', '3 afternoon']);
  });

  it('is not missed for what nobody saw: after a hole it has five minutes to come back', () => {
    const all = frames(LEARNT + 4 * MINUTE, i => (i >= LEARNT ? [web(1)] : [web(1), db])).map((one, i) =>
      i < LEARNT ? one : { ...one, start: one.start + 600_000 },
    );
    expect(alarmsIn(all).size).toBe(0);
  });

  it('is judged in complete frames only', () => {
    const faults = ['lost-events'] as const;
    const alarms = alarmsIn(
      frames(
        LEARNT + 2 * MINUTE,
        i => (i >= LEARNT ? [] : [db]),
        i => (i >= LEARNT ? { faults } : {}),
      ),
    );
    expect(alarms.size).toBe(0);
  });
});

describe('what is ordinary', () => {
  it('a deploy: the same replica again within its time, or under a new name', () => {
    const renewed = { ...db, id: 'new' };
    const other = container('app-7d9f8b6c5-x2x7p', { service: 'app' });
    const successor = container('app-5c6d7e8f9-k4k8q', { service: 'app' });
    const alarms = alarmsIn(
      frames(LEARNT + 10 * MINUTE, i => [
        ...(i < LEARNT ? [db, other] : []),
        ...(i >= LEARNT + 6 ? [renewed] : []),
        ...(i >= LEARNT - 2 ? [successor] : []),
      ]),
    );
    expect(alarms.size).toBe(0);
  });

  it('a deploy of more replicas than are remembered, each under a new name', () => {
    const pods = (release: string) =>
      Array.from({ length: 40 }, (_, k) => container(`app-${release}-a${10_000 + k}`, { service: 'app' }));
    const [old, renewed] = [pods('7d9f8b6c5'), pods('5c6d7e8f9')];
    const alarms = alarmsIn(
      frames(LEARNT + 10 * MINUTE, i => {
        const moved = Math.max(0, Math.min(40, i - LEARNT));
        return [...old.slice(moved), ...renewed.slice(0, moved)];
      }),
    );
    expect(alarms.size).toBe(0);
  });

  it('containers that no runtime names, which are others after each deploy', () => {
    const pod = (release: number) =>
      container(`containerd:${release.toString(16).padStart(12, '0')}`, {
        id: `${release}`.padStart(64, '0'),
      });
    expect(alarmsIn(frames(LEARNT + 2 * MINUTE, i => [pod(i < LEARNT ? 1 : 2)])).size).toBe(0);
  });

  it('a job that ends, each with a new name or the same', () => {
    const job = (i: number) => container(`report-${i}`, { service: 'report' });
    const nightly = container('backup', { service: 'backup' });
    const alarms = alarmsIn(
      frames(120 * MINUTE, i => [
        db,
        ...(i % MINUTE < 8 ? [job(Math.floor(i / MINUTE))] : []),
        ...(i >= 30 * MINUTE && i < 80 * MINUTE ? [nightly] : []),
      ]),
    );
    expect(alarms.size).toBe(0);
  });

  it('scaling up and down, by number and by generated names', () => {
    const pod = (k: number) => container(`api-6f7d8c9b5-${k}abcd`, { service: 'api' });
    const count = (i: number) => 2 + (Math.floor(i / (10 * MINUTE)) % 3);
    const several = (i: number, make: (k: number) => Container) =>
      Array.from({ length: i < LEARNT ? 4 : count(i) }, (_, k) => make(k + 1));
    expect(alarmsIn(frames(90 * MINUTE, i => [...several(i, web), ...several(i, pod)])).size).toBe(0);
  });
});

describe('one of several', () => {
  it('is missed when it was not the last by number', () => {
    const alarms = alarmsIn(
      frames(LEARNT + MINUTE, i => (i < LEARNT ? [web(1), web(2), web(3)] : [web(1), web(3)])),
    );
    expect(alarms.get(LEARNT + 8)?.scope.container).toBe('shop-web-2');
  });

  it('is missed when it failed, also the last', () => {
    const exits = [{ container: 'shop-web-2', code: 1, oom: false }];
    const alarms = alarmsIn(
      frames(
        LEARNT + MINUTE,
        i => (i < LEARNT ? [web(1), web(2)] : [web(1)]),
        i => (i === LEARNT ? { exits } : {}),
      ),
    );
    expect(first(alarms)).toBe(LEARNT + 8);
  });

  it('is missed when it only shares its image with the others', () => {
    const [a, b] = [
      container('orders-db', { service: 'postgres' }),
      container('users-db', { service: 'postgres' }),
    ];
    expect(
      alarmsIn(frames(LEARNT + MINUTE, i => (i < LEARNT ? [a, b] : [b]))).get(LEARNT + 8)?.scope.container,
    ).toBe('orders-db');
  });

  it('and another are one alarm of the service when both are gone', () => {
    const alarms = alarmsIn(frames(LEARNT + MINUTE, i => (i < LEARNT ? [web(1), web(2)] : [])));
    const said = alarms.get(LEARNT + 8);
    expect([said?.scope.container, said?.evidence.text]).toEqual([
      null,
      expect.stringContaining('2 of its service, among them shop-web-1'),
    ]);
  });
});

it('keeps its state plain and within its bound, whoever comes and goes', () => {
  const options = gone.options.parse({ learn: '1m', after: '10s', relearn: '2m' });
  const long = 'x'.repeat(200);
  const names = Array.from({ length: 60 }, (_, k) => container(`${long}"${k}`, { service: 'shop/web' }));
  const steps = fc.array(fc.record({ gap: fc.constantFrom(0, 0, 0, 0, 100_000), who: fc.subarray(names) }), {
    maxLength: 80,
  });
  fc.assert(
    fc.property(steps, list => {
      let state = gone.init(options);
      let start = 0;
      for (const { gap, who } of list) {
        start += gap + 5000;
        const members = who.map(one => ({
          ...gone.examples[0]?.inputs[0]?.members[0],
          container: one,
          start,
          durationMs: 5000,
          startedAt: start,
        }));
        const step = gone.step(
          state,
          { start, durationMs: 5000, members: members as never, exits: [], nameless: [] },
          options,
        );
        state = step.state;
        expect(JSON.parse(JSON.stringify(state))).toEqual(state);
        expect(JSON.stringify(state).length).toBeLessThanOrEqual(gone.stateBytes(options));
        if ('score' in step.opinion) expect(Number.isFinite(step.opinion.score)).toBe(true);
      }
    }),
    { numRuns: 30 },
  );
});
