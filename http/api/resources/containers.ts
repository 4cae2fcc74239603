import { z } from 'zod';
import { isoTime } from '../../../core/clock.ts';
import { duration, globMatcher } from '../../../core/config/options.ts';
import { UsageError } from '../../../core/errors.ts';
import type { Interval } from '../../../core/interval.ts';
import { bucketStart, type Rollup } from '../../../core/traffic/rollup.ts';
import type { TrafficStore } from '../../../store/contract.ts';
import { globs, operation, pageOf, pageQuery, rangeOf, rangeQuery, text } from '../operation.ts';

/** Points of a container's rates at most. */
const POINTS = 720;

const rates = z
  .array(z.number().nullable())
  .describe('Bytes per second in each step; null: it was not watched.');
const containerSchema = z.strictObject({
  host: z.string(),
  service: z.string(),
  container: z.string(),
  first: z.iso.datetime().describe('Start of the first step in which it was watched.'),
  last: z.iso.datetime().describe('End of the last one.'),
  watched_ms: z.number(),
  incomplete: z.int().describe('Frames that may not hold all that happened.'),
  sent_messages: z.int(),
  sent_bytes: z.int(),
  received_messages: z.int(),
  received_bytes: z.int(),
  sent_rates: rates,
  received_rates: rates,
});
type ContainerJson = z.output<typeof containerSchema>;

/** The steps that a range touches. */
export interface Steps {
  /** Start of the first, epoch ms. */
  readonly first: number;
  readonly stepMs: number;
  readonly count: number;
}

/** Throws a UsageError when they are too many. */
export function stepsOf({ from, to }: Interval, stepMs: number): Steps {
  const first = bucketStart(from, stepMs);
  const count = Math.ceil((to - first) / stepMs);
  if (count <= POINTS) return { first, stepMs, count };
  throw new UsageError({
    place: 'step',
    expected: `a range of at most ${POINTS} steps`,
    found: `${count} of them`,
    remedy: 'Ask for a longer step, or for less time.',
  });
}

/** What each container of a host did in a range, with its rates over time; the busiest first. */
export async function containersOf(rollups: AsyncIterable<Rollup>, steps: Steps): Promise<ContainerJson[]> {
  const found = new Map<string, ContainerJson>();
  const ends = new Map<ContainerJson, number>();
  for await (const { host, start, traffic } of rollups) {
    const step = Math.round((start - steps.first) / steps.stepMs);
    for (const { container, service, durationMs, incomplete, send, receive } of traffic) {
      // As many as rows: JSON would take as long as reading them.
      const key = `${container.length} ${container} ${service}`;
      const one = found.get(key) ?? emptyContainer({ host, service, container }, start, steps.count);
      found.set(key, one);
      ends.set(one, start + steps.stepMs);
      one.watched_ms += durationMs;
      one.incomplete += incomplete;
      one.sent_messages += send.messages;
      one.sent_bytes += send.bytes;
      one.received_messages += receive.messages;
      one.received_bytes += receive.bytes;
      one.sent_rates[step] = rateOf(send.bytes, durationMs);
      one.received_rates[step] = rateOf(receive.bytes, durationMs);
    }
  }
  for (const [one, end] of ends) one.last = isoTime(end);
  const bytesOf = (one: ContainerJson): number => one.sent_bytes + one.received_bytes;
  return [...found.values()].sort((a, b) => bytesOf(b) - bytesOf(a));
}

const emptyContainer = (
  names: Pick<ContainerJson, 'host' | 'service' | 'container'>,
  start: number,
  steps: number,
): ContainerJson => ({
  ...names,
  ...{ first: isoTime(start), last: isoTime(start), watched_ms: 0, incomplete: 0 },
  ...{ sent_messages: 0, sent_bytes: 0, received_messages: 0, received_bytes: 0 },
  sent_rates: new Array<number | null>(steps).fill(null),
  received_rates: new Array<number | null>(steps).fill(null),
});

/** Bytes per second, to a tenth. */
const rateOf = (bytes: number, ms: number): number | null =>
  ms > 0 ? Math.round((bytes * 10_000) / ms) / 10 : null;

const idOf = ({ container, service }: ContainerJson): string => JSON.stringify([container, service]);

export const containerOperations = [
  operation({
    id: 'listContainers',
    method: 'GET',
    path: '/containers',
    summary:
      'The containers of a host that were there in a range, with their sums and rates, the busiest first.',
    query: z.strictObject({
      ...rangeQuery('1h'),
      step: duration({ min: '1s', max: '31d' }).prefault('1m').describe('The time between two rates.'),
      host: z.exactOptional(text('The host; without it, the one that answers.')),
      ...globs,
      ...pageQuery(),
    }),
    answer: z.array(containerSchema),
    async run({ store, host, now }, { query }) {
      const range = rangeOf(query, now);
      const steps = stepsOf(range, Math.ceil(query.step));
      const { container = '*', service = '*' } = query;
      const [isContainer, isService] = [globMatcher(container), globMatcher(service)];
      const all = await containersOf(readAll(store, query.host ?? host, range, steps.stepMs), steps);
      const wanted = all.filter(one => isContainer(one.container) && isService(one.service));
      const { page, next } = pageOf(wanted, idOf, query);
      return { value: page, next };
    },
  }),
];

const readAll = (store: TrafficStore, host: string, range: Interval, stepMs: number): AsyncIterable<Rollup> =>
  store.readSeries(host, range, stepMs, { sizes: false });
