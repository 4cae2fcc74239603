import type { Rule } from '../../core/config/config.ts';
import { listOf, type Match, type Not } from '../../core/config/match.ts';
import { globMatcher } from '../../core/config/options.ts';
import { printable } from '../../core/errors.ts';
import type { Scope } from '../../core/incident/verdict.ts';
import type { Container } from '../../core/traffic/frame.ts';

/** Where a container is. */
export interface Where {
  readonly host: string;
  /** This host has shown a container at some time; until then `auto` takes the host's own cgroups. */
  readonly hasContainers: boolean;
}

/** One key of a match, such as `container` or `label team`. */
export interface Condition {
  readonly key: string;
  readonly patterns: readonly string[];
  /** What it looks at; undefined: a label that the container does not have, which matches nothing. */
  textOf(container: Container, host: string): string | undefined;
  fits(container: Container, host: string): boolean;
}

const TEXTS = {
  container: container => container.name,
  service: container => container.service,
  image: container => container.image,
  host: (_, host) => host,
} as const satisfies Record<string, Condition['textOf']>;

/** The keys of a match that do not simply take everybody, in the order of the reference. */
export function conditionsOf(match: Match | Not): Condition[] {
  const texts = (['container', 'service', 'image', 'host'] as const).flatMap(key => {
    const given = match[key];
    return given === undefined || given === '*' ? [] : [condition(key, given, TEXTS[key])];
  });
  const labels = Object.entries(match.label ?? {}).map(([name, given]) =>
    condition(`label ${name}`, given, ({ labels = {} }) =>
      Object.hasOwn(labels, name) ? labels[name] : undefined,
    ),
  );
  return [...texts, ...labels];
}

function condition(key: string, given: string | readonly string[], textOf: Condition['textOf']): Condition {
  const patterns = listOf(given);
  const globs = patterns.map(globMatcher);
  return {
    key,
    patterns,
    textOf,
    fits(container, host) {
      const value = textOf(container, host);
      return value !== undefined && globs.some(glob => glob(value));
    },
  };
}

/**
 * Which containers a rule looks at: of the right kind, all keys match, and none of those under `not`. What nobody could
 * name (`other`) is only in `any`.
 */
export function matcher(match: Match): (container: Container, where: Where) => boolean {
  const conditions = conditionsOf(match);
  const exclusions = exclusionsOf(match);
  // Most rules take everybody: they are asked for each container of each frame.
  if (conditions.length === 0 && exclusions.length === 0)
    return (container, where) => takesKind(match.kind, container, where);
  return (container, where) =>
    takesKind(match.kind, container, where) &&
    conditions.every(one => one.fits(container, where.host)) &&
    !exclusions.some(one => one.fits(container, where.host));
}

/** Conditions under `not`; there `*` is a pattern like any other. */
function exclusionsOf({ not = {} }: Match): Condition[] {
  const all = (['container', 'service', 'image', 'host'] as const).flatMap(key =>
    not[key] === '*' ? [condition(key, '*', TEXTS[key])] : [],
  );
  return [...all, ...conditionsOf(not)];
}

function takesKind(kind: Match['kind'], container: Container, { hasContainers }: Where): boolean {
  const wanted = kind === 'auto' ? (hasContainers ? 'container' : 'cgroup') : kind;
  return wanted === 'any' || container.kind === wanted;
}

/** Why a match does not take a container, for people; null: it does. */
export function refusalOf(match: Match, container: Container, where: Where): string | null {
  if (!takesKind(match.kind, container, where)) return `kind ${match.kind} does not take a ${container.kind}`;
  const unmet = conditionsOf(match).find(one => !one.fits(container, where.host));
  if (unmet) {
    const value = unmet.textOf(container, where.host);
    if (value === undefined) return `it has no ${unmet.key}`;
    return `its ${unmet.key} ${quoted(value)} does not match ${patternText(unmet)}`;
  }
  const met = exclusionsOf(match).find(one => one.fits(container, where.host));
  return met ? `\`not\` leaves it out: ${met.key} ${patternText(met)}` : null;
}

/** `"web-*" or "api-*"`. */
export const patternText = ({ patterns }: Condition): string => {
  const shown = patterns.slice(0, 3).map(quoted);
  return patterns.length > 3 ? `${shown.join(', ')} or ${patterns.length - 3} more` : shown.join(' or ');
};

export const quoted = (text: string): string => `"${printable(text, 60)}"`;

/** A rule as it is in force for a container. */
export interface RuleInForce extends Rule {
  /** Index of the override whose options these are; null: they are the rule's own. */
  readonly override: number | null;
  /** First part of the keys of its states: a detector under other options does not continue them. */
  readonly states: string;
  /** Key of its state of a container, service or host as a whole. */
  readonly wholeKey: string;
}

/** With the rule's own options. */
export const ownRule = (rule: Rule): RuleInForce => ({
  ...rule,
  override: null,
  states: rule.name,
  wholeKey: stateKey(rule.name, { direction: null, metric: null }),
});

/** With the options of each override, in their order. */
export const overriddenRules = (rule: Rule): RuleInForce[] =>
  (rule.overrides ?? []).map(({ options }, override) => {
    const states = `${rule.name}#${override + 1}`;
    const wholeKey = stateKey(states, { direction: null, metric: null });
    return { ...rule, options, override, states, wholeKey };
  });

/** Key of a rule's state of a series, in the states of a subject. */
export const stateKey = (
  states: string,
  { direction, metric }: Pick<Scope, 'direction' | 'metric'>,
): string => `${states} ${direction ?? ''} ${metric ?? ''}`;

/** The rule as it is in force for each of its containers: the first override whose `match` takes it has the say. */
export function ruleChooser(rule: Rule): (container: Container, where: Where) => RuleInForce {
  const own = ownRule(rule);
  if (!rule.overrides) return () => own;
  const overridden = overriddenRules(rule);
  const others = rule.overrides.map(({ match }, override) => ({
    matches: matcher(match),
    inForce: overridden[override] ?? own,
  }));
  return (container, where) => others.find(one => one.matches(container, where))?.inForce ?? own;
}

/** The rule as it is in force for a service as a whole: an override only where it has the say for all its members. */
export function ruleForAll(
  rule: Rule,
  choose: ReturnType<typeof ruleChooser>,
  members: readonly Container[],
  where: Where,
): RuleInForce {
  const [first, ...others] = members;
  const chosen = first && choose(first, where);
  return chosen && others.every(member => choose(member, where) === chosen) ? chosen : ownRule(rule);
}
