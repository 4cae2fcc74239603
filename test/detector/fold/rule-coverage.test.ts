import { describe, expect, it } from '@jest/globals';
import type { Rule } from '../../../core/config/config.ts';
import { matchSchema } from '../../../core/config/match.ts';
import type { Container } from '../../../core/traffic/frame.ts';
import {
  countMatches,
  type HostContainers,
  hostContainers,
  RuleCoverage,
  type Unmatched,
  uncoveredLine,
  unmatchedRules,
} from '../../../detector/fold/rule-coverage.ts';

const containerOf = (name: string, more: Partial<Container> = {}): Container => ({
  ...{ name, kind: 'container', service: `s-${name}`, replica: '1', image: `${name}:1`, id: name },
  ...more,
});
const host = (...containers: Container[]): HostContainers => hostContainers({ host: 'web-1', containers });
const ruleOf = (match: object, name = 'uplink'): Rule => ({
  ...{ use: 'threshold', name, options: {} },
  match: matchSchema.parse(match),
});
const sshd = containerOf('/system.slice/ssh.service', { kind: 'cgroup', image: '', service: 'ssh' });
const SHOP = host(containerOf('shop-web-1'), containerOf('shop-db'), sshd);
const textsOf = (unmatched: readonly Unmatched[]) => unmatched.map(({ text }) => text);
const linesOf = (match: object, hosts: readonly HostContainers[] = [SHOP]) =>
  textsOf(unmatchedRules([ruleOf(match)], hosts));

describe('a rule that matches no containers', () => {
  it.each([
    [{ container: 'shop-wbe-*' }, 'none of 3 is named "shop-wbe-*" (did you mean "shop-web-1"?)'],
    [{ container: 'web' }, 'named "web" (a pattern is for the whole name: *web* takes "shop-web-1")'],
    [{ container: 'redis' }, 'none of 3 is named "redis"'],
    [{ service: 's-shop-dc' }, 'none of 3 is of service "s-shop-dc" (did you mean "s-shop-db"?)'],
    [{ image: 'shop-db:2' }, 'none of 3 is of image "shop-db:2" (did you mean "shop-db:1"?)'],
    [
      { container: 'shop-db', service: 's-shop-web-1' },
      'no container has container "shop-db" and service "s-shop-web-1" at once',
    ],
    [{ host: 'web-2' }, 'none of 3 is on host "web-2" (did you mean "web-1"?)'],
    [{ container: ['redis', 'shop-wbe-*'] }, 'named "redis" or "shop-wbe-*" (did you mean "shop-web-1"?)'],
    [{ label: { team: 'shop' } }, 'none of 3 has a label team'],
    [{ not: { service: '*' } }, '"shop-web-1" would fit, but `not` leaves it out: service "*"'],
    [{ container: '*ssh*' }, '"/system.slice/ssh.service" would fit, but kind auto does not take a cgroup'],
  ])('%j: says why', (match, reason) => {
    const [line = '', ...others] = linesOf(match);
    expect(others).toEqual([]);
    expect(line).toMatch(/^rule uplink matches no containers: /);
    expect(line.slice(-reason.length)).toBe(reason);
  });

  it('is none that matches something on any host, nor one that matches everything', () => {
    const other = host(containerOf('mail'));
    expect(linesOf({ container: 'mail' }, [SHOP, other])).toEqual([]);
    expect(linesOf({ container: 'mail' })).toHaveLength(1);
    expect(linesOf({}, [])).toEqual([]);
    expect(linesOf({ kind: 'cgroup' }, [other])).toEqual([
      'rule uplink matches no containers: there is none of kind cgroup',
    ]);
    expect(countMatches(ruleOf({}), [SHOP, other])).toBe(3);
  });

  it('says when it is for want of names', () => {
    const nameless = host(containerOf('docker:0123456789ab'));
    expect(linesOf({ container: 'web-*' }, [nameless])[0]).toMatch(
      /Docker did not tell it: tidegauge doctor\)$/,
    );
  });

  it('is printable, whatever names are', () => {
    const hostile = host(containerOf('web\u001b[2J-1'));
    const [line = ''] = linesOf({ container: 'wbe\u001b[2J-*' }, [hostile]);
    expect(line).toMatch(/did you mean "web\\x1b\[2J-1"/);
    expect(line).not.toMatch(/\p{Cc}/u);
  });
});

describe('containers that no rule covers', () => {
  const web = ruleOf({ container: '*-web-*' });

  it('are counted and named, at most ten of them', () => {
    expect(uncoveredLine([ruleOf({})], [SHOP])).toBeNull();
    expect(uncoveredLine([web, ruleOf({ container: 'shop-db' })], [SHOP])).toBeNull();
    expect(uncoveredLine([web], [SHOP])).toBe('1 of 2 containers is covered by no rule: shop-db');
    const many = host(...Array.from({ length: 45 }, (_, i) => containerOf(`c${i}`)));
    expect(uncoveredLine([ruleOf({ container: ['c0', 'c1'] })], [many])).toBe(
      '43 of 45 containers are covered by no rule: c2, c3, c4, c5, c6, c7, c8, c9, c10, c11 and 33 more',
    );
  });

  it('are told apart by host, and are cgroups where there are no containers', () => {
    const other = { ...host(containerOf('mail')), host: 'web-2' };
    expect(uncoveredLine([web], [SHOP, other])).toBe(
      '2 of 3 containers are covered by no rule: shop-db on web-1, mail on web-2',
    );
    expect(uncoveredLine([web], [host(sshd)])).toBe(
      '1 of 1 cgroups is covered by no rule: /system.slice/ssh.service',
    );
  });
});

describe('a coverage', () => {
  it('knows that there were containers, so that a rule for them does not take to cgroups', () => {
    const coverage = new RuleCoverage([ruleOf({ container: '*ssh*' })]);
    coverage.see({ ...SHOP, host: 'one' });
    expect(coverage.unmatched()).toHaveLength(1);
  });

  it('knows who was never looked for in vain', () => {
    const coverage = new RuleCoverage([
      ruleOf({ container: 'mail' }, 'a'),
      ruleOf({ container: 'mial' }, 'b'),
    ]);
    expect(coverage.unmatched()).toEqual([]);
    coverage.see({ ...SHOP, host: 'one' });
    expect(coverage.unmatched().map(({ rule }) => rule)).toEqual(['a', 'b']);
    coverage.see({ host: 'two', containers: [containerOf('mail')] });
    coverage.see({ host: 'two', containers: [containerOf('mails')] });
    expect(coverage.unmatched()).toEqual([
      {
        rule: 'b',
        text: 'rule b matches no containers: none of 5 is named "mial" (did you mean "mail"?)',
      },
    ]);
  });
});
