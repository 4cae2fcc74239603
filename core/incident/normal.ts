import type { Direction } from '../traffic/frame.ts';
import type { Metric } from '../traffic/series.ts';

/** A rate that is usual, and the one from which on it is an incident; in the unit of its quantity. */
export interface NormalRate {
  /** The greatest there was; where too little is judged, the least. */
  readonly usual: number;
  /** Where too little is judged it is an incident below; 0: never. */
  readonly limit: number;
}

export const SIDES = ['high', 'low'] as const;
export type Side = (typeof SIDES)[number];

/** What a rule has learnt to be normal of one quantity of a container's traffic. */
export interface Normal {
  /** Null: of both together. */
  readonly direction: Direction | null;
  /** Whether too much is judged (`high`) or too little. */
  readonly side: Side;
  readonly unit: 'B/s' | 'msg/s';
  /** Time that is judged at once, ms. */
  readonly overMs: number;
  /** By the last two hours and this time of day; null: nothing is known yet. */
  readonly now: NormalRate | null;
  /** By half-hour of the day, UTC, from midnight on; null: nothing is known of it yet. */
  readonly byHalfHour: readonly (NormalRate | null)[];
}

/**
 * Rates as they are told and stored, so that all who tell one tell the same. A tenth would be too much: of one message a
 * minute there would be nothing left, and 0 means never.
 */
export const thousandths = (rate: number): number => Math.round(1000 * rate) / 1000;

/** What a rule expects now of one quantity of a container's traffic, in the metric's unit: outside of it is an incident. */
export interface Expectation {
  /** Null: of both together. */
  readonly direction: Direction | null;
  readonly metric: Metric;
  /** 0: too little is never an incident. */
  readonly low: number;
  /** Null: too much is never one. */
  readonly high: number | null;
}

/** A row of `container_expected`: what a rule expected of a container in a frame. */
export interface ExpectedRange extends Expectation {
  readonly host: string;
  readonly service: string;
  readonly container: string;
  /** Start of the frame, epoch ms. */
  readonly start: number;
  readonly rule: string;
}

/** What one rule has learnt of a container. */
export interface RuleNormal {
  readonly rule: string;
  readonly normals: readonly Normal[];
}
