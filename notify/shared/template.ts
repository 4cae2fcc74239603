import Mustache from 'mustache';
import { z } from 'zod';
import { isoTime } from '../../core/clock.ts';
import { formatLength } from '../../core/config/units.ts';
import { type Notification, stateOfIncident } from '../../core/incident/incident.ts';
import type { Told } from '../contract.ts';
import { line, type Message, messageOf } from './message.ts';

/**
 * Words of the operator's own for a message, as Mustache templates (mustache.github.io/mustache.5.html): names, lists and
 * conditions, no code. What comes out is text like any other: each kind of receiver escapes all of it, so that a name in
 * it mentions, links and formats nothing.
 */

/** Characters of a template, lines of a text, and characters of title and text. */
const MOST = { template: 2000, lines: 20, title: 100, text: 1500 };

/** What a template may name, and what that is. */
const VALUES = {
  status: '`firing`, `resolved` or `ended`',
  severity: '`info`, `warning` or `critical`',
  headline: 'the title that is sent without a template, such as `CRITICAL: shop-web-1`',
  summary: 'what was seen against what was expected, or how long it lasted',
  host: 'name of the host',
  service: 'name of the service; empty: none',
  container: 'name of the container; empty: none',
  image: 'its image, where it is known',
  since: 'when it began, such as `2026-01-15 03:12:05 UTC`',
  lasted: 'how long it lasts or lasted, such as `5m`',
  score: 'the highest score; 1 is the limit of an alarm',
  id: 'id of the incident, as `tidegauge incidents` shows it',
} as const;

/** Only true or false: for `{{#firing}} … {{/firing}}` and `{{^firing}} … {{/firing}}`. */
const CONDITIONS = {
  firing: 'it is not over',
  critical: 'its severity is critical',
} as const;

/** Lists, for `{{#facts}} … {{/facts}}`, and what may be named inside. */
const LISTS = {
  facts: { name: '`Where`, `Since`, `Seen`, `Look at`', text: 'the words that follow it' },
} as const;

/** What a template may name, for the documentation. */
export const TEMPLATES = { values: VALUES, conditions: CONDITIONS, lists: LISTS };

type View = Readonly<
  Record<keyof typeof VALUES, string> &
    Record<keyof typeof CONDITIONS, boolean> & {
      readonly facts: Message['facts'];
    }
>;

function viewOf({ status, incident }: Notification, message: Message): View {
  const { host, service, container, image = '', severity, start, end, score, id } = incident;
  return {
    status: status === 'firing' ? 'firing' : stateOfIncident(incident),
    severity,
    headline: message.headline,
    summary: message.summary,
    host: line(host, 80),
    service: line(service, 80),
    container: line(container, 80),
    image: line(image, 200),
    since: `${isoTime(start).slice(0, 19).replace('T', ' ')} UTC`,
    lasted: formatLength(end - start),
    score: score.toFixed(1),
    id,
    firing: status === 'firing',
    critical: severity === 'critical',
    facts: message.facts,
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

/** A template that has been filled in; null when nothing but blanks came of it. */
const rendered = (text: string, view: View): string | null =>
  new Mustache.Writer().render(text, view, undefined, { escape: String }).trim() || null;

/**
 * The message in the words of the operator. A text of one's own is the `summary`, which then may have several lines, and
 * there are no facts beside it. A template of which nothing comes is as none: nobody is sent an empty message.
 */
export function messageIn({ title, text }: Words, notification: Told): Message {
  const message = messageOf(notification);
  // Templates are about one incident: a group is told in our words.
  if ((title === undefined && text === undefined) || notification.others !== undefined) return message;
  const view = viewOf(notification, message);
  const headline = title === undefined ? null : rendered(title, view);
  const body = text === undefined ? null : rendered(text, view);
  return {
    ...message,
    ...(headline === null ? {} : { headline: line(headline.replace(/\s+/g, ' '), MOST.title) }),
    ...(body === null ? {} : { summary: linesOf(body), facts: [] }),
  };
}

/** Lines without blank ones between them, within all limits. */
function linesOf(text: string): string {
  const lines = text.split('\n').flatMap(each => line(each.trim()) || []);
  const all = lines.slice(0, MOST.lines).join('\n');
  return all.length <= MOST.text ? all : `${all.slice(0, MOST.text - 1).toWellFormed()}…`;
}
