import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { GroupInput } from '../../detector/contract.ts';
import { siblings } from '../../detector/siblings.ts';
import { inputAt, START } from './data/containers.ts';
import { alarmsOf, run } from './data/examples.ts';

/** One frame of a service: messages received by each replica; null: it is not there. */
function groupAt(
  at: number,
  received: readonly (number | null)[],
  ids: readonly string[] = [],
  durationMs = 5000,
): GroupInput {
  const members = received.flatMap((n, k) => {
    if (n === null) return [];
    const input = inputAt(at, { sent: 0, received: n }, durationMs);
    const name = `web-${k + 1}`;
    const container = { ...input.container, name, replica: `${k + 1}`, id: ids[k] ?? name };
    return [{ ...input, container }];
  });
  return { start: START + at, durationMs, members, exits: [], nameless: [] };
}

const groups = (n: number, row: (i: number) => readonly (number | null)[]): GroupInput[] =>
  Array.from({ length: n }, (_, i) => groupAt(i * 5000, row(i)));

const HOUR = 720;

describe('siblings', () => {
  it('finds the replica with 1.8 times the traffic while the others have .6', () => {
    const inputs = groups(HOUR + 60, i => (i < HOUR ? [20, 22, 18] : [36, 12, 12]));
    const opinions = run(siblings, {}, inputs);
    const [first] = alarmsOf(opinions);
    expect(first).toBeGreaterThanOrEqual(HOUR);
    expect(first).toBeLessThan(HOUR + 12);
    expect(opinions[first ?? 0]).toMatchObject({
      evidence: { text: expect.stringContaining('replica 1 received') },
    });
  });

  const LEARNT = HOUR / 3;

  it('finds one that gains half as much again as it had while the others lose a quarter, twenty minutes after the start', () => {
    const [first] = alarmsOf(
      run(
        siblings,
        {},
        groups(LEARNT + 24, i => (i < LEARNT ? [200, 210, 190] : [320, 150, 140])),
      ),
    );
    expect(first).toBeGreaterThanOrEqual(LEARNT);
    expect(first).toBeLessThan(LEARNT + 18);
  });

  it('takes a surge of one for none where the others lose nothing', () => {
    expect(
      alarmsOf(
        run(
          siblings,
          {},
          groups(LEARNT + 24, i => [i < LEARNT ? 200 : 400, 210, 190]),
        ),
      ),
    ).toEqual([]);
  });

  it.each([200, 500])('judges frames of %i ms by the minute as well', durationMs => {
    const perSecond = 1000 / durationMs;
    const inputs = Array.from({ length: 4200 * perSecond }, (_, i) =>
      groupAt(i * durationMs, i < 3600 * perSecond ? [4, 4, 4] : [16, 2, 2], [], durationMs),
    );
    const [first] = alarmsOf(run(siblings, {}, inputs));
    expect(first).toBeGreaterThanOrEqual(3600 * perSecond);
    expect(first).toBeLessThan(3660 * perSecond);
  });

  it('goes on judging a service whose replicas get new names with each deploy', () => {
    const hours = 8;
    const names = (deploy: number) => Array.from({ length: 12 }, (_, k) => `pod-${deploy}-${k}`);
    const inputs = Array.from({ length: hours * HOUR }, (_, i) => {
      const frame = groupAt(
        i * 5000,
        Array.from({ length: 12 }, (_, k) => (i >= hours * HOUR - 60 && k === 0 ? 400 : 20)),
      );
      const now = names(Math.floor(i / HOUR));
      return {
        ...frame,
        members: frame.members.map((member, k) => ({
          ...member,
          container: { ...member.container, replica: now[k] ?? '', id: now[k] ?? '' },
        })),
      };
    });
    const [first] = alarmsOf(run(siblings, {}, inputs));
    expect(first).toBeGreaterThanOrEqual(hours * HOUR - 60);
  });

  it('has nothing to say of a replica that has always been unlike', () => {
    const inputs = groups(3 * HOUR, () => [200, 22, 18]);
    expect(alarmsOf(run(siblings, {}, inputs))).toEqual([]);
  });

  it('does not judge a new replica while it warms up', () => {
    const inputs = groups(HOUR + 30, i => (i < HOUR ? [20, 22, 18, null] : [20, 22, 18, 90]));
    expect(alarmsOf(run(siblings, {}, inputs))).toEqual([]);
  });

  it('abstains with fewer than three replicas', () => {
    const opinions = run(
      siblings,
      {},
      groups(10, () => [20, 900]),
    );
    expect(opinions.every(opinion => 'abstain' in opinion && opinion.abstain === 'no value')).toBe(true);
  });

  it('keeps finite scores, printable evidence and a plain, bounded state whatever comes', () => {
    const row = fc.array(fc.option(fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 1e6 }))), {
      minLength: 3,
      maxLength: 40,
    });
    const rows = fc.array(
      fc.record({ row, n: fc.constantFrom(1, 40), gap: fc.constantFrom(0, 0, 3600, -60, 200_000) }),
      { maxLength: 6 },
    );
    fc.assert(
      fc.property(rows, list => {
        const options = siblings.options.parse({ warm_up: '1m' });
        let state = siblings.init(options);
        let at = 0;
        for (const { row: received, n, gap } of list) {
          at += gap * 1000;
          for (let i = 0; i < n; i++) {
            const input = groupAt(at, received);
            const copy = siblings.step(JSON.parse(JSON.stringify(state)), input, options);
            const result = siblings.step(state, input, options);
            expect(copy).toEqual(result);
            state = result.state;
            at += 5000;
            if ('abstain' in result.opinion) continue;
            expect(Number.isFinite(result.opinion.score)).toBe(true);
            expect(result.opinion.evidence.text).toMatch(/^[\x20-\x7e]+$/);
          }
          expect(JSON.stringify(state).length).toBeLessThanOrEqual(siblings.stateBytes(options));
        }
      }),
      { numRuns: 25 },
    );
  });
});
