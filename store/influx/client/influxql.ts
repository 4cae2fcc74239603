import type { Interval } from '../../../core/interval.ts';
import { encodeTag } from '../../text.ts';

/** Building blocks of InfluxQL texts. */

/** A string literal. Newlines end InfluxQL literals, so they are escaped as well. */
export function literal(text: string): string {
  return `'${text.replace(/[\\']/g, '\\$&').replaceAll('\n', '\\n')}'`;
}

/** A quoted identifier. */
export function identifier(name: string): string {
  return `"${name.replace(/[\\"]/g, '\\$&').replaceAll('\n', '\\n')}"`;
}

/** The times that InfluxDB can hold, in ms: 64 bits of nanoseconds around 1970, less a reserve that it keeps. */
const MIN_TIME_MS = -9_223_372_036_000;
const MAX_TIME_MS = 9_223_372_036_000;

/** A time literal of epoch milliseconds; times beyond what InfluxDB holds become its first or last. */
export function time(ms: number): string {
  return `${epoch(ms)}ms`;
}

/** The same as a number, for fields that hold epoch milliseconds. */
export function epoch(ms: number): number {
  return Math.max(MIN_TIME_MS, Math.min(MAX_TIME_MS, Math.ceil(ms)));
}

/** The literal of a tag's value. */
export const tagLiteral = (value: string): string => literal(encodeTag(value));

export const ALL_TIME: Interval = { from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY };

/** Condition for the times of a half-open range, epoch ms. */
export const within = ({ from, to }: Interval): string => `time >= ${time(from)} AND time < ${time(to)}`;

/** Condition for the rows of a host in a range. */
export const inRange = (host: string, range: Interval): string =>
  `host = ${tagLiteral(host)} AND ${within(range)}`;
