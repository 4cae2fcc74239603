import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Incident } from '../../core/incident/incident.ts';
import { UTC } from '../../core/time-zone.ts';
import { type Change, changesBetween, countChanges } from '../../review/changes.ts';
import { changesText } from '../../review/changes-text.ts';
import { incidentOf } from '../data/incidents.ts';

const T0 = Date.UTC(2026, 0, 31, 22);
const MINUTE = 60_000;

/** An incident of a container from minute to minute, over a minute later. */
const during = (container: string, from: number, to: number, parts: Partial<Incident> = {}): Incident =>
  incidentOf(T0 + from * MINUTE, {
    container,
    end: T0 + to * MINUTE,
    resolvedAt: T0 + (to + 1) * MINUTE,
    ...parts,
  });

/** `kind container from>to`, in minutes. */
const shown = ({ kind, before, after }: Change): string => {
  const at = (one: Incident | null) => (one ? (one.start - T0) / MINUTE : '-');
  return `${kind} ${(before ?? after)?.container} ${at(before)}>${at(after)}`;
};

describe('what other settings would have changed', () => {
  it('is what only one of them raises, and what both raise at other times', () => {
    const before = [during('a', 0, 5), during('b', 0, 5), during('c', 10, 20), during('d', 3, 4)];
    const after = [during('a', 0, 5), during('c', 12, 20), during('d', 1, 4), during('e', 7, 8)];
    expect(changesBetween(before, after).map(shown)).toEqual([
      'same a 0>0',
      'gone b 0>-',
      'earlier d 3>1',
      'new e ->7',
      'later c 10>12',
    ]);
  });

  it('tells what differs besides the start', () => {
    const [finding] = during('a', 0, 5).findings;
    if (!finding) throw new Error('no finding');
    const before = during('a', 0, 5);
    const after = during('a', 0, 3, { severity: 'critical', findings: [{ ...finding, rule: 'other' }] });
    expect(changesBetween([before], [after])).toMatchObject([
      {
        kind: 'changed',
        differences: [
          'critical instead of warning',
          'ends earlier',
          'not seen by burst',
          'also seen by other',
        ],
      },
    ]);
  });

  it('an incident has one partner at most: of two in its time the first', () => {
    const changes = changesBetween([during('a', 0, 20)], [during('a', 2, 4), during('a', 8, 9)]);
    expect(changes.map(shown)).toEqual(['later a 0>2', 'new a ->8']);
  });

  it('one container of two hosts, and a service named like a container, are not the same', () => {
    const before = [during('a', 0, 5), during('', 0, 5, { service: 'a' })];
    const after = [during('a', 0, 5, { host: 'other' })];
    expect(countChanges(changesBetween(before, after))).toMatchObject({ gone: 2, new: 1, same: 0 });
  });

  it('of any incidents is what comparing each with each gives', () => {
    const one = fc.record({
      who: fc.constantFrom('a', 'b'),
      from: fc.nat(40),
      length: fc.integer({ min: 1, max: 6 }),
    });
    // Incidents of one container do not overlap.
    const list = fc.array(one, { maxLength: 12 }).map(all => {
      const ends: Record<string, number> = {};
      return all
        .sort((a, b) => a.from - b.from)
        .filter(({ who, from, length }) => {
          if (from < (ends[who] ?? 0)) return false;
          ends[who] = from + length + 1;
          return true;
        })
        .map(({ who, from, length }) => during(who, from, from + length));
    });
    fc.assert(
      fc.property(list, list, (before, after) => {
        expect(changesBetween(before, after).map(shown).sort()).toEqual(naiveChanges(before, after).sort());
      }),
    );
  });

  it('is told in lines: what stays is only counted, names are printable', () => {
    const changes = changesBetween(
      [during('a', 0, 5), during('b', 0, 5)],
      [during('a', 1, 5), during('b', 0, 5)],
    );
    expect(changesText(changes, 'x\u001b', UTC)).toBe(
      'With x\\x1b: 1 later, 1 the same\n  later      2026-01-31T22:01:00Z  shop: bytes sent 12 MiB/s, expected up to 1.4 MiB/s (1m later)\n',
    );
  });
});

/** By trying all pairs, in order of time: first those that begin together, then those that overlap. */
function naiveChanges(before: readonly Incident[], after: readonly Incident[]): string[] {
  const partner = new Map<Incident, Incident>();
  const tests = [
    (a: Incident, b: Incident) => a.start === b.start,
    (a: Incident, b: Incident) => a.start < (b.resolvedAt ?? 0) && b.start < (a.resolvedAt ?? 0),
  ];
  for (const fits of tests)
    for (const a of before)
      for (const b of after) {
        const isFree = !partner.has(a) && ![...partner.values()].includes(b);
        if (isFree && a.container === b.container && fits(a, b)) partner.set(a, b);
      }
  const moved = (a: Incident, b: Incident) =>
    b.start < a.start ? 'earlier' : b.start > a.start ? 'later' : null;
  return [
    ...before.map(a => {
      const b = partner.get(a);
      if (!b) return shown({ kind: 'gone', before: a, after: null, differences: [] });
      const kind = moved(a, b) ?? (a.end === b.end ? 'same' : 'changed');
      return shown({ kind, before: a, after: b, differences: [] });
    }),
    ...after
      .filter(b => ![...partner.values()].includes(b))
      .map(b => shown({ kind: 'new', before: null, after: b, differences: [] })),
  ];
}
