import { RE2JS } from 're2js';
import { z } from 'zod';
import { closest } from '../config/closest.ts';
import { printable, TidegaugeError, UsageError } from '../errors.ts';
import { isLabelKey } from '../traffic/labels.ts';
import { type Incident, SEVERITIES, type Severity } from './incident.ts';

/**
 * Matchers as Alertmanager and amtool write them: `container=~"web-.*"`. A name that an incident does not have is an
 * empty text. An incident has several rules: `=` and `=~` hold when one of them matches, `!=` and `!~` when none does.
 */

export const MATCHER_OPS = ['=', '!=', '=~', '!~'] as const;
export type MatcherOp = (typeof MATCHER_OPS)[number];

export interface Matcher {
  /** One of `MATCHER_NAMES`, or `label.KEY`. */
  readonly name: string;
  readonly op: MatcherOp;
  /** A text, or after `~` a regular expression (RE2) over the whole text. */
  readonly value: string;
}

export const MATCHER_NAMES = ['host', 'service', 'container', 'image', 'severity', 'rule'] as const;

/** Longest value of a matcher, and most matchers in one list. */
export const MATCHER_CAPS = { value: 200, matchers: 20 } as const;
/** Largest compiled regular expression, in instructions: what a text costs grows with it. */
const LARGEST_PROGRAM = 500;

/** What matchers look at. */
export interface IncidentLabels {
  readonly host: string;
  readonly service: string;
  readonly container: string;
  readonly image: string;
  readonly severity: Severity;
  /** Those of its findings, each once. */
  readonly rule: readonly string[];
  readonly [label: `label.${string}`]: string;
}

export type LabeledIncident = Pick<
  Incident,
  'host' | 'service' | 'container' | 'image' | 'labels' | 'severity' | 'findings' | 'members'
>;

/** Of an incident of several those that it opened with; see `partsOf` for those of each. */
export function labelsOf(incident: LabeledIncident): IncidentLabels {
  const { host, service, container, image = '', severity, findings, labels = {} } = incident;
  const rule = [...new Set(findings.map(finding => finding.rule))];
  const ofDocker = Object.entries(labels).map(([key, value]) => [`label.${key}`, value] as const);
  return { ...Object.fromEntries(ofDocker), host, service, container, image, severity, rule };
}

/** Whether all of them hold. Who asks often compiles them once. */
export const matches = (matchers: readonly Matcher[], labels: Partial<IncidentLabels>): boolean =>
  compileMatchers(matchers)(labels);

/** The test that all of them hold; of no matchers it is always true. Throws a UsageError for a bad expression. */
export function compileMatchers(matchers: readonly Matcher[]): (labels: Partial<IncidentLabels>) => boolean {
  const tests = matchers.map(compile);
  return labels => tests.every(test => test(labels));
}

function compile({ name, op, value }: Matcher): (labels: Partial<IncidentLabels>) => boolean {
  const isWanted = op.startsWith('=');
  const fits = op.endsWith('~') ? expression(value) : (text: string) => text === value;
  return labels => {
    const found = valueIn(labels, name);
    return (typeof found === 'string' ? fits(found) : found.some(fits)) === isWanted;
  };
}

function valueIn(labels: Partial<IncidentLabels>, name: string): string | readonly string[] {
  const own: Readonly<Record<string, string | readonly string[] | undefined>> = labels;
  return (Object.hasOwn(own, name) ? own[name] : undefined) ?? '';
}

/** Linear in the length of the text, whatever the expression is. `.` takes line ends too: a name cannot hide behind one. */
function expression(source: string): (text: string) => boolean {
  let compiled: RE2JS;
  try {
    compiled = RE2JS.compile(source, RE2JS.DOTALL);
  } catch (cause) {
    const why = printable(cause instanceof Error ? cause.message : String(cause));
    throw wrong(
      `the regular expression ${quoted(source)} is wrong: ${why}`,
      'Write it as RE2 has it.',
      cause,
    );
  }
  if (compiled.programSize() <= LARGEST_PROGRAM) return text => compiled.testExact(text);
  throw wrong(
    `the regular expression ${quoted(source)} is too large`,
    'Use fewer or smaller repetitions such as {100}.',
  );
}

/**
 * A matcher in a text such as `container=~"web-.*"` or `severity!=info`; the quotes may be left out. Throws a UsageError
 * that says what is wrong with it.
 */
export function parseMatcher(text: string): Matcher {
  const parts = /^\s*([A-Za-z][\w./-]*)\s*(=~|!~|!=|=)(.*)$/su.exec(text);
  if (!parts) {
    const found = `${quoted(text)} is no matcher`;
    throw wrong(found, 'Write name, =, !=, =~ or !~, and a value, such as container=~"web-.*".');
  }
  const [, name = '', op = '', rest = ''] = parts;
  const matcher = { name, op: op as MatcherOp, value: unquoted(rest.trim(), text) };
  check(matcher);
  return matcher;
}

/** The value behind the operator, without its quotes. Other escapes than `\\`, `\"` and `\n` stay: they are the expression's. */
function unquoted(text: string, whole: string): string {
  const inside = /^"((?:[^"\\]|\\.)*)"$/su.exec(text)?.[1];
  if (inside !== undefined)
    return inside.replace(/\\([\\"n])/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped));
  if (text.includes('"'))
    throw wrong(
      `the quotes in ${quoted(whole)} do not enclose the value`,
      'Write container="web-1"; inside the quotes \\" is a quote.',
    );
  if (/,\s*([a-z]+|label\.[\w./-]+)\s*(=|!=|!~)/.test(text))
    throw wrong(`${quoted(whole)} has more than one matcher`, 'Write each matcher by itself.');
  return text;
}

/** Throws a UsageError that says what is wrong with it. */
function check(matcher: Matcher): void {
  checkText(matcher);
  compile(matcher);
}

/** The same, but for the expression. */
function checkText({ name, op, value }: Matcher): void {
  const isLabel = name.startsWith('label.') && isLabelKey(name.slice('label.'.length));
  if (!isLabel && !MATCHER_NAMES.some(known => known === name)) {
    const near = closest(name, MATCHER_NAMES) ?? `${MATCHER_NAMES.join(', ')} or label.KEY`;
    throw wrong(`incidents have no ${quoted(name)}`, `Use ${near}.`);
  }
  if (value.length > MATCHER_CAPS.value)
    throw wrong(`the value of ${name} has ${value.length} characters`, `Use at most ${MATCHER_CAPS.value}.`);
  if (name === 'severity' && !op.endsWith('~') && !SEVERITIES.some(severity => severity === value))
    throw wrong(`there is no severity ${quoted(value)}`, `Use ${SEVERITIES.join(', ')}.`);
}

/** Keys of the Docker labels that they ask for. */
export const labelKeysOf = (matchers: readonly Matcher[]): string[] =>
  matchers.flatMap(({ name }) => (name.startsWith('label.') ? [name.slice('label.'.length)] : []));

/** Whether an object is a matcher. */
export const isMatcher = (value: object): value is Matcher =>
  'name' in value && 'op' in value && 'value' in value;

/** As `parseMatcher` reads it. */
export const matcherText = ({ name, op, value }: Matcher): string =>
  `${name}${op}"${value.replace(/[\\"]/g, '\\$&').replaceAll('\n', '\\n')}"`;

/** `container=~"web-.*", severity="info"`: for people, free of control characters. */
export const matchersText = (matchers: readonly Matcher[]): string =>
  matchers.map(matcher => printable(matcherText(matcher), 2 * MATCHER_CAPS.value)).join(', ');

const schemaWith = (wrongIn: (matcher: Matcher) => void): z.ZodType<Matcher> =>
  z
    .strictObject({ name: z.string(), op: z.enum(MATCHER_OPS), value: z.string() })
    .superRefine((matcher, context) => {
      const problem = problemIn(() => wrongIn(matcher));
      if (typeof problem === 'string') context.addIssue({ code: 'custom', message: problem });
    });

/** A matcher from another program: what `parseMatcher` would have made. */
export const matcherSchema = schemaWith(check);

/** A matcher that was kept: it is read again and again, and its expression was checked before. */
export const keptMatcherSchema = schemaWith(checkText);

/** Matchers in a configuration: a list of texts. */
export const matcherTexts = () =>
  z
    .array(
      z.string().transform((text, context): Matcher => {
        const read = problemIn(() => parseMatcher(text));
        if (typeof read !== 'string') return read;
        context.addIssue({ code: 'custom', message: `a matcher such as container=~"web-.*" (${read})` });
        return z.NEVER;
      }),
    )
    .min(1)
    .max(MATCHER_CAPS.matchers)
    .meta({ unit: 'list of matchers' });

/** What `make` gives, or what is wrong in words. */
function problemIn<T>(make: () => T): T | string {
  try {
    return make();
  } catch (error) {
    return error instanceof TidegaugeError ? error.problem.found : String(error);
  }
}

const quoted = (text: string): string => `"${printable(text, 60)}"`;

const wrong = (found: string, remedy: string, cause?: unknown): UsageError =>
  new UsageError({ place: '', found, remedy }, cause);
