import { ExchangeError, printable } from '../core/errors.ts';
import type { Detection } from '../core/incident/incident.ts';
import type { ExpectedRange } from '../core/incident/normal.ts';
import { connectionId } from '../core/traffic/connection.ts';
import { EXCHANGE_KEYS, flowId } from '../core/traffic/flow.ts';
import { compareText, type Frame } from '../core/traffic/frame.ts';

/**
 * Refuse a frame that no store could give back: names, flows or connections twice, rows or births of unknown
 * containers, numbers that a database would round. Throws an ExchangeError that is not worth retrying.
 */
export function checkFrame(frame: Frame): void {
  const names = new Set(frame.containers.map(container => container.name));
  if (names.size !== frame.containers.length) refuse(frame, 'each container once', 'a name twice');
  for (const name of [...frame.started, ...frame.ended]) {
    if (!names.has(name)) refuse(frame, 'births and deaths of its containers', printable(name));
  }
  const seen = new Set<string>();
  for (const { container, direction, messages, bytes } of frame.windows) {
    const key = `${direction} ${container}`;
    if (!names.has(container)) refuse(frame, 'windows of its containers', printable(container));
    if (seen.has(key)) refuse(frame, 'one window per container and direction', printable(key));
    if (!isCount(messages) || messages === 0 || !isCount(bytes)) {
      refuse(frame, 'counts of messages and bytes', `${messages} messages, ${bytes} bytes`);
    }
    seen.add(key);
  }
  checkFlows(frame, names);
  checkConnections(frame, names);
  if (!Number.isSafeInteger(frame.start) || !isCount(frame.durationMs) || !isCount(frame.lost)) {
    refuse(frame, 'integers', `start ${frame.start}, duration ${frame.durationMs}, lost ${frame.lost}`);
  }
  if (!Number.isFinite(frame.occupancy)) refuse(frame, 'a finite occupancy', String(frame.occupancy));
}

function checkFlows(frame: Frame, names: ReadonlySet<string>): void {
  const seen = new Set<string>();
  for (const flow of frame.flows) {
    const id = flowId(flow);
    if (!names.has(flow.container)) refuse(frame, 'flows of its containers', printable(flow.container));
    if (seen.has(id)) refuse(frame, 'one row per flow', printable(id));
    if (!EXCHANGE_KEYS.every(key => isCount(flow[key])) || !isCount(flow.port)) {
      refuse(frame, 'counts in flows', printable(JSON.stringify(flow)));
    }
    seen.add(id);
  }
}

function checkConnections(frame: Frame, names: ReadonlySet<string>): void {
  const seen = new Set<string>();
  for (const row of frame.connections) {
    const id = connectionId(row);
    if (!names.has(row.container)) refuse(frame, 'connections of its containers', printable(row.container));
    if (seen.has(id)) refuse(frame, 'one row per end of connections', printable(id));
    if (!isCount(row.count) || row.count === 0 || !isCount(row.port) || !isCount(row.clientPort)) {
      refuse(frame, 'counts of connections', printable(JSON.stringify(row)));
    }
    seen.add(id);
  }
}

/** Refuse a detection with numbers that no database holds. Throws an ExchangeError that is not worth retrying. */
export function checkDetection(row: Detection): void {
  checkNumbers('detection', row, [row.score, row.seen, row.expected ?? 0, ...Object.values(row.scores)]);
}

/** The same of what was expected. */
export function checkExpected(row: ExpectedRange): void {
  checkNumbers('expected range', row, [row.low, row.high ?? 0]);
}

function checkNumbers(
  what: string,
  { container, start }: Pick<Detection, 'container' | 'start'>,
  numbers: readonly number[],
): void {
  if (numbers.every(Number.isFinite) && Number.isSafeInteger(start)) return;
  throw new ExchangeError(
    {
      place: `${what} of ${printable(container)} at ${start}`,
      expected: 'finite numbers',
      found: numbers.join(', '),
      remedy: 'Report this: a detector gave what is no number.',
    },
    { retry: false },
  );
}

/** Scores by rule name in canonical order, so that every store gives back the same object. */
export function scoresFrom(
  entries: Iterable<readonly [rule: string, score: number]>,
): Record<string, number> {
  return Object.fromEntries([...entries].sort((a, b) => compareText(a[0], b[0])));
}

/** Contract order of detections: by start, then container. */
export function compareDetections(a: Detection, b: Detection): number {
  return a.start - b.start || compareText(a.container, b.container);
}

/** Contract order of what was expected: by start, then container, rule, direction and metric. */
export function compareExpected(a: ExpectedRange, b: ExpectedRange): number {
  return (
    a.start - b.start ||
    compareText(a.container, b.container) ||
    compareText(a.rule, b.rule) ||
    compareText(a.direction ?? '', b.direction ?? '') ||
    compareText(a.metric, b.metric)
  );
}

/** For a store that was used while it was not open. */
export function notOpen(place: string): ExchangeError {
  return new ExchangeError(
    {
      place,
      found: 'the store is closed',
      remedy: 'Report this: it was used before open() or after close().',
    },
    { retry: false },
  );
}

const isCount = (n: number): boolean => Number.isSafeInteger(n) && n >= 0;

function refuse(frame: Frame, expected: string, found: string): never {
  throw new ExchangeError(
    {
      place: `frame ${frame.start} of ${printable(frame.host)}`,
      expected,
      found,
      remedy: 'Report this: such a frame should never have been made.',
    },
    { retry: false },
  );
}
