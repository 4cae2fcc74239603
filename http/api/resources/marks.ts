import { z } from 'zod';
import { TidegaugeError } from '../../../core/errors.ts';
import { MARK_KINDS, MARK_TEXT, type MarkKind, newMark } from '../../../core/incident/mark.ts';
import { markJson, markJsonSchema } from '../../../core/incident/mark-json.ts';
import { type Precision, precision } from '../../../core/precision.ts';
import type { Input, Shared } from '../contract.ts';
import { globs, operation, pageOf, pageQuery, rangeOf, rangeQuery, takesOf, text } from '../operation.ts';
import { unknownIncident } from './incidents.ts';

export const tooManyMarks = (): TidegaugeError =>
  new TidegaugeError({
    place: 'incident mark',
    found: 'too many marks are kept',
    remedy: 'Limits that need so many are wrong: change the rules. Marks are forgotten after a year.',
  });

const note = z.string().max(MARK_TEXT).default('').describe('Why, for others who see it.');
const by = z.exactOptional(z.string().min(1).max(MARK_TEXT)).describe('Who says so, where no token does.');
const id = text('As the list of incidents shows it.');

async function say(
  { state, now }: Shared,
  { path, body, by: token }: Input<{ id: string }, unknown, { kind: MarkKind; note: string; by?: string }>,
) {
  const incident = await state.incident(path.id);
  if (!incident) throw unknownIncident(path.id);
  const { kind, note } = body;
  const mark = await state.saveMark(
    newMark(incident, { kind, note, by: token ?? body.by ?? 'api', at: now }),
  );
  if (!mark) throw tooManyMarks();
  return { value: markJson(mark) };
}

/** Incidents that are counted, newest first. */
export const COUNTED_INCIDENTS = 10_000;

const share = z.number().min(0).max(1).nullable();
const precisionSchema = z.strictObject({
  rule: z.string().nullable().describe('Null: of all rules together.'),
  incidents: z.int(),
  real: z.int(),
  expected: z.int(),
  false_alarm: z.int(),
  unmarked: z.int(),
  right: share.describe('Share of the marked that were no false alarms; null: none is marked.'),
  right_low: share.describe('Its 95 % interval.'),
  right_high: share,
});

/** How often a rule was right, for other programs. */
export function precisionJson(row: Precision): z.output<typeof precisionSchema> {
  const { rule, incidents, real, expected, falseAlarms, unmarked, right } = row;
  return {
    rule,
    ...{ incidents, real, expected, false_alarm: falseAlarms, unmarked },
    ...{ right: right?.share ?? null, right_low: right?.low ?? null, right_high: right?.high ?? null },
  };
}

export const markOperations = [
  operation({
    id: 'listMarks',
    method: 'GET',
    path: '/marks',
    summary: 'All that people said of incidents, the oldest first; the newest of an incident counts.',
    query: z.strictObject({ host: z.exactOptional(text('Of this host only.')), ...pageQuery() }),
    answer: z.array(markJsonSchema),
    async run({ state }, { query }) {
      const marks = await state.marks(query.host ?? null);
      const { page, next } = pageOf(marks, ({ seq }) => String(seq), query);
      return { value: page.map(markJson), next };
    },
  }),
  operation({
    id: 'getQuality',
    method: 'GET',
    path: '/quality',
    summary:
      'How often rules were right, by what people said of the newest 10,000 incidents that start in a range.',
    query: z.strictObject({
      ...rangeQuery('30d'),
      host: z.exactOptional(text('Only of these hosts: a glob.')),
      ...globs,
    }),
    answer: z.array(precisionSchema),
    async run({ state, now }, { query }) {
      const range = rangeOf(query, now);
      const takes = takesOf(query);
      const incidents = (await state.incidents(range, COUNTED_INCIDENTS)).filter(takes);
      return {
        value: precision(incidents, (await state.marks(null)).filter(takes), range).map(precisionJson),
      };
    },
  }),
  operation({
    id: 'markIncident',
    method: 'PUT',
    path: '/incidents/{id}/mark',
    summary: 'Say what an incident was: what spoke there moves its limit from the next frame on.',
    params: z.strictObject({ id }),
    body: z.strictObject({
      kind: z.enum(MARK_KINDS).describe('`none` takes back what was said.'),
      note,
      by,
    }),
    answer: markJsonSchema,
    run: say,
  }),
  operation({
    id: 'unmarkIncident',
    method: 'DELETE',
    path: '/incidents/{id}/mark',
    summary: 'Take back what was said of an incident.',
    params: z.strictObject({ id }),
    answer: markJsonSchema,
    run: (shared, { path, by }) => say(shared, { path, query: {}, body: { kind: 'none', note: '' }, by }),
  }),
];
