import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { precisionLines } from '../../cli/commands/quality.ts';
import { MARK_KINDS } from '../../core/incident/mark.ts';
import { precision } from '../../core/precision.ts';
import { incidentOf } from '../data/incidents.ts';
import { markOf } from '../data/marks.ts';

const T0 = 1_700_000_000_000;
const RANGE = { from: T0, to: T0 + 1000 };
const [finding] = incidentOf(T0).findings;
if (!finding) throw new Error('an incident has a finding');

/** The n-th incident, in which these rules spoke. */
const incident = (n: number, ...rules: string[]) =>
  incidentOf(T0 + n, { findings: rules.map(rule => ({ ...finding, rule })) });

describe('how often incidents were right', () => {
  it('is counted for each rule that spoke, and once for all together', () => {
    const all = [
      incident(0, 'a', 'b'),
      incident(1, 'a'),
      incident(2, 'a'),
      incident(3, 'b'),
      incident(4, 'c'),
    ];
    const marks = [
      markOf(incident(0, 'a', 'b'), 1, { kind: 'real' }),
      markOf(incident(1, 'a'), 2, { kind: 'expected' }),
      markOf(incident(2, 'a'), 3, { kind: 'real' }),
      markOf(incident(2, 'a'), 4, { kind: 'false-alarm' }),
      markOf(incident(3, 'b'), 5),
      markOf(incident(3, 'b'), 6, { kind: 'none' }),
    ];
    const rows = precision(all, marks, RANGE);
    expect(
      rows.map(row => [row.rule, row.incidents, row.real, row.expected, row.falseAlarms, row.unmarked]),
    ).toEqual([
      ['a', 3, 1, 1, 1, 0],
      ['b', 2, 1, 0, 0, 1],
      ['c', 1, 0, 0, 0, 1],
      [null, 5, 1, 1, 1, 2],
    ]);
    expect(rows[0]?.right?.share).toBeCloseTo(2 / 3, 12);
    // Wilson's interval of 2 of 3.
    expect(rows[0]?.right?.low).toBeCloseTo(0.2077, 3);
    expect(rows[0]?.right?.high).toBeCloseTo(0.9385, 3);
    expect(rows[2]?.right).toBeNull();
  });

  it('counts marked incidents that are forgotten themselves, and none outside of the range', () => {
    const forgotten = markOf(incident(5, 'a'), 1, { kind: 'real' });
    const outside = [incident(-1, 'a'), incident(1000, 'a')];
    const rows = precision(outside, [forgotten, ...outside.map((one, i) => markOf(one, 2 + i))], RANGE);
    expect(rows.at(-1)).toMatchObject({ incidents: 1, real: 1, falseAlarms: 0, unmarked: 0 });
  });

  it('says so where nothing is marked, or nothing was raised', () => {
    expect(precisionLines(precision([], [], RANGE))).toEqual(['No incidents.']);
    expect(precisionLines(precision([incident(0, 'a\u001b')], [], RANGE))).toEqual([
      'rule   incidents  real  expected  false alarm  unmarked  right (95 % interval)',
      'a\\x1b          1     0         0            0         1  -',
      'all            1     0         0            0         1  -',
      'None is marked yet: `tidegauge incident mark ID --real`, --expected or --false-alarm.',
    ]);
  });

  it('adds up, whatever was said in whichever order', () => {
    const said = fc.record({ n: fc.nat(5), kind: fc.constantFrom(...MARK_KINDS) });
    fc.assert(
      fc.property(fc.array(said, { maxLength: 20 }), fc.array(fc.nat(5)), (list, raised) => {
        const marks = list.map(({ n, kind }, i) => markOf(incident(n, 'a', 'b'), i + 1, { kind }));
        const rows = precision(
          raised.map(n => incident(n, 'a', 'b')),
          marks,
          RANGE,
        );
        for (const { incidents, real, expected, falseAlarms, unmarked, right } of rows) {
          expect(real + expected + falseAlarms + unmarked).toBe(incidents);
          if (right) expect(right.low <= right.share && right.share <= right.high).toBe(true);
        }
      }),
    );
  });
});
