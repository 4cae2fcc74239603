import { describe, expect, it } from '@jest/globals';
import { createRouter, NO_GROUPING } from '../../../alert/policy/router.ts';
import { routeSchema } from '../../../core/config/routes.ts';
import { incidentOf } from '../../data/incidents.ts';

const routerOf = (...routes: object[]) =>
  createRouter({ ...NO_GROUPING, routes: routes.map(route => routeSchema.parse(route)) }, ['chat', 'pager']);
const warning = incidentOf(0);
const critical = incidentOf(0, { severity: 'critical' });

describe('routes', () => {
  it('none: everybody is told of everything', () => {
    expect(routerOf().receiversOf(warning)).toEqual(['chat', 'pager']);
  });

  it('the first that matches decides; what none takes goes to everybody', () => {
    const router = routerOf(
      { match: ['severity=critical'], receivers: ['pager'] },
      { match: ['host="other"'], receivers: ['chat'] },
    );
    expect(router.receiversOf(critical)).toEqual(['pager']);
    expect(router.receiversOf(warning)).toEqual(['chat', 'pager']);
  });

  it('`continue` asks those after it as well, and each receiver is told once', () => {
    const router = routerOf(
      { match: ['severity=critical'], receivers: ['pager'], continue: true },
      { receivers: ['chat', 'pager'] },
    );
    expect(router.receiversOf(critical)).toEqual(['pager', 'chat']);
    expect(router.receiversOf(warning)).toEqual(['chat', 'pager']);
  });

  it('a route without receivers keeps it from everybody', () => {
    expect(routerOf({ match: ['severity=warning'], receivers: [] }).receiversOf(warning)).toEqual([]);
  });

  it('whoever may have been told while it was less severe is known at its end', () => {
    const router = routerOf(
      { match: ['severity=critical'], receivers: ['pager'] },
      { match: ['severity=warning'], receivers: ['chat'] },
    );
    const risen = { ...critical, escalation: { from: 'warning' as const, at: 0 } };
    expect(router.receiversOf(risen)).toEqual(['pager']);
    expect(router.everReceiversOf(risen)).toEqual(['chat', 'pager']);
  });

  it('an incident of several is routed for each of them, by what was found of that one', () => {
    const router = routerOf(
      { match: ['service=shop/db', 'rule=scan'], receivers: ['pager'], group_wait: '9s' },
      { match: ['service=shop/web'], receivers: ['chat'], group_wait: '5s' },
      { receivers: [] },
    );
    const members = [
      { service: 'shop/web', container: 'shop', since: 0 },
      { service: 'shop/db', container: 'db', since: 5000 },
    ];
    const [found] = warning.findings;
    if (!found) throw new Error('no finding');
    const ofDb = { ...found, rule: 'scan', first: 5000, scope: { ...found.scope, container: 'db' } };
    const ofWeb = { ...found, rule: 'scan', first: 5000 };
    const both = { ...warning, members, findings: [found, ofDb] };
    expect(router.receiversOf(both)).toEqual(['chat', 'pager']);
    expect(router.everReceiversOf(both)).toEqual(['chat', 'pager']);
    expect(router.receiversOf({ ...both, findings: [found, ofWeb] })).toEqual(['chat']);
    expect(router.termsOf(both, 'chat').group_wait).toBe(5000);
    expect(router.termsOf(both, 'pager').group_wait).toBe(9000);
  });

  it('a receiver is told on the terms of the route that named it', () => {
    const router = routerOf(
      { match: ['severity=critical'], receivers: ['pager'], group_wait: '0s', continue: true },
      { receivers: ['chat'], group_wait: '5s', group_by: ['service'] },
    );
    expect(router.termsOf(critical, 'pager')).toMatchObject({ route: 0, group_wait: 0 });
    expect(router.termsOf(critical, 'chat')).toMatchObject({
      route: 1,
      group_wait: 5000,
      group_by: ['service'],
    });
    expect(router.termsOf(critical, 'gone')).toMatchObject({ route: null });
  });
});
