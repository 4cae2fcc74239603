import { closestToGlob } from '../core/config/closest.ts';
import type { Match, Rule } from '../core/config/config.ts';
import { globMatcher } from '../core/config/options.ts';
import { printable } from '../core/errors.ts';
import type { Container, Frame } from '../core/traffic/frame.ts';
import { matcher } from './match.ts';

/** The containers of one host. */
export interface HostContainers {
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
export const hostContainers = ({ containers }: Pick<Frame, 'containers'>): HostContainers => ({
  containers,
  hasContainers: containers.some(({ kind }) => kind === 'container'),
});

/** Names that a pattern is compared with to say which was meant. */
const NAMES_COMPARED = 1000;

const PARTS = ['container', 'service', 'image'] as const;
type Part = (typeof PARTS)[number];

/** Rules that do not simply look at everybody: these can match no containers by mistake. */
const choosyRules = (rules: readonly Rule[]): Rule[] =>
  rules.filter(({ match }) => match.kind !== 'auto' || givenParts(match).length > 0);

/** How many of these a rule matches. */
export function countMatches({ match }: Rule, hosts: readonly HostContainers[]): number {
  const matches = matcher(match);
  return hosts.reduce(
    (sum, { containers, hasContainers }) =>
      sum + containers.filter(container => matches(container, hasContainers)).length,
    0,
  );
}

/**
 * The choosy rules that match no containers here, with the name that was probably meant:
 * `rule uplink matches no containers: no container of 12 is named "wbe-*" (did you mean "web-1"?)`.
 */
export function unmatchedRules(rules: readonly Rule[], hosts: readonly HostContainers[]): Unmatched[] {
  return choosyRules(rules)
    .filter(rule => countMatches(rule, hosts) === 0)
    .map(({ name, match }) => ({
      rule: name,
      text: `rule ${name} matches no containers: ${reasonOf(match, hosts)}`,
    }));
}

function reasonOf(match: Match, hosts: readonly HostContainers[]): string {
  const everybody = hosts.flatMap(({ containers }) => containers);
  const given = givenParts(match);
  for (const part of given) {
    const fits = globMatcher(match[part]);
    const values = [...new Set(everybody.map(container => partOf(container, part)))];
    if (!values.some(fits))
      return `${noneText(part, everybody.length)} ${quoted(match[part])}${hint(match[part], values)}`;
  }
  const tests = given.map(part => ({ part, fits: globMatcher(match[part]) }));
  const fitting = everybody.find(one => tests.every(({ part, fits }) => fits(partOf(one, part))));
  if (!fitting)
    return `no container has ${given.map(part => `${part} ${quoted(match[part])}`).join(' and ')} at once`;
  const kinds = `kind ${match.kind} does not take a ${fitting.kind}`;
  return given.length === 0
    ? `there is none of kind ${match.kind}`
    : `${quoted(fitting.name)} would fit, but ${kinds}`;
}

const NOUNS: Readonly<Record<Part, string>> = {
  container: 'named',
  service: 'of service',
  image: 'of image',
};
const noneText = (part: Part, count: number): string => `none of ${count} is ${NOUNS[part]}`;

/** What was probably meant: a name that is nearly matched, or one that holds the pattern somewhere inside. */
function hint(glob: string, values: readonly string[]): string {
  const some = values.filter(value => value !== '').slice(0, NAMES_COMPARED);
  const meant = closestToGlob(glob, some);
  if (meant !== null) return ` (did you mean ${quoted(meant)}?)`;
  const inside = globMatcher(`*${glob}*`);
  const longer = some.find(inside);
  if (longer !== undefined)
    return ` (a pattern is for the whole name: *${printable(glob, 60)}* takes ${quoted(longer)})`;
  const nameless = some.filter(value => /^docker:[0-9a-f]{12}$/.test(value));
  return nameless.length > 0
    ? ` (${quoted(nameless[0] ?? '')} has no name, as Docker did not tell it: tidegauge doctor)`
    : '';
}

const givenParts = (match: Match): Part[] => PARTS.filter(part => match[part] !== '*');
const partOf = (container: Container, part: Part): string => container[part === 'container' ? 'name' : part];
const quoted = (text: string): string => `"${printable(text, 60)}"`;

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
    const hosts = [...this.#hosts.values()].map(({ seen, hasContainers }) => ({
      containers: [...seen.values()],
      hasContainers,
    }));
    return hosts.length === 0 ? [] : unmatchedRules(this.#left, hosts);
  }
}
