import { z } from 'zod';
import { globMatcher } from '../../core/config/options.ts';
import { parseDuration } from '../../core/config/units.ts';
import { printable, UsageError } from '../../core/errors.ts';
import type { Incident } from '../../core/incident/incident.ts';
import { isAboutAny, type Joint } from '../../core/incident/members.ts';
import type { Interval } from '../../core/interval.ts';
import { UTC } from '../../core/time-zone.ts';
import type { Answer, Input, Method, Operation, Shared } from './contract.ts';

/** What an operation is written as: its parts know what its schemas give. */
interface Spec<P extends z.ZodObject, Q extends z.ZodObject, B extends z.ZodObject> {
  readonly id: string;
  readonly method: Method;
  readonly path: string;
  readonly summary: string;
  readonly params?: P;
  readonly query?: Q;
  readonly body?: B;
  readonly answer: z.ZodType;
  readonly run: (shared: Shared, input: Input<z.output<P>, z.output<Q>, z.output<B>>) => Promise<Answer>;
}

const NOTHING = z.strictObject({});

/** A row for the table of operations. What `run` is given was checked by these schemas. */
export function operation<
  P extends z.ZodObject = typeof NOTHING,
  Q extends z.ZodObject = typeof NOTHING,
  B extends z.ZodObject = typeof NOTHING,
>({ params, query, body, run, ...rest }: Spec<P, Q, B>): Operation {
  return {
    ...rest,
    params: params ?? NOTHING,
    query: query ?? NOTHING,
    body: body ?? null,
    run: run as Operation['run'],
  };
}

/** Longest text of a parameter. */
export const PARAMETER = 300;
/** Longest page. */
export const PAGE = 1000;

export const text = (what: string) => z.string().max(PARAMETER).describe(what);

/** The names of hosts, services and containers that rows are wanted of. */
export const globs = {
  container: z.exactOptional(text('Only of these containers: a glob such as `web-*`.')),
  service: z.exactOptional(text('Only of these services: a glob.')),
};

/** Whether an incident, or a mark, is about somebody whose names fit all globs of a query. */
export function takesOf(
  query: Readonly<Partial<Record<'host' | 'service' | 'container', string>>>,
): (about: Joint & Pick<Incident, 'host'>) => boolean {
  const fits = (['host', 'service', 'container'] as const).flatMap(part => {
    const glob = query[part];
    return glob === undefined ? [] : [{ part, is: globMatcher(glob) }];
  });
  return about => isAboutAny(about, who => fits.every(({ part, is }) => is(who[part])));
}

/** The stored range that is read. */
export const rangeQuery = (from: string) => ({
  from: text('Start: a duration ago such as `12h`, or ISO 8601, UTC unless it has an offset.').default(from),
  to: text('End, the same.').default('0s'),
});

/** One page of many rows. */
export const pageQuery = (limit = 100) => ({
  limit: z.coerce.number().int().min(1).max(PAGE).default(limit).describe('Most rows of one answer.'),
  after: z.exactOptional(
    text(
      'Go on after this one. The header `Link` of an answer with `rel="next"` has it; without it, it was the last.',
    ),
  ),
});

/** The range of `from` and `to`; throws a UsageError when it is none. */
export function rangeOf({ from, to }: { from: string; to: string }, now: number): Interval {
  const range = { from: timeOf('from', from, now), to: timeOf('to', to, now) };
  if (range.from < range.to) return range;
  throw new UsageError({
    place: '',
    found: `from ${printable(from, 60)} is not before to ${printable(to, 60)}`,
    remedy: 'Correct the parameters.',
  });
}

/** Epoch ms of a parameter: ISO 8601, or a duration before now. */
function timeOf(place: string, given: string, now: number): number {
  const ago = parseDuration(given);
  const time = ago === null ? UTC.parse(given) : now - ago;
  if (time !== null && Number.isFinite(time)) return Math.max(0, Math.floor(time));
  throw new UsageError({
    place,
    expected: 'a duration ago with its unit, such as 12h, or a time such as 2026-01-31T22:00:00Z',
    found: printable(given, 60) || 'nothing',
    remedy: 'Correct the parameter.',
  });
}

/** One page of a list: those after the one with the id `after`. Throws a UsageError when that one is gone. */
export function pageOf<T>(
  all: readonly T[],
  idOf: (one: T) => string,
  { after, limit }: { readonly after?: string; readonly limit: number },
): { readonly page: readonly T[]; readonly next: string | null } {
  const begin = after === undefined ? 0 : all.findIndex(one => idOf(one) === after) + 1;
  if (after !== undefined && begin === 0) throw lostPlace(after);
  const page = all.slice(begin, begin + limit);
  const last = page.at(-1);
  return { page, next: last !== undefined && begin + limit < all.length ? idOf(last) : null };
}

export const lostPlace = (after: string): UsageError =>
  new UsageError({
    place: 'after',
    expected: 'what the header Link of the page before says',
    found: printable(after, 60) || 'nothing',
    remedy: 'Start again without it: what it named may be gone.',
  });
