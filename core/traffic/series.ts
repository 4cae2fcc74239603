import type { Direction, Window } from './frame.ts';

/** What is measured of a window: the rates are per second of the frame's true duration. */
export const METRICS = ['bytes', 'messages', 'mean-size'] as const;
export type Metric = (typeof METRICS)[number];

/** Unit of a metric's values, for evidence and pictures. */
export const UNIT_OF: Readonly<Record<Metric, 'B/s' | 'msg/s' | 'B'>> = {
  bytes: 'B/s',
  messages: 'msg/s',
  'mean-size': 'B',
};

/**
 * Value of one series in one frame. A silent container (`window` undefined) has rate 0 and no mean size (null).
 * `durationMs` is the frame's true duration.
 */
export function seriesValue(metric: Metric, window: Window | undefined, durationMs: number): number | null {
  if (metric === 'mean-size') return window ? window.bytes / window.messages : null;
  const total = window ? window[metric] : 0;
  return (total * 1000) / durationMs;
}

/** Identity of a series inside a host, for messages: `web send bytes`. */
export const seriesLabel = (container: string, direction: Direction, metric: Metric): string =>
  `${container} ${direction} ${metric}`;
