import { z } from 'zod';
import { SEVERITIES, type Severity } from '../incident/incident.ts';
import { takenAgain, WHATEVER_ELSE } from './across.ts';
import { sensitivityOption } from './budget.ts';
import { type Match, matchSchema, overrideMatchSchema } from './match.ts';
import { type Confirmation, confirmation, duration, identifier } from './options.ts';

/** The lists of the configuration whose entries name what they use: rules with their detectors, receivers with their notifiers. */

const overridesSchema = z.array(z.record(z.string(), z.unknown())).min(1).max(100);

/** What every rule has besides its detector's options. */
export const ruleBase = {
  name: identifier().describe('Name of the rule, unique; a field of `detections`.'),
  match: matchSchema.prefault({}).describe('Which containers it looks at.'),
  severity: z
    .exactOptional(z.enum(SEVERITIES))
    .describe(
      'How bad it is what this rule notices; without it, it depends on what is seen (docs/severity.md).',
    ),
  confirm: z
    .exactOptional(confirmation())
    .describe('How many alarms in how many frames it takes before it fires, such as `2 of 3`.'),
  overrides: z.exactOptional(overridesSchema).describe('Other options for some of these containers.'),
  absent: z
    .exactOptional(z.enum(['alarm', 'ignore']))
    .describe(
      'What it means when a container (or service) that `match` names without a wildcard was there and is gone: `alarm`, unless said otherwise, or `ignore`.',
    ),
  absent_after: z
    .exactOptional(duration({ min: '5s', max: '24h' }))
    .describe('How long it may be gone, as for a deploy: 1m unless said otherwise.'),
};

/** What every receiver has besides its notifier's options. */
export const receiverBase = { name: identifier().describe('Name of the receiver, unique.') };

/** The least that every rule and receiver has; the rest is the detector's or notifier's own. */
export interface Rule {
  readonly use: string;
  readonly name: string;
  readonly match: Match;
  readonly options: unknown;
  /** What the user said of its findings; absent: it depends on what is seen. */
  readonly severity?: Severity;
  /** Absent: it fires with the first alarm. */
  readonly confirm?: Confirmation;
  /** Other options for some of its containers: the first that matches is in force. Absent: none. */
  readonly overrides?: readonly Override[];
  /** Whether it is an alarm when somebody whom `match` names is gone; absent: it is. */
  readonly absent?: 'alarm' | 'ignore';
  /** How long they may be gone, ms; absent: a minute. */
  readonly absent_after?: number;
}
export interface Override {
  readonly match: Match;
  /** All that is in force for these containers: the rule's options with the override's own over them. */
  readonly options: unknown;
}
export interface ReceiverConfig {
  readonly use: string;
  readonly name: string;
  readonly options: unknown;
}

export interface Kind {
  readonly name: string;
  readonly options: z.ZodType;
  /** Of a detector: what it judges. */
  readonly scope?: string;
  /** Of a notifier: the key of `alert` that has to be true before it may be used. */
  readonly permission?: string;
}

type Issue = z.core.$ZodIssue;

/** The kind of rule that stands for the default ones, under one budget of false alerts. */
export const AUTO = 'auto';

const auto: Kind = { name: AUTO, options: z.strictObject({ sensitivity: sensitivityOption() }) };

const kindNamed = (kinds: readonly Kind[], use: unknown): Kind | undefined =>
  kinds.find(({ name }) => name === use);

/** Keys that a kind's options have. */
const keysOf = (kind: Kind | undefined): readonly string[] =>
  kind?.options instanceof z.ZodObject ? Object.keys(kind.options.shape) : [];

/** One thing of these kinds: the keys of `base`, and the kind's own options checked by the kind's own schema. */
function usesEntry(kinds: readonly Kind[], base: z.ZodRawShape) {
  const own = z.strictObject({ use: z.enum(kinds.map(kind => kind.name)), ...base });
  return z.record(z.string(), z.unknown()).transform((raw, context) => {
    const kind = kindNamed(kinds, raw.use);
    const [mine, others] = split(raw, own.shape);
    const parsed = own.safeParse(mine);
    const options = kind?.options.safeParse(others);
    const { overrides, issues: refused } = overridesIn(mine.overrides, others, kind);
    // Only here is it known which keys this entry could have had: for `did you mean`.
    const known = (path: readonly PropertyKey[]) => {
      const at = path.filter(part => typeof part === 'string').join('.');
      if (/(^|\.)not$/.test(at)) return Object.keys(matchSchema.omit({ kind: true, not: true }).shape);
      if (at === 'overrides.match') return Object.keys(matchSchema.omit({ kind: true }).shape);
      if (at === 'match') return Object.keys(matchSchema.shape);
      return at === 'overrides' ? ['match', ...keysOf(kind)] : [...Object.keys(own.shape), ...keysOf(kind)];
    };
    for (const issue of [...(parsed.error?.issues ?? []), ...(options?.error?.issues ?? []), ...refused]) {
      const more = issue.code === 'unrecognized_keys' ? { known: known(issue.path) } : {};
      context.addIssue({ ...issue, ...more } as z.core.$ZodSuperRefineIssue);
    }
    // What is wrong with others that name it is said as well.
    if (!parsed.success || !options?.success || refused.length > 0)
      return { use: raw.use, name: raw.name } as never;
    const rule = { ...(parsed.data as unknown as Omit<Rule, 'options'>), options: options.data };
    return overrides === null ? rule : { ...rule, overrides };
  });
}

const ONCE = 'a name that is not used twice';

/** A list of things of these kinds, with names of their own. */
export const usesList = (kinds: readonly Kind[], base: z.ZodRawShape) =>
  z.array(usesEntry(kinds, base)).superRefine((entries, context) => {
    for (const i of takenAgain(entries, 'name'))
      context.addIssue({ code: 'custom', path: [i, 'name'], message: ONCE });
  }, WHATEVER_ELSE);

/**
 * The rules. `use: auto` stands for the default ones: its `match` is for all of them, its `sensitivity` and that of its
 * overrides for those that have one.
 */
export function rulesList(detectors: readonly Kind[], defaultRules: readonly Record<string, unknown>[]) {
  const entry = usesEntry([...detectors, auto], ruleBase);
  // Some of the default rules alarm once about what does not go on.
  const { name: _, confirm: __, ...unnamed } = ruleBase;
  const policy = usesEntry([auto], unnamed);
  /** The default rules under a policy that was accepted. */
  const standsFor = (raw: Readonly<Record<string, unknown>>): Rule[] =>
    defaultRules.map(rule => {
      const isGraded = keysOf(kindNamed(detectors, rule.use)).includes('sensitivity');
      const { sensitivity, overrides, ...others } = raw;
      return entry.parse({ ...rule, ...(isGraded ? raw : others), use: rule.use });
    });
  return z.array(z.unknown()).transform((list, context): Rule[] => {
    const names = new Set<string>();
    return list.flatMap((raw, place) => {
      const parsed = (isPolicy(raw) ? policy : entry).safeParse(raw);
      const issues = parsed.error?.issues.map(issue => ({ ...issue, path: [place, ...issue.path] })) ?? [];
      for (const issue of issues) context.addIssue(issue as z.core.$ZodSuperRefineIssue);
      const isStanding = isPolicy(raw);
      const rules = !parsed.success ? [] : isStanding ? standsFor(raw) : [parsed.data];
      const named = parsed.success ? rules : namedBy(raw);
      refuseTaken(named, names, isStanding ? [place, 'use'] : [place, 'name'], context);
      return rules;
    });
  });
}

/** The name of an entry that was refused. */
const namedBy = (raw: unknown): Pick<Rule, 'name'>[] =>
  isRecord(raw) && typeof raw.name === 'string' ? [{ name: raw.name }] : [];

const isPolicy = (raw: unknown): raw is Record<string, unknown> => isRecord(raw) && raw.use === AUTO;

/** Adds the names of rules to `names`; an issue at `path` for those that are there already. */
function refuseTaken(
  rules: readonly Pick<Rule, 'name'>[],
  names: Set<string>,
  path: PropertyKey[],
  context: z.RefinementCtx,
) {
  const taken = rules.map(({ name }) => name).filter(name => names.has(name));
  for (const { name } of rules) names.add(name);
  if (taken.length === 0) return;
  const message =
    path.at(-1) === 'use' ? `no other rule named ${taken.join(', ')}: \`auto\` has such a rule` : ONCE;
  context.addIssue({ code: 'custom', path, message });
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * The overrides of a rule, each with the options that are in force for its containers; null where there are none.
 * `options`: the rule's own, as they are in the file.
 */
function overridesIn(
  given: unknown,
  options: Readonly<Record<string, unknown>>,
  kind: Kind | undefined,
): { readonly overrides: Override[] | null; readonly issues: readonly Issue[] } {
  const list = overridesSchema.safeParse(given);
  if (!list.success || kind === undefined) return { overrides: null, issues: [] };
  if (kind.scope === 'host') {
    const message = `no overrides, as ${kind.name} judges each host as a whole: write a rule with another \`match\` for each`;
    return { overrides: null, issues: [{ code: 'custom', message, path: ['overrides'], input: given }] };
  }
  const issues: Issue[] = [];
  const overrides = list.data.flatMap(({ match, ...changed }, i): Override[] => {
    const found = overrideMatchSchema.safeParse(match);
    const merged = kind.options.safeParse({ ...options, ...changed });
    const below = (group: string[], more: readonly Issue[]) =>
      issues.push(...more.map(issue => ({ ...issue, path: ['overrides', i, ...group, ...issue.path] })));
    if (found.error) below(['match'], found.error.issues);
    // What is wrong with the rule's own options is said of these.
    if (merged.error && kind.options.safeParse(options).success) below([], merged.error.issues);
    if (Object.keys(changed).length === 0) {
      const message = `an option of ${kind.name} to change; whom to leave out goes under \`match.not\` of the rule`;
      issues.push({ code: 'custom', message, path: ['overrides', i], input: match });
    }
    return found.success && merged.success ? [{ match: found.data, options: merged.data }] : [];
  });
  return { overrides, issues };
}

/** Keys of `shape`, and the others. */
function split(
  raw: Readonly<Record<string, unknown>>,
  shape: object,
): [Record<string, unknown>, Record<string, unknown>] {
  const entries = Object.entries(raw);
  const isMine = ([key]: [string, unknown]) => Object.hasOwn(shape, key);
  return [Object.fromEntries(entries.filter(isMine)), Object.fromEntries(entries.filter(e => !isMine(e)))];
}
