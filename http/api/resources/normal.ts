import { z } from 'zod';
import { isoTime } from '../../../core/clock.ts';
import { type Normal, type NormalRate, SIDES, thousandths } from '../../../core/incident/normal.ts';
import { DIRECTIONS } from '../../../core/traffic/frame.ts';
import { operation, text } from '../operation.ts';

const rateSchema = z
  .strictObject({
    usual: z.number().describe('The greatest there was, in `unit`; of side `low` the least.'),
    limit: z.number().describe('From there on it is an incident; of side `low` below, and 0: never.'),
  })
  .nullable();

const normalSchema = z.strictObject({
  host: z.string(),
  container: z.string(),
  at: z.iso
    .datetime()
    .nullable()
    .describe('What was known then; null: nothing is learnt yet, or it is gone.'),
  learning: z
    .array(
      z.strictObject({
        rule: z.string(),
        until: z.iso.datetime().nullable().describe('If frames go on as they do; null: not known.'),
      }),
    )
    .describe('Rules that are still learning it, and do not judge it yet.'),
  rules: z.array(
    z.strictObject({
      rule: z.string(),
      quantities: z.array(
        z.strictObject({
          direction: z.enum(DIRECTIONS).nullable().describe('Null: of both together.'),
          side: z.enum(SIDES).describe('Whether too much is judged (`high`) or too little (`low`).'),
          unit: z.enum(['B/s', 'msg/s']),
          over_ms: z.number().describe('Time that is judged at once.'),
          now: rateSchema.describe('By the last two hours and this time of day; null: not known yet.'),
          by_half_hour: z
            .array(rateSchema)
            .describe('By half-hour of the day, UTC, from midnight on; null: not known yet.'),
        }),
      ),
    }),
  ),
});

const rateJson = (rate: NormalRate | null): z.output<typeof rateSchema> =>
  rate && { usual: thousandths(rate.usual), limit: thousandths(rate.limit) };

const quantityJson = ({ direction, side, unit, overMs, now, byHalfHour }: Normal) => ({
  ...{ direction, side, unit, over_ms: overMs },
  ...{ now: rateJson(now), by_half_hour: byHalfHour.map(rateJson) },
});

export const normalOperations = [
  operation({
    id: 'getNormal',
    method: 'GET',
    path: '/containers/{container}/normal',
    summary: 'What rules have learnt to be normal of a container, now and by time of day.',
    params: z.strictObject({ container: text('By its whole name.') }),
    query: z.strictObject({ host: z.exactOptional(text('The host; without it, the one that answers.')) }),
    answer: normalSchema,
    async run({ learntOf, host: own }, { path: { container }, query: { host = own } }) {
      const learnt = await learntOf(host, container);
      const rules = (learnt?.rules ?? []).map(({ rule, normals }) => ({
        rule,
        quantities: normals.map(quantityJson),
      }));
      const learning = (learnt?.learning ?? []).map(({ rule, until }) => ({
        rule,
        until: until === null ? null : isoTime(until),
      }));
      return { value: { host, container, at: learnt && isoTime(learnt.at), learning, rules } };
    },
  }),
];
