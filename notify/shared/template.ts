import Mustache from 'mustache';
import { z } from 'zod';
import { formatLength } from '../../core/config/units.ts';
import type { Incident, Notification } from '../../core/incident/incident.ts';
import type { Told } from '../contract.ts';
import { LISTED, severityCounts, stateOf, worstFirst } from './group.ts';
import { line, type Message, messageOf, timeText } from './message.ts';

/**
 * Words of the operator's own for a message, as Mustache templates (mustache.github.io/mustache.5.html): names, lists and
 * conditions, no code. What comes out is text like any other: each kind of receiver escapes all of it, so that a name in
 * it mentions, links and formats nothing.
 */

/** Characters of a template, lines of a text, and characters of title and text. */
const MOST = { template: 2000, lines: 20, title: 100, text: 1500 };

/** What a template may name of each incident, and what that is. */
const OF_EACH = {
  status: '`firing`, `resolved` or `ended`',
  severity: '`info`, `warning` or `critical`',
  host: 'name of the host',
  service: 'name of the service; empty: none',
  container: 'name of the container; empty: none',
  image: 'its image, where it is known',
  since: 'when it began, such as `2026-01-15 03:12:05 UTC`',
  lasted: 'how long it lasts or lasted, such as `5m`',
  score: 'the highest score; 1 is the limit of an alarm',
  id: 'id of the incident, as `tidegauge incidents` shows it',
} as const;

/** Those that are for messages about several: only a template that names one of them, or a condition or list, tells several. */
const OF_SEVERAL = {
  count: 'how many incidents the message tells',
  severities: 'how many of each severity, such as `3 critical, 37 warning`',
  more: `how many incidents \`incidents\` leaves out; empty: none`,
} as const;

/** What a template may name, and what that is. Of several incidents what they have in common, or the worst of it. */
const VALUES = {
  headline: 'the title that is sent without a template, such as `CRITICAL: shop-web-1`',
  summary:
    'what was seen against what was expected, or how long it lasted, and from when to when; of several their number',
  link: 'where the page shows it, by `http.external_url`; empty: nobody knows',
  ...OF_EACH,
  ...OF_SEVERAL,
} as const;

/** Only true or false: for `{{#firing}} … {{/firing}}` and `{{^firing}} … {{/firing}}`. */
const CONDITIONS = {
  firing: 'it is not over',
  critical: 'its severity is critical',
  several: 'the message tells more than one incident',
} as const;

/** Lists, for `{{#facts}} … {{/facts}}`, and what may be named inside. */
const LISTS = {
  facts: { name: '`Where`, `Since`, `Seen`, `Look at`', text: 'the words that follow it' },
  incidents: { title: 'what was seen of the incident, as one line', ...OF_EACH },
} as const;

/** What a template may name, for the documentation. */
export const TEMPLATES = { values: VALUES, conditions: CONDITIONS, lists: LISTS };

/** A template that names one of these is made for messages about several as well. */
const TELLS_SEVERAL: ReadonlySet<string> = new Set([...Object.keys(OF_SEVERAL), 'several', 'incidents']);

type View = Readonly<
  Record<keyof typeof VALUES, string> &
    Record<keyof typeof CONDITIONS, boolean> & {
      readonly facts: Message['facts'];
      readonly incidents: readonly Readonly<Record<keyof typeof LISTS.incidents, string>>[];
    }
>;

function viewOf(told: Told, message: Message): View {
  const all = worstFirst(told);
  const incidents = all.map(({ incident }) => incident);
  const more = all.length - LISTED;
  return {
    headline: message.headline,
    summary: message.summary,
    link: message.link ?? '',
    ...namesOf(all),
    count: String(all.length),
    severities: severityCounts(incidents),
    more: more > 0 ? String(more) : '',
    firing: told.status === 'firing',
    critical: message.severity === 'critical',
    several: all.length > 1,
    facts: message.facts,
    incidents: all.slice(0, LISTED).map(one => ({ title: line(one.incident.title), ...namesOf([one]) })),
  };
}

/** Of several, worst first: what they have in common, else nothing; from the first to the last; the highest score. */
function namesOf(all: readonly [Notification, ...Notification[]]): Record<keyof typeof OF_EACH, string> {
  const incidents = all.map(({ incident }) => incident);
  const [{ incident: worst }] = all;
  const start = Math.min(...incidents.map(one => one.start));
  const end = Math.max(...incidents.map(one => one.end));
  const common = (of: (incident: Incident) => string, limit: number) =>
    incidents.every(one => of(one) === of(worst)) ? line(of(worst), limit) : '';
  return {
    status: stateOf(all),
    severity: worst.severity,
    host: common(({ host }) => host, 80),
    service: common(({ service }) => service, 80),
    container: common(({ container }) => container, 80),
    image: common(({ image = '' }) => image, 200),
    since: timeText(start),
    lasted: formatLength(end - start),
    score: Math.max(...incidents.map(({ score }) => score)).toFixed(1),
    id: common(({ id }) => id, 80),
  };
}

type Token = readonly [type: string, value: string, start: number, end: number, inside?: unknown];

/** What is wrong with a template, as words to follow `expected`; null: nothing. */
export function templateProblem(template: string): string | null {
  try {
    return problemIn(new Mustache.Writer().parse(template) as unknown as Token[], null);
  } catch (error) {
    return `a Mustache template (${error instanceof Error ? error.message : String(error)})`;
  }
}

/** `list`: the one that these stand inside. */
function problemIn(tokens: readonly Token[], list: keyof typeof LISTS | null): string | null {
  for (const [type, name, , , inside] of tokens) {
    const problem =
      tokenProblem(type, name, list) ??
      problemIn((inside as Token[] | undefined) ?? [], listOf(name) ?? list);
    if (problem !== null) return problem;
  }
  return null;
}

const listOf = (name: string): keyof typeof LISTS | null =>
  Object.hasOwn(LISTS, name) ? (name as keyof typeof LISTS) : null;

function tokenProblem(type: string, name: string, list: keyof typeof LISTS | null): string | null {
  if (type === 'text' || type === '!') return null;
  const isSection = type === '#' || type === '^';
  // Unescaped values, partials and other delimiters: nothing here needs them.
  if (!isSection && type !== 'name')
    return `no {{${type}${name}}}, only {{name}}, {{#name}}, {{^name}} and {{/name}}`;
  if (isSection && listOf(name) !== null)
    return list === null ? null : `no list inside a list, such as {{#${name}}} inside {{#${list}}}`;
  const values = Object.keys({ ...VALUES, ...(list === null ? {} : LISTS[list]) });
  const known = isSection
    ? [...values, ...Object.keys(CONDITIONS), ...(list === null ? Object.keys(LISTS) : [])]
    : values;
  return known.includes(name) ? null : `only known names in {{ }}: ${known.join(', ')}`;
}

const template = () =>
  z
    .string()
    .max(MOST.template)
    .superRefine((text, context) => {
      const message = templateProblem(text);
      if (message !== null) context.addIssue({ code: 'custom', message });
    });

/** Options of receivers whose words may be the operator's own. */
export const wordOptions = {
  title: z
    .exactOptional(template())
    .describe('Another title, as a template such as `{{severity}}: {{container}}` (see Templates).'),
  text: z
    .exactOptional(template())
    .describe('Another text below it, as a template of one or more lines (see Templates).'),
};

export interface Words {
  readonly title?: string;
  readonly text?: string;
}

/** A template that has been filled in; null when nothing but blanks came of it, or it is not made for several and they are. */
function rendered(template: string | undefined, told: Told, message: Message): string | null {
  if (template === undefined || (told.others !== undefined && !tellsSeveral(template))) return null;
  return (
    new Mustache.Writer().render(template, viewOf(told, message), undefined, { escape: String }).trim() ||
    null
  );
}

/** Whether a template has names that are for several: in one that has none they would be told as if they were one. */
function tellsSeveral(template: string): boolean {
  const named = (tokens: readonly Token[]): boolean =>
    tokens.some(
      ([type, name, , , inside]) =>
        (type !== 'text' && type !== '!' && TELLS_SEVERAL.has(name)) ||
        named((inside as Token[] | undefined) ?? []),
    );
  return named(new Mustache.Writer().parse(template) as unknown as Token[]);
}

/**
 * The message in the words of the operator. A text of one's own is the `summary`, which then may have several lines, and
 * there are no facts beside it. A template of which nothing comes is as none: nobody is sent an empty message.
 */
export function messageIn({ title, text }: Words, told: Told): Message {
  const message = messageOf(told);
  const headline = rendered(title, told, message);
  const body = rendered(text, told, message);
  return {
    ...message,
    ...(headline === null ? {} : { headline: line(headline.replace(/\s+/g, ' '), MOST.title) }),
    ...(body === null ? {} : { summary: linesOf(body), facts: [] }),
  };
}

/** A text alone in the words of the operator; undefined: there are none for what is told. */
export function textIn(template: string | undefined, told: Told): string | undefined {
  const body = rendered(template, told, messageOf(told));
  return body === null ? undefined : linesOf(body);
}

/** Lines without blank ones between them, within all limits. */
function linesOf(text: string): string {
  const lines = text.split('\n').flatMap(each => line(each.trim()) || []);
  const all = lines.slice(0, MOST.lines).join('\n');
  return all.length <= MOST.text ? all : `${all.slice(0, MOST.text - 1).toWellFormed()}…`;
}
