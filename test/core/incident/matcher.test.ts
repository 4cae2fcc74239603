import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  compileMatchers,
  labelsOf,
  MATCHER_OPS,
  type Matcher,
  matcherSchema,
  matchersText,
  matcherText,
  matcherTexts,
  matches,
  parseMatcher,
} from '../../../core/incident/matcher.ts';
import { incidentOf } from '../../data/incidents.ts';

const incident = incidentOf(0, {
  container: 'web-1',
  image: 'shop/web:1.2',
  labels: { team: 'shop', 'com.example.tier': 'front' },
});
const holds = (text: string, about = incident) => matches([parseMatcher(text)], labelsOf(about));
const errorOf = (text: string): string => {
  try {
    return JSON.stringify(parseMatcher(text));
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
};

describe('a matcher', () => {
  it.each([
    ['container=web-1', 'container', '=', 'web-1'],
    [' container = "web-1" ', 'container', '=', 'web-1'],
    ['container=~web-[0-9]{1,3}', 'container', '=~', 'web-[0-9]{1,3}'],
    ['container!~"web-\\d+"', 'container', '!~', 'web-\\d+'],
    ['rule!="say \\"no\\", \\\\ and\\nmore"', 'rule', '!=', 'say "no", \\ and\nmore'],
    ['label.com.example.team=a=b', 'label.com.example.team', '=', 'a=b'],
    ['image=', 'image', '=', ''],
  ])('is read from %s', (text, name, op, value) => {
    expect(parseMatcher(text)).toEqual({ name, op, value });
  });

  it.each([
    [
      'web-1',
      '"web-1" is no matcher. Write name, =, !=, =~ or !~, and a value, such as container=~"web-.*".',
    ],
    ['contianer=web', 'incidents have no "contianer". Use container.'],
    [
      'team=shop',
      'incidents have no "team". Use host, service, container, image, severity, rule or label.KEY.',
    ],
    [
      'label.=shop',
      'incidents have no "label.". Use host, service, container, image, severity, rule or label.KEY.',
    ],
    ['severity=warn', 'there is no severity "warn". Use info, warning, critical.'],
    [
      'container="web-1',
      'the quotes in "container="web-1" do not enclose the value. Write container="web-1"; inside the quotes \\" is a quote.',
    ],
    [
      'container=web-1, severity=info',
      '"container=web-1, severity=info" has more than one matcher. Write each matcher by itself.',
    ],
    [
      '{container="web-1"}',
      '"{container="web-1"}" is no matcher. Write name, =, !=, =~ or !~, and a value, such as container=~"web-.*".',
    ],
    [`container=${'x'.repeat(201)}`, 'the value of container has 201 characters. Use at most 200.'],
    [
      'container=~"web-("',
      'the regular expression "web-(" is wrong: error parsing regexp: missing closing ): `(?s)web-(`. Write it as RE2 has it.',
    ],
    [
      'container=~"(?=web)"',
      'the regular expression "(?=web)" is wrong: error parsing regexp: invalid or unsupported Perl syntax: `(?=`. Write it as RE2 has it.',
    ],
    [
      'container=~"a{1000}"',
      'the regular expression "a{1000}" is too large. Use fewer or smaller repetitions such as {100}.',
    ],
  ])('is refused in %s', (text, message) => {
    expect(errorOf(text)).toBe(message);
  });

  it('is written as it is read, whatever its value is', () => {
    const value = fc.string({ unit: 'binary', maxLength: 60 });
    fc.assert(
      fc.property(value, fc.constantFrom('=', '!='), (text, op) => {
        const matcher = { name: 'container', op, value: text } as Matcher;
        expect(parseMatcher(matcherText(matcher))).toEqual(matcher);
        expect(matchersText([matcher])).not.toMatch(/\p{Cc}/u);
      }),
    );
  });

  it.each([
    ['container=web-1', true],
    ['container=web', false],
    ['container=~web', false],
    ['container=~web-.', true],
    ['container=~b|web-1|c', true],
    ['container=~eb-1|web', false],
    ['container!~web-.*', false],
    ['image=~"shop/web:1\\..*"', true],
    ['severity!=info', true],
    ['label.team=shop', true],
    ['label.com.example.tier=~f.*', true],
    ['label.other=', true],
    ['label.other!=x', true],
    ['label.other=~.+', false],
    ['label.constructor=', true],
  ])('with %s holds: %s', (text, held) => {
    expect(holds(text)).toBe(held);
  });

  it('on the rule holds for = when one of several is it, and for != when none is', () => {
    const [finding] = incident.findings;
    if (!finding) throw new Error('no finding');
    const two = { ...incident, findings: [finding, { ...finding, rule: 'uplink' }, finding] };
    expect(labelsOf(two).rule).toEqual(['burst', 'uplink']);
    expect(
      ['rule=uplink', 'rule=~up.*', 'rule!=uplink', 'rule!~b.*', 'rule!=x'].map(text => holds(text, two)),
    ).toEqual([true, true, false, false, true]);
    expect(holds('rule=uplink', { ...incident, findings: [] })).toBe(false);
    expect(holds('rule!=uplink', { ...incident, findings: [] })).toBe(true);
  });

  it('and its negation are never both true, of any text', () => {
    const text = fc.string({ unit: 'binary', maxLength: 30 });
    const pair = fc.constantFrom(['=', '!='] as const, ['=~', '!~'] as const);
    fc.assert(
      fc.property(
        text,
        fc.constantFrom('a', 'web-.*', '.*', '(?i)A|b'),
        pair,
        (container, value, [yes, no]) => {
          const labels = labelsOf({ ...incident, container });
          const one = { name: 'container', value };
          expect(matches([{ ...one, op: yes }], labels)).toBe(!matches([{ ...one, op: no }], labels));
        },
      ),
    );
  });

  it('takes every text by .*, also one with line ends and half characters', () => {
    const text = fc.string({ unit: 'binary', maxLength: 30 });
    fc.assert(
      fc.property(text, container => {
        expect(holds('container=~.*', { ...incident, container: `${container}\n\ud800` })).toBe(true);
      }),
    );
  });

  it('means the same as an anchored expression of JavaScript where both have the syntax', () => {
    const part = fc.constantFrom('a', 'b', '.', '[ab]', '(a|b)', 'a?', 'b*', '(ab)+', '[^a]', 'a{2}');
    const expression = fc.array(part, { maxLength: 6 }).map(parts => parts.join(''));
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '\n'), maxLength: 8 });
    fc.assert(
      fc.property(expression, text, (value, container) => {
        const labels = labelsOf({ ...incident, container });
        expect(matches([{ name: 'container', op: '=~', value }], labels)).toBe(
          new RegExp(`^(?:${value})$`, 's').test(container),
        );
      }),
      { numRuns: 500 },
    );
  });

  // With backtracking each of these takes longer than the universe has lasted.
  it.each(['(a+)+b', '((a*)*)*b', '(a|a)*b', '(a?){50}a{50}b', '(.*.*)*=.*', '(a|aa|aaa)+b'])(
    'with the expression %s ends over a name that is made for it',
    value => {
      const container = 'a'.repeat(20_000);
      expect(holds(`container=~"${value}"`, { ...incident, container })).toBe(false);
    },
  );

  it('of any expression is read or refused as such, and asked without an exception', () => {
    const unit = fc.constantFrom(...'ab(){}[]|*+?.\\^$,:=!<>P-1', '\u0130', '\ud800');
    fc.assert(
      fc.property(fc.string({ unit, maxLength: 30 }), value => {
        const parsed = matcherSchema.safeParse({ name: 'container', op: '=~', value });
        if (parsed.success) compileMatchers([parsed.data])(labelsOf(incident));
        else expect(parsed.error.issues[0]?.message).toContain('the regular expression');
      }),
      { numRuns: 1000 },
    );
  });

  it('from outside is refused when parseMatcher could not have made it', () => {
    const isTaken = (value: unknown) => matcherSchema.safeParse(value).success;
    for (const op of MATCHER_OPS) expect(isTaken({ name: 'container', op, value: 'a' })).toBe(true);
    expect(isTaken({ name: '__proto__', op: '=', value: 'a' })).toBe(false);
    expect(isTaken({ name: 'container', op: '==', value: 'a' })).toBe(false);
    expect(isTaken({ name: 'container', op: '=~', value: '(' })).toBe(false);
    expect(isTaken({ name: 'container', op: '=', value: 'a', more: 1 })).toBe(false);
  });

  it('in a configuration is a text, and a wrong one is explained', () => {
    const read = matcherTexts().safeParse(['container=~web-.*', 'severity=info']);
    expect(read.data).toEqual([
      { name: 'container', op: '=~', value: 'web-.*' },
      { name: 'severity', op: '=', value: 'info' },
    ]);
    expect(matcherTexts().safeParse(['contianer=web']).error?.issues[0]).toMatchObject({
      path: [0],
      message: 'a matcher such as container=~"web-.*" (incidents have no "contianer")',
    });
    expect(matcherTexts().safeParse([]).success).toBe(false);
  });
});
