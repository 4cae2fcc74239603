import { closestToGlob } from '../../core/config/closest.ts';
import type { Rule } from '../../core/config/config.ts';
import type { Match } from '../../core/config/match.ts';
import { globMatcher } from '../../core/config/options.ts';
import { printable } from '../../core/errors.ts';
import type { Container, Frame } from '../../core/traffic/frame.ts';
import { type Condition, conditionsOf, matcher, patternText, quoted, refusalOf } from './match.ts';

/** The containers of one host. */
export interface HostContainers {
  readonly host: string;
  readonly containers: readonly Container[];
  /** As in FoldState: the host has shown a container at some time. */
  readonly hasContainers: boolean;
}

/** A rule that matches no containers, and a line that says why. */
export interface Unmatched {
  readonly rule: string;
  readonly text: string;
}

/** Those of a frame; what was there before is not known. */
export const hostContainers = ({ host, containers }: Pick<Frame, 'host' | 'containers'>): HostContainers => ({
  host,
  containers,
  hasContainers: containers.some(({ kind }) => kind === 'container'),
});

/** Names that a pattern is compared with to say which was meant. */
const NAMES_COMPARED = 1000;
/** Names that one line lists. */
const NAMES_LISTED = 10;

/** Rules that do not simply look at everybody: these can match no containers by mistake. */
const choosyRules = (rules: readonly Rule[]): Rule[] =>
  rules.filter(
    ({ match }) => match.kind !== 'auto' || match.not !== undefined || conditionsOf(match).length > 0,
  );

/** How many of these a rule matches. */
export function countMatches({ match }: Rule, hosts: readonly HostContainers[]): number {
  const matches = matcher(match);
  return hosts.reduce(
    (sum, where) => sum + where.containers.filter(container => matches(container, where)).length,
    0,
  );
}

/**
 * The choosy rules that match no containers here, with the name that was probably meant:
 * `rule uplink matches no containers: none of 12 is named "wbe-*" (did you mean "web-1"?)`.
 */
export function unmatchedRules(rules: readonly Rule[], hosts: readonly HostContainers[]): Unmatched[] {
  return choosyRules(rules)
    .filter(rule => countMatches(rule, hosts) === 0)
    .map(({ name, match }) => ({
      rule: name,
      text: `rule ${name} matches no containers: ${reasonOf(match, hosts)}`,
    }));
}

/**
 * A line about the containers that no rule looks at, or null when there are none: `2 of 45 containers are covered by no
 * rule: cache, mail`. Cgroups of a host count only where it has never shown a container.
 */
export function uncoveredLine(rules: readonly Rule[], hosts: readonly HostContainers[]): string | null {
  const matchers = rules.map(({ match }) => matcher(match));
  const all = hosts.flatMap(where =>
    where.containers
      .filter(({ kind }) => kind === (where.hasContainers ? 'container' : 'cgroup'))
      .map(container => ({ container, where })),
  );
  const uncovered = all.filter(
    ({ container, where }) => !matchers.some(matches => matches(container, where)),
  );
  if (uncovered.length === 0) return null;
  const isMany = new Set(uncovered.map(({ where }) => where.host)).size > 1;
  const names = uncovered.slice(0, NAMES_LISTED).map(({ container, where }) => {
    const name = printable(container.name, 60);
    return isMany ? `${name} on ${printable(where.host, 60)}` : name;
  });
  const left = uncovered.length - names.length;
  const more = left > 0 ? ` and ${left} more` : '';
  const noun = all.some(({ where }) => where.hasContainers) ? 'containers' : 'cgroups';
  const verb = uncovered.length === 1 ? 'is' : 'are';
  return `${uncovered.length} of ${all.length} ${noun} ${verb} covered by no rule: ${names.join(', ')}${more}`;
}

function reasonOf(match: Match, hosts: readonly HostContainers[]): string {
  const everybody = hosts.flatMap(where => where.containers.map(container => ({ container, where })));
  const conditions = conditionsOf(match);
  for (const condition of conditions) {
    if (everybody.some(({ container, where }) => condition.fits(container, where.host))) continue;
    const values = everybody.flatMap(({ container, where }) => condition.textOf(container, where.host) ?? []);
    return noneText(condition, everybody.length, [...new Set(values)]);
  }
  const fitting = everybody.find(({ container, where }) =>
    conditions.every(one => one.fits(container, where.host)),
  );
  if (!fitting)
    return `no container has ${conditions.map(one => `${one.key} ${patternText(one)}`).join(' and ')} at once`;
  if (conditions.length === 0 && match.not === undefined) return `there is none of kind ${match.kind}`;
  const { container, where } = fitting;
  return `${quoted(container.name)} would fit, but ${refusalOf(match, container, where)}`;
}

const NOUNS: Readonly<Record<string, string>> = {
  container: 'named',
  service: 'of service',
  image: 'of image',
  host: 'on host',
};

/** Nobody fits a condition; `values` are those that containers have there. */
function noneText(condition: Condition, count: number, values: readonly string[]): string {
  const { key, patterns } = condition;
  const noun = NOUNS[key];
  if (noun !== undefined)
    return `none of ${count} is ${noun} ${patternText(condition)}${hint(patterns, values)}`;
  return values.length === 0
    ? `none of ${count} has a ${key}`
    : `none of ${count} has a ${key} of ${patternText(condition)}${hint(patterns, values)}`;
}

/** What was probably meant: a name that is nearly matched, or one that holds a pattern somewhere inside. */
function hint(patterns: readonly string[], values: readonly string[]): string {
  const some = values.filter(value => value !== '').slice(0, NAMES_COMPARED);
  for (const glob of patterns) {
    const meant = closestToGlob(glob, some);
    if (meant !== null) return ` (did you mean ${quoted(meant)}?)`;
    const inside = globMatcher(`*${glob}*`);
    const longer = some.find(inside);
    if (longer !== undefined)
      return ` (a pattern is for the whole name: *${printable(glob, 60)}* takes ${quoted(longer)})`;
  }
  const nameless = some.filter(value => /^docker:[0-9a-f]{12}$/.test(value));
  return nameless.length > 0
    ? ` (${quoted(nameless[0] ?? '')} has no name, as Docker did not tell it: tidegauge doctor)`
    : '';
}

/** Which rules matched no containers in a stretch of history; remembers some of the containers for hints. */
export class RuleCoverage {
  readonly #hosts = new Map<string, { readonly seen: Map<string, Container>; hasContainers: boolean }>();
  #left: Rule[];

  constructor(rules: readonly Rule[]) {
    this.#left = choosyRules(rules);
  }

  see(frame: Pick<Frame, 'host' | 'containers'>): void {
    if (this.#left.length === 0) return;
    const { host } = frame;
    const there = hostContainers(frame);
    const known = this.#hosts.get(host) ?? { seen: new Map(), hasContainers: false };
    this.#hosts.set(host, known);
    known.hasContainers ||= there.hasContainers;
    for (const container of there.containers)
      if (known.seen.size < NAMES_COMPARED) known.seen.set(container.name, container);
    this.#left = this.#left.filter(rule => countMatches(rule, [there]) === 0);
  }

  /** As `unmatchedRules`; none when nothing was seen. */
  unmatched(): Unmatched[] {
    const hosts = [...this.#hosts].map(([host, { seen, hasContainers }]) => ({
      host,
      containers: [...seen.values()],
      hasContainers,
    }));
    return hosts.length === 0 ? [] : unmatchedRules(this.#left, hosts);
  }
}
