import type { Config } from '../../core/config/config.ts';
import type { Route } from '../../core/config/routes.ts';
import { type Incident, SEVERITIES, type Severity } from '../../core/incident/incident.ts';
import { compileMatchers, type IncidentLabels, labelsOf } from '../../core/incident/matcher.ts';
import { partsOf } from '../../core/incident/members.ts';

export type Routing = Pick<
  Config['alert'],
  'routes' | 'group_by' | 'group_wait' | 'group_interval' | 'repeat_interval'
>;

/** How the messages of a route are grouped and repeated; times in ms. */
export type Terms = Pick<Routing, 'group_by' | 'group_wait' | 'group_interval' | 'repeat_interval'> & {
  /** Position of the route in the configuration; null: what no route takes. */
  readonly route: number | null;
};

/** Each incident by itself, at once, and never again: for those who were told of no other terms. */
export const NO_GROUPING: Routing = {
  routes: [],
  ...{ group_by: ['incident'], group_wait: 0, group_interval: 0, repeat_interval: 0 },
};

/**
 * Who is told of which incident, and on which terms. One that has brought several together is routed for each of them by
 * itself: whoever answers for one of them is told.
 */
export interface Router {
  /** In the order of the routes; without any route that takes it, all. */
  receiversOf(incident: Incident): string[];
  /** The same for all it has been, by its severities and by the rules that noticed it one after the other: who may have been told. */
  everReceiversOf(incident: Incident): string[];
  /** On which terms a receiver is told of it. */
  termsOf(incident: Incident, receiver: string): Terms;
}

/** `receivers`: names of all. Matchers are compiled once. */
export function createRouter(routing: Routing, receivers: readonly string[]): Router {
  const { routes, ...rest } = routing;
  const tests = routes.map(({ match = [] }) => compileMatchers(match));
  const otherwise: Terms = { ...rest, route: null };
  const terms = routes.map((route, i) => termsOfRoute(route, otherwise, i));
  /** Without routes it is the same whose receivers are asked for. */
  const partsIn = routes.length === 0 ? (incident: Incident) => [incident] : partsOf<Incident>;

  /** Positions of the routes that take it; none: that is left to the default. */
  function taking(part: Incident): number[] {
    const labels = labelsOf(part);
    const found: number[] = [];
    for (const [i, test] of tests.entries()) {
      if (!test(labels)) continue;
      found.push(i);
      if (!routes[i]?.continue) break;
    }
    return found;
  }

  function receiversOfPart(part: Incident): readonly string[] {
    const found = taking(part);
    return found.length === 0 ? receivers : found.flatMap(i => routes[i]?.receivers ?? []);
  }

  return {
    receiversOf: incident => [...new Set(partsIn(incident).flatMap(receiversOfPart))],
    everReceiversOf: incident => [...new Set(partsIn(incident).flatMap(formsOf).flatMap(receiversOfPart))],
    termsOf(incident, receiver) {
      const own = partsIn(incident)
        .flatMap(taking)
        .find(i => routes[i]?.receivers.includes(receiver));
      return (own === undefined ? undefined : terms[own]) ?? otherwise;
    },
  };
}

const termsOfRoute = (
  route: Route,
  { group_by, group_wait, group_interval, repeat_interval }: Terms,
  i: number,
) => ({
  group_by: route.group_by ?? group_by,
  group_wait: route.group_wait ?? group_wait,
  group_interval: route.group_interval ?? group_interval,
  repeat_interval: route.repeat_interval ?? repeat_interval,
  route: i,
});

/** Those that it has had, or may have passed. */
function severitiesOf({ severity, escalation }: Incident): Severity[] {
  const from = SEVERITIES.indexOf(escalation?.from ?? severity);
  return SEVERITIES.slice(from, SEVERITIES.indexOf(severity) + 1);
}

/** All that it may have been: each severity with what was found until each of its findings began. */
function formsOf(incident: Incident): Incident[] {
  const times = [...new Set(incident.findings.map(({ first }) => first))];
  const found =
    times.length === 0 ? [[]] : times.map(time => incident.findings.filter(({ first }) => first <= time));
  return severitiesOf(incident).flatMap(severity =>
    found.map(findings => ({ ...incident, severity, findings })),
  );
}

/** The values of an incident under these names: `{ host: 'web-1' }`. */
export function valuesOf(incident: Incident, names: readonly string[]): Record<string, string> {
  const labels: Partial<IncidentLabels> = labelsOf(incident);
  const known: Readonly<Record<string, string | readonly string[] | undefined>> = {
    ...labels,
    incident: incident.id,
  };
  return Object.fromEntries(names.map(name => [name, [known[name] ?? ''].flat().join(', ')]));
}
