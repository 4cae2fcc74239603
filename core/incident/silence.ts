import { z } from 'zod';
import { isoTime } from '../clock.ts';
import { isExact } from '../config/match.ts';
import { globMatcher } from '../config/options.ts';
import { printable } from '../errors.ts';
import {
  compileMatchers,
  keptMatcherSchema,
  type LabeledIncident,
  labelsOf,
  MATCHER_CAPS,
  type Matcher,
  matchersText,
} from './matcher.ts';
import { partsOf } from './members.ts';
import { ABSENCE_VIEW } from './verdict.ts';

/** Parts of an incident that a silence can look at, each by a glob: `*` any characters, `?` one. */
export const SILENCE_PARTS = ['host', 'service', 'container'] as const;
type Globs = Readonly<Record<(typeof SILENCE_PARTS)[number], string>>;

/** A wish not to be told for a while: incidents are raised, stored and shown all the same. */
export interface Silence {
  /** 8 hex digits; of a maintenance window its name. */
  readonly id: string;
  /**
   * Who wishes it: `deploy`, a deploy of a service that is under way; `maintenance`, a window of the configuration, which is
   * kept nowhere else. Absent: a person.
   */
  readonly kind?: 'deploy' | 'maintenance';
  /** An incident is covered when all of them match, and all matchers hold; absent: none. */
  readonly match: Globs;
  readonly matchers?: readonly Matcher[];
  /** In force in [from, until), epoch ms. One that was ended early ends when that was. */
  readonly from: number;
  readonly until: number;
  /** Who wants it, and why. */
  readonly owner: string;
  readonly reason: string;
}

/** One that ends so soon, ms, and still keeps something back is pointed out. */
export const SOON_MS = 900_000;

/** Longest text of a glob, an owner or a reason. */
export const SILENCE_TEXT = 200;
const text = z.string().max(SILENCE_TEXT);
/** What a date can be, epoch ms. */
const time = z.int().min(-8.64e15).max(8.64e15);

export const silenceSchema: z.ZodType<Silence> = z.strictObject({
  id: z.string().regex(/^[0-9a-f]{8}$/),
  kind: z.exactOptional(z.literal('deploy')),
  match: z.strictObject({ host: text, service: text, container: text }),
  matchers: z.exactOptional(z.array(keptMatcherSchema).max(MATCHER_CAPS.matchers)),
  from: time,
  until: time,
  owner: text,
  reason: text,
});

/** Globs that take everything. */
export const EVERYTHING: Globs = { host: '*', service: '*', container: '*' };

/** Finds the silence that covers an incident at `now`, epoch ms; null: none. */
export type Coverage = (incident: LabeledIncident, now: number) => Silence | null;

/**
 * Of several that cover an incident the last to end: nobody is told before. One of several members is covered as long as
 * each of them is: then it is the first to end. Made once for many incidents, each of which is held against those that
 * name it, and those that name nobody.
 */
export function coverage(silences: readonly Silence[]): Coverage {
  const ofOne = coverageOfOne(silences);
  return (incident, now) => {
    let first: Silence | null = null;
    for (const part of partsOf(incident)) {
      const found = ofOne(part, now);
      if (!found) return null;
      if (!first || found.until < first.until) first = found;
    }
    return first;
  };
}

function coverageOfOne(silences: readonly Silence[]): Coverage {
  const tests = [...silences]
    .sort((a, b) => b.until - a.until)
    .map((silence, order) => ({ silence, order, covers: compile(silence) }));
  const byName = Map.groupBy(tests, ({ silence }) => nameIn(silence));
  return (incident, now) => {
    let found: (typeof tests)[number] | undefined;
    for (const name of [...NAMING.map(part => nameOf(part, incident[part])), NOBODY]) {
      const first = byName
        .get(name)
        ?.find(({ silence, covers }) => isInForce(silence, now) && covers(incident));
      if (first && first.order < (found?.order ?? Number.POSITIVE_INFINITY)) found = first;
    }
    return found?.silence ?? null;
  };
}

/** What a silence may name, the rarest first. */
const NAMING = ['container', 'service', 'host'] as const;
const nameOf = (part: (typeof NAMING)[number], name: string): string => `${part} ${name}`;
const NOBODY = '';

/** One name that an incident has to have to be covered; `NOBODY`: it may be of any. */
function nameIn({ match, matchers = [] }: Silence): string {
  for (const part of NAMING) {
    const equal = matchers.find(({ name, op }) => name === part && op === '=');
    const name = equal?.value ?? (isExact(match[part]) ? match[part] : undefined);
    if (name !== undefined) return nameOf(part, name);
  }
  return NOBODY;
}

function compile({ kind, match, matchers = [] }: Silence): (incident: LabeledIncident) => boolean {
  const globs = SILENCE_PARTS.filter(part => match[part] !== '*').map(part => {
    const fits = globMatcher(match[part]);
    return (incident: LabeledIncident) => fits(incident[part]);
  });
  const hold = tested(matchers);
  return incident =>
    globs.every(fits => fits(incident)) &&
    !(kind === 'deploy' && isBeyondDeploy(incident)) &&
    (matchers.length === 0 || hold(labelsOf(incident)));
}

/** Of expressions that nobody could have added nothing is covered: a message is better than none. */
function tested(matchers: readonly Matcher[]): ReturnType<typeof compileMatchers> {
  try {
    return compileMatchers(matchers);
  } catch {
    return () => false;
  }
}

/** A deploy explains who is gone or new, and what is odd for a while; what is critical beyond that it may have broken. */
const isBeyondDeploy = ({ severity, findings }: LabeledIncident): boolean =>
  severity === 'critical' && !findings.every(({ evidence }) => evidence.view === ABSENCE_VIEW);

export const isInForce = ({ from, until }: Pick<Silence, 'from' | 'until'>, now: number): boolean =>
  from <= now && now < until;

/** The silence, ended at `now`, epoch ms. One that has not begun never will: it ends as it begins. */
export const endedAt = (silence: Silence, now: number): Silence => ({
  ...silence,
  from: Math.min(silence.from, now),
  until: now,
});

/** Whether nobody is to be told of the incident at `now`, epoch ms. */
export const isCovered = (silence: Silence, incident: LabeledIncident, now: number): boolean =>
  coverage([silence])(incident, now) !== null;

/** Whether an incident that it covers may leave it by what is found of those whom it is about. */
export const dependsOnCourse = ({ kind, matchers = [] }: Silence): boolean =>
  kind === 'deploy' || matchers.some(({ name }) => name === 'severity' || name === 'rule');

/** Whether an incident that it covers may leave it by somebody else who joins: all are of one host. */
export const dependsOnMembers = ({ match, matchers = [] }: Silence): boolean =>
  match.service !== '*' || match.container !== '*' || matchers.some(({ name }) => name !== 'host');

/** `container web-*, host a, severity="info"`: what a silence is about, for people. */
export function subjectOf({ match, matchers = [] }: Pick<Silence, 'match' | 'matchers'>): string {
  const named = SILENCE_PARTS.filter(part => match[part] !== '*').toReversed();
  const globs = named.map(part => `${part} ${printable(match[part])}`);
  return [...globs, ...(matchers.length > 0 ? [matchersText(matchers)] : [])].join(', ') || 'everything';
}

/** Why nobody is told: `silenced until 2026-01-31T22:00:00.000Z by anna: deploy (1a2b3c4d)`. */
export function silenceText({ id, kind, until, owner, reason }: Silence): string {
  const end = `until ${isoTime(until)}`;
  if (kind === 'maintenance')
    return `maintenance window ${printable(id)} ${end}${reason === '' ? '' : `: ${printable(reason)}`}`;
  const what = kind === 'deploy' ? 'kept back during a deploy' : 'silenced';
  return `${what} ${end} by ${printable(owner)}: ${printable(reason)} (${id})`;
}
