import { z } from 'zod';
import { isoTime } from '../../../core/clock.ts';
import { duration, globMatcher } from '../../../core/config/options.ts';
import type { Interval } from '../../../core/interval.ts';
import type { Rollup, TrafficSum } from '../../../core/traffic/rollup.ts';
import type { TrafficStore } from '../../../store/contract.ts';
import { globs, operation, pageQuery, rangeOf, rangeQuery, text } from '../operation.ts';
import { streamPage } from '../stream-page.ts';

const count = z.int().nonnegative();
const amountSchema = z.strictObject({
  messages: count,
  bytes: count,
  sizes: z
    .array(z.tuple([count, count]).readonly())
    .readonly()
    .describe('[lower bound in bytes, messages], ascending.'),
});
const trafficSchema = z.strictObject({
  time: z.iso.datetime().describe('When the bucket starts.'),
  host: z.string(),
  service: z.string(),
  container: z.string(),
  watched_ms: z.number().describe('Rates are bytes / watched_ms: silence included, gaps not.'),
  frames: count,
  incomplete: count.describe('Frames of them that may not hold all that happened.'),
  sent: amountSchema,
  received: amountSchema,
});

/** One container's traffic in one bucket of time. */
export interface TrafficRow {
  readonly host: string;
  /** Start of the bucket, epoch ms. */
  readonly start: number;
  readonly sum: TrafficSum;
}

/** For other programs: exact sums, sizes as [lower bound in bytes, messages]. Rates are bytes / watched_ms. */
export function trafficJson({ host, start, sum }: TrafficRow): z.output<typeof trafficSchema> {
  const { container, service, durationMs, frames, incomplete, send, receive } = sum;
  return {
    ...{ time: isoTime(start), host, service, container },
    ...{ watched_ms: durationMs, frames, incomplete },
    sent: send,
    received: receive,
  };
}

/** A row as `trafficJson` wrote it. Throws a ZodError when it is none. */
export function trafficFromJson(json: unknown): TrafficRow {
  const { time, host, service, container, watched_ms, sent, received, ...sum } = trafficSchema.parse(json);
  return {
    ...{ host, start: Date.parse(time) },
    sum: { container, service, durationMs: watched_ms, ...sum, send: sent, receive: received },
  };
}

/** A host's traffic in buckets of `stepMs`, ascending; in each the busiest container comes first. */
export async function* trafficRows(
  store: Pick<TrafficStore, 'readSeries'>,
  host: string,
  range: Interval,
  stepMs: number,
): AsyncIterable<TrafficRow> {
  for await (const rollup of store.readSeries(host, range, stepMs))
    for (const sum of rollup.traffic.toSorted(byBytes)) yield { host: rollup.host, start: rollup.start, sum };
}

const bytesOf = ({ send, receive }: Rollup['traffic'][number]): number => send.bytes + receive.bytes;
const byBytes = (a: TrafficSum, b: TrafficSum): number => bytesOf(b) - bytesOf(a);

export const trafficOperations = [
  operation({
    id: 'listTraffic',
    method: 'GET',
    path: '/traffic',
    summary: 'What each container of a host sent and received over time.',
    query: z.strictObject({
      ...rangeQuery('24h'),
      step: duration({ min: '1s', max: '31d' })
        .prefault('1h')
        .describe('How much time is one row; whole hours and whole minutes are kept longest.'),
      host: z.exactOptional(text('The host; without it, the one that answers.')),
      ...globs,
      ...pageQuery(),
    }),
    answer: z.array(trafficSchema),
    async run({ store, host, now }, { query }) {
      const { step, container = '*', service = '*' } = query;
      const [isContainer, isService] = [globMatcher(container), globMatcher(service)];
      const wanted = ({ sum }: TrafficRow) => isContainer(sum.container) && isService(sum.service);
      const rows = (range: Interval) => trafficRows(store, query.host ?? host, range, Math.ceil(step));
      const { page, next } = await streamPage(rows, wanted, rangeOf(query, now), query);
      return { value: page.map(trafficJson), next };
    },
  }),
];
