import { formatSize } from '../../../core/config/units.ts';
import type { Interval } from '../../../core/interval.ts';
import { BUCKETS } from '../../../core/traffic/histogram.ts';
import { type Html, html } from '../html.ts';
import { type TimeChart, timeChart, WIDE } from './frame.ts';

/** Messages by size in a stretch of time: counts in the order of BUCKETS; null: nothing is known. */
export interface SizeColumn extends Interval {
  readonly counts: ArrayLike<number> | null;
}

export interface Heatmap extends Omit<TimeChart, 'lines' | 'stretched' | 'height'> {
  readonly columns: readonly SizeColumn[];
}

/** Levels of colour: classes `heat-1` to `heat-7`, each for twice as much or more. */
const LEVELS = 7;
/** px, of as many rows as sizes need. */
const HEIGHT = 180;
/** Sizes that are named at the side; the picture ends at one of them. */
const NAMED = [512, 1024, 2048, 3072, 4096, 65_536] as const;

/**
 * How message sizes were distributed over time: each row is one bucket as it is counted, 64 bytes up to 4 KiB and 4 KiB
 * above, so that the scale bends at 4 KiB. Sizes above all that were seen are left out. Darker is more for each second, by the logarithm.
 */
export function heatmap({ columns, ...chart }: Heatmap): Html {
  const rates = columns.map(column => ratesOf(column));
  const most = rates.reduce((top, row) => row.reduce((a, b) => Math.max(a, b), top), 0);
  const least = rates.reduce(
    (low, row) => row.reduce((a, b) => (b > 0 ? Math.min(a, b) : a), low),
    Number.POSITIVE_INFINITY,
  );
  const level = (rate: number): number =>
    rate === 0 ? 0 : 1 + Math.round(((LEVELS - 1) * Math.log(rate / least)) / (Math.log(most / least) || 1));
  const used = rates.reduce(
    (top, row) =>
      Math.max(
        top,
        row.findLastIndex(rate => rate > 0),
      ),
    0,
  );
  const end = NAMED.map(size => BUCKETS.indexOf(size)).find(bucket => bucket > used) ?? BUCKETS.length;
  const row = HEIGHT / end;
  const paths = pathsOf(
    columns,
    rates.map(one => one.map(level)),
    { range: chart.range, row },
  );
  return timeChart({
    ...chart,
    height: HEIGHT,
    lines: NAMED.filter(size => BUCKETS.indexOf(size) <= end).map(size => ({
      y: rounded(HEIGHT - BUCKETS.indexOf(size) * row),
      text: formatSize(size),
    })),
    stretched: paths.map((path, i) => path !== '' && html`<path class="heat-${i + 1}" d="${path}"/>`),
  });
}

const rounded = (px: number): number => Math.round(100 * px) / 100;

/** Messages a second by bucket. */
function ratesOf({ from, to, counts }: SizeColumn): number[] {
  return counts === null ? [] : Array.from(counts, count => (1000 * count) / (to - from));
}

/** One path for each level: cells of the same level beside each other are one rectangle, which keeps the text small. */
function pathsOf(
  columns: readonly SizeColumn[],
  levels: readonly (readonly number[])[],
  { range: { from, to }, row }: { readonly range: Interval; readonly row: number },
): string[] {
  const top = (bucket: number): number => rounded(HEIGHT - (bucket + 1) * row);
  const x = (time: number): number =>
    Math.round((WIDE * (Math.min(Math.max(time, from), to) - from)) / (to - from));
  const paths: string[] = Array.from({ length: LEVELS }, () => '');
  for (let bucket = 0; bucket < BUCKETS.length; bucket++) {
    for (let i = 0; i < columns.length; ) {
      const level = levels[i]?.[bucket] ?? 0;
      let next = i + 1;
      while (next < columns.length && (levels[next]?.[bucket] ?? 0) === level && follows(columns, next))
        next++;
      const [left, right] = [x(columns[i]?.from ?? 0), x(columns[next - 1]?.to ?? 0)];
      if (level > 0 && right > left)
        paths[level - 1] += `M${left} ${top(bucket)}H${right}V${top(bucket - 1)}H${left}z`;
      i = next;
    }
  }
  return paths;
}

/** Frames may be apart by a moment. */
const follows = (columns: readonly SizeColumn[], i: number): boolean =>
  (columns[i]?.from ?? 0) - (columns[i - 1]?.to ?? 0) <= 1000;
