import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { z } from 'zod';
import type { Rule } from '../../../core/config/config.ts';
import { matchSchema, overrideMatchSchema } from '../../../core/config/match.ts';
import { matcher, refusalOf, ruleChooser } from '../../../detector/fold/match.ts';
import { container } from '../data/frames.ts';

type Written = z.input<typeof matchSchema>;

const WEB = container('web-1', {
  service: 'shop/web',
  image: 'nginx:1.27',
  labels: { team: 'shop', tier: 'front' },
});
const HERE = { host: 'host-a', hasContainers: true };

const takes = (match: Written, who = WEB): boolean => matcher(matchSchema.parse(match))(who, HERE);

describe('a match', () => {
  it.each<[Written, boolean]>([
    [{}, true],
    [{ container: 'web-*' }, true],
    [{ container: ['api-*', 'web-?'] }, true],
    [{ container: ['api-*', 'db'] }, false],
    [{ service: 'shop/*', image: ['redis:*', 'nginx:*'] }, true],
    [{ service: 'shop/*', image: 'redis:*' }, false],
    [{ host: 'host-*' }, true],
    [{ host: ['host-b', 'host-c'] }, false],
    [{ label: { team: 'shop' } }, true],
    [{ label: { team: ['mail', 'sh*'] } }, true],
    [{ label: { team: 'shop', tier: 'back' } }, false],
    [{ label: { owner: '*' } }, false],
    [{ label: { toString: '*' } }, false],
    [{ not: { container: 'backup' } }, true],
    [{ not: { container: ['backup', 'web-*'] } }, false],
    [{ container: 'web-*', not: { container: 'web-1' } }, false],
    [{ not: { container: 'backup', image: 'nginx:*' } }, false],
    [{ not: { label: { tier: 'front', owner: 'x' } } }, false],
    [{ not: { label: { owner: '*' } } }, true],
    [{ not: { host: 'host-a' } }, false],
    [{ not: { container: '*' } }, false],
  ])('%j of web-1 of team shop: %p', (match, expected) => {
    expect(takes(match)).toBe(expected);
  });

  it('gives a reason exactly when it does not take a container', () => {
    const pattern = fc.constantFrom('*', 'web-*', 'api-*', 'shop/*', 'shop', 'nginx:*', 'host-a', 'x');
    const patterns = fc.oneof(pattern, fc.array(pattern, { minLength: 1, maxLength: 3 }));
    const label = fc.dictionary(fc.constantFrom('team', 'owner'), patterns, {
      minKeys: 1,
      noNullPrototype: true,
    });
    const keys = { container: patterns, service: patterns, image: patterns, host: patterns, label };
    const not = fc.record(keys, { requiredKeys: ['container'] });
    const match = fc.record({ ...keys, not }, { requiredKeys: [] });
    fc.assert(
      fc.property(match, written => {
        const parsed = matchSchema.parse(written);
        const { not: excluded, ...positive } = parsed;
        const isTaken = matcher(parsed)(WEB, HERE);
        expect(refusalOf(parsed, WEB, HERE) === null).toBe(isTaken);
        const isExcluded =
          excluded !== undefined &&
          Object.entries(excluded).some(([key, value]) =>
            key === 'label'
              ? Object.entries(value).some(([name, one]) => takes({ label: { [name]: one } } as Written))
              : takes({ [key]: value } as Written),
          );
        expect(isTaken).toBe(matcher(positive)(WEB, HERE) && !isExcluded);
      }),
    );
  });

  it.each<[Written, string]>([
    [{ kind: 'cgroup' }, 'kind cgroup does not take a container'],
    [{ container: ['a', 'b'] }, 'its container "web-1" does not match "a" or "b"'],
    [
      { container: ['a', 'b', 'c', 'd', 'e'] },
      'its container "web-1" does not match "a", "b", "c" or 2 more',
    ],
    [{ label: { owner: 'x' } }, 'it has no label owner'],
    [{ label: { team: 'x' } }, 'its label team "shop" does not match "x"'],
    [{ not: { container: 'web-*' } }, '`not` leaves it out: container "web-*"'],
    [{ not: { label: { team: 'shop' } } }, '`not` leaves it out: label team "shop"'],
  ])('%j says why it leaves web-1 alone', (match, reason) => {
    expect(refusalOf(matchSchema.parse(match), WEB, HERE)).toBe(reason);
  });
});

it('of the overrides that match, the first is in force, and has states of its own', () => {
  const overrides = [
    { match: overrideMatchSchema.parse({ container: 'api-*' }), options: 'api' },
    { match: overrideMatchSchema.parse({ label: { team: 'shop' } }), options: 'shop' },
    { match: overrideMatchSchema.parse({ container: 'web-1' }), options: 'web' },
  ];
  const rule: Rule = {
    use: 'x',
    name: 'limit',
    match: matchSchema.parse({ kind: 'any' }),
    options: 'own',
    overrides,
  };
  const inForce = (who: typeof WEB) => {
    const { options, override, states } = ruleChooser(rule)(who, HERE);
    return [options, override, states];
  };
  expect(inForce(WEB)).toEqual(['shop', 1, 'limit#2']);
  expect(inForce(container('api-1', { labels: { team: 'shop' } }))).toEqual(['api', 0, 'limit#1']);
  expect(inForce(container('web-1'))).toEqual(['web', 2, 'limit#3']);
  expect(inForce(container('/', { kind: 'cgroup' }))).toEqual(['own', null, 'limit']);
});
