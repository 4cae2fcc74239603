import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { MARK_KINDS, type Mark, newestMarks, newMarkSchema, spokeIn } from '../../../core/incident/mark.ts';
import { markJson, marksFromJson } from '../../../core/incident/mark-json.ts';
import { incidentOf } from '../../data/incidents.ts';
import { markOf } from '../../data/marks.ts';

const T0 = 1_700_000_000_000;
const incident = incidentOf(T0);

const text = fc.string({ unit: 'binary', maxLength: 40 });
const time = fc.integer({ min: 0, max: 4e12 });
const arbitrary: fc.Arbitrary<Mark> = fc.record({
  seq: fc.integer({ min: 1, max: 1e9 }),
  ...{ incident: text, host: text, service: text, container: text, start: time },
  ...{ kind: fc.constantFrom(...MARK_KINDS), by: text, note: text, at: time, from: fc.option(time) },
  spoke: fc.array(
    fc.record({
      ...{ rule: text, service: fc.option(text), view: fc.option(text) },
      direction: fc.option(fc.constantFrom('send' as const, 'receive' as const)),
      metric: fc.option(fc.constantFrom('bytes' as const, 'messages' as const)),
      score: fc.double({ min: 0, max: 1e9, noNaN: true }),
    }),
    { maxLength: 3 },
  ),
});

describe('marks', () => {
  it('come back from JSON as they were, whatever people and containers wrote', () => {
    fc.assert(
      fc.property(fc.array(arbitrary, { maxLength: 4 }), marks => {
        expect(marksFromJson(JSON.stringify(marks.map(markJson)))).toEqual(marks);
      }),
    );
  });

  it.each([
    ['no JSON', '{'],
    ['no list', '{}'],
    ['an unknown kind', JSON.stringify([{ ...markJson(markOf(incident, 1)), kind: 'perhaps' }])],
    ['a time that is none', JSON.stringify([{ ...markJson(markOf(incident, 1)), at: 'yesterday' }])],
    ['an unknown key', JSON.stringify([{ ...markJson(markOf(incident, 1)), more: 1 }])],
  ])('are refused when the text is %s', (_what, wrong) => {
    expect(() => marksFromJson(wrong)).toThrow();
  });

  it('are refused by the state with a note that is too long', () => {
    const { seq: _, from: __, ...said } = markOf(incident, 1);
    expect(newMarkSchema.safeParse({ ...said, note: 'x'.repeat(500) }).success).toBe(true);
    expect(newMarkSchema.safeParse({ ...said, note: 'x'.repeat(501) }).success).toBe(false);
  });

  it('of one incident the last counts, and one that was taken back does not', () => {
    const other = incidentOf(T0 + 60_000);
    const said = markOf(incident, 1);
    const corrected = markOf(incident, 3, { kind: 'real' });
    const undone = [markOf(other, 2), markOf(other, 4, { kind: 'none' })];
    expect([...newestMarks([corrected, ...undone, said]).values()]).toEqual([corrected]);
  });

  it('hold the scores by the limit that is calibrated, also where marks had raised it', () => {
    const [finding] = incident.findings;
    if (!finding) throw new Error('an incident has a finding');
    const raised = { ...finding, peak: 1.5, evidence: { ...finding.evidence, raised: 2, view: 'sizes' } };
    expect(spokeIn({ findings: [finding, raised] })).toEqual([
      { rule: 'burst', service: null, direction: 'send', metric: 'bytes', view: null, score: 1.5 },
      { rule: 'burst', service: null, direction: 'send', metric: 'bytes', view: 'sizes', score: 3 },
    ]);
  });
});
