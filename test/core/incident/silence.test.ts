import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { globMatcher } from '../../../core/config/options.ts';
import { labelsOf, matches, parseMatcher } from '../../../core/incident/matcher.ts';
import {
  coverage,
  dependsOnCourse,
  dependsOnMembers,
  EVERYTHING,
  isCovered,
  isInForce,
  SILENCE_PARTS,
  type Silence,
  silenceSchema,
  silenceText,
  subjectOf,
} from '../../../core/incident/silence.ts';
import { ABSENCE_VIEW } from '../../../core/incident/verdict.ts';
import { incidentOf } from '../../data/incidents.ts';

const SILENCE: Silence = {
  id: '1a2b3c4d',
  match: { host: 'a', service: '*', container: 'web-?' },
  from: 1000,
  until: 2000,
  owner: 'anna',
  reason: 'deploy\n\u001b[31m',
};
const incident = (container: string, host = 'a') => incidentOf(1000, { host, service: 'shop', container });

describe('silence', () => {
  it('covers what all its globs match, from its beginning until before its end', () => {
    const at = (now: number) => isCovered(SILENCE, incident('web-1'), now);
    expect([999, 1000, 1999, 2000].map(at)).toEqual([false, true, true, false]);
    expect(isCovered(SILENCE, incident('web-1', 'b'), 1500)).toBe(false);
    expect(isCovered(SILENCE, incident('web-10'), 1500)).toBe(false);
    // Of the service or the host as a whole: no container has such an empty name.
    expect(isCovered(SILENCE, incident(''), 1500)).toBe(false);
  });

  it('says what it is about, and can be printed', () => {
    expect(subjectOf(SILENCE)).toBe('container web-?, host a');
    expect(subjectOf({ match: { host: '*', service: '*', container: '*' } })).toBe('everything');
    expect(silenceText(SILENCE)).toMatch(
      /^silenced until 1970-01-01T00:00:02\.000Z by anna: deploy.+ \(1a2b3c4d\)$/,
    );
    expect(silenceText(SILENCE)).not.toMatch(/\p{Cc}/u);
  });

  it('covers what globs and matchers both take', () => {
    const silence = { ...SILENCE, matchers: ['severity!=critical', 'label.team=shop'].map(parseMatcher) };
    const one = { ...incident('web-1'), labels: { team: 'shop' } };
    expect(isCovered(silence, one, 1500)).toBe(true);
    expect(isCovered(silence, { ...one, severity: 'critical' }, 1500)).toBe(false);
    expect(isCovered(silence, { ...one, labels: { team: 'ads' } }, 1500)).toBe(false);
    expect(isCovered(silence, { ...one, container: 'db' }, 1500)).toBe(false);
    expect(subjectOf(silence)).toBe('container web-?, host a, severity!="critical", label.team="shop"');
    expect([silence, SILENCE].map(dependsOnCourse)).toEqual([true, false]);
    const ofHost = { ...SILENCE, match: { ...EVERYTHING, host: 'a' } };
    expect([silence, SILENCE, ofHost].map(dependsOnMembers)).toEqual([true, true, false]);
  });

  it('covers an incident of several only while it covers each of them, by what was found of that one', () => {
    const members = ['web-1', 'web-2'].map(name => ({ service: 'shop', container: name, since: 1000 }));
    const several = { ...incident('web-1'), members };
    expect(isCovered(SILENCE, several, 1500)).toBe(true);
    const joined = { ...several, members: [...members, { service: 'db', container: 'db', since: 1000 }] };
    expect(isCovered(SILENCE, joined, 1500)).toBe(false);
    const ofDb = { ...SILENCE, id: '00000002', until: 1800, match: { ...EVERYTHING, service: 'db' } };
    expect(coverage([SILENCE, ofDb])(joined, 1500)?.id).toBe('00000002');
    expect(coverage([SILENCE, ofDb])(joined, 1900)).toBeNull();
    // An incident of a service is none of its containers' names alone: each of them counts.
    expect(isCovered(SILENCE, { ...several, container: '' }, 1500)).toBe(true);
    const byRule = { ...SILENCE, matchers: [parseMatcher('rule=burst')] };
    const [finding] = several.findings;
    if (!finding) throw new Error('no finding');
    const ofWeb2 = { ...finding, rule: 'scan', scope: { ...finding.scope, container: 'web-2' } };
    expect(isCovered(byRule, { ...several, findings: [finding, ofWeb2] }, 1500)).toBe(false);
    expect(isCovered(byRule, { ...several, findings: [finding, { ...ofWeb2, rule: 'burst' }] }, 1500)).toBe(
      true,
    );
  });

  it('of several that cover an incident the last to end is named', () => {
    const later = { ...SILENCE, id: '00000002', until: 3000 };
    const find = coverage([SILENCE, later, { ...later, id: '00000003', from: 2500, until: 4000 }]);
    expect([1500, 2500, 3500, 4000].map(now => find(incident('web-1'), now)?.id)).toEqual([
      '00000002',
      '00000003',
      '00000003',
      undefined,
    ]);
  });

  it('of a deploy keeps back what it explains, and nothing else that is critical', () => {
    const deploy: Silence = { ...SILENCE, kind: 'deploy', match: EVERYTHING };
    const [finding] = incident('web-1').findings;
    if (!finding) throw new Error('no finding');
    const gone = { ...finding, evidence: { ...finding.evidence, view: ABSENCE_VIEW } };
    const critical = { ...incident('web-1'), severity: 'critical' as const };
    expect(isCovered(deploy, incident('web-1'), 1500)).toBe(true);
    expect(isCovered(deploy, critical, 1500)).toBe(false);
    expect(isCovered(deploy, { ...critical, findings: [gone] }, 1500)).toBe(true);
    expect(isCovered(deploy, { ...critical, findings: [gone, finding] }, 1500)).toBe(false);
    expect(silenceText(deploy)).toContain('kept back during a deploy until 1970-01-01T00:00:02.000Z by anna');
  });

  it('is read as earlier versions wrote it; with an expression that nobody could have added it covers nothing', () => {
    expect(silenceSchema.parse(SILENCE)).toEqual(SILENCE);
    const odd: Silence = { ...SILENCE, matchers: [{ name: 'container', op: '=~', value: '(' }] };
    expect(silenceSchema.parse(odd)).toEqual(odd);
    expect(isCovered(odd, incident('web-1'), 1500)).toBe(false);
  });
});

it('of any silences that cover an incident the last to end is found, however they name it', () => {
  const part = fc.constantFrom('*', 'a', 'b', 'a*');
  const matcher = fc.constantFrom('container=a', 'container=~"a|b"', 'container!=a', 'service=b', 'host=a');
  const silence = fc.record({
    match: fc.record({ host: part, service: part, container: part }),
    matchers: fc.array(matcher.map(parseMatcher), { maxLength: 2 }),
    from: fc.nat(5),
    until: fc.integer({ min: 5, max: 20 }),
  });
  const name = fc.constantFrom('', 'a', 'b', 'ab');
  const who = fc.record({ host: name, service: name, container: name });
  fc.assert(
    fc.property(fc.array(silence, { maxLength: 12 }), who, fc.nat(20), (found, about, now) => {
      const all = found.map((one, n) => ({ ...one, id: String(n), owner: '', reason: '' }));
      const incident = incidentOf(0, about);
      const [expected = null] = all
        .toSorted((a, b) => b.until - a.until)
        .filter(
          one =>
            isInForce(one, now) &&
            SILENCE_PARTS.every(part => globMatcher(one.match[part])(incident[part])) &&
            matches(one.matchers, labelsOf(incident)),
        );
      expect(coverage(all)(incident, now)).toBe(expected);
    }),
  );
});
