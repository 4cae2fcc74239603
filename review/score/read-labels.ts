import { basename } from 'node:path';
import { z } from 'zod';
import { printable, UsageError } from '../../core/errors.ts';
import { fieldsOf, separatorOf } from './csv.ts';
import type { Window } from './nab-score.ts';
import { readSeries } from './read-series.ts';
import type { Series } from './series.ts';
import { parseStamp } from './stamp.ts';

/** What is known to be anomalous in a series. */
export interface Labels {
  /** By row. */
  readonly anomalous: readonly boolean[];
  /** Null where rows are labelled, not windows. */
  readonly windows: readonly Window[] | null;
}

/** From one time to another, both included, epoch ms. */
type Span = readonly [number, number];

const stamp = z.union([z.string(), z.number()]).transform((value, context): number => {
  const time = parseStamp(String(value));
  if (time !== null) return time;
  context.addIssue({ code: 'custom', message: `a time, not "${printable(String(value), 40)}"` });
  return z.NEVER;
});
const spans = z.array(z.tuple([stamp, stamp]));
/** Windows of many series by file, as NAB's combined_windows.json has them. */
const byFile = z.record(z.string(), z.unknown());

/**
 * Labels of a series, from the text of a file of one of three kinds: windows as JSON, `[["from","to"], …]` or by file as
 * NAB has them; windows as CSV with the header `start,end`; rows as CSV with the header `timestamp,label`.
 *
 * @param place the file of labels, for messages
 * @param file the file of the series, which chooses among the windows of many
 */
export async function readLabels(
  text: string,
  series: Series,
  { place, file }: { place: string; file: string },
): Promise<Labels> {
  if (/^\s*[[{]/.test(text)) return ofSpans(series, spansOfJson(text, place, file));
  const lines = text.replace(/^\uFEFF/, '').split(/\r\n|\r|\n/);
  const head = fieldsOf(lines[0] ?? '', separatorOf(lines[0] ?? '')) ?? [];
  if (/^(start|from|begin)$/i.test(head[0] ?? '')) return ofSpans(series, spansOfCsv(lines, place));
  return ofRows(series, await readSeries(asSeries(lines, head, place), place), place);
}

function spansOfJson(text: string, place: string, file: string): Span[] {
  const json = jsonOf(text, place);
  if (Array.isArray(json)) return checked(spans, json, place);
  const all = checked(byFile, json, place);
  const name = nameIn(Object.keys(all), file);
  if (name !== null) return checked(spans, all[name], `${place}: ${name}`);
  throw new UsageError({
    place: printable(place),
    found: `it has no windows for ${printable(basename(file))}`,
    remedy: `Its keys have to end like the path of the series, such as "realTweets/${printable(basename(file))}".`,
  });
}

function checked<T>(schema: z.ZodType<T>, json: unknown, place: string): T {
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const [first] = parsed.error.issues;
  throw wrong(place, `window ${(first?.path ?? []).join('.')}: ${first?.message}`);
}

function jsonOf(text: string, place: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw wrong(place, 'it begins like JSON and is none');
  }
}

/** The key that has most of the path's end in common with it, whole folders only; null when none has the file's name. */
function nameIn(keys: readonly string[], file: string): string | null {
  const parts = file.split('/').reverse();
  const shared = (key: string) => {
    const own = key.split('/').reverse();
    const differs = own.findIndex((part, i) => part !== parts[i]);
    return differs < 0 ? own.length : differs;
  };
  const [best] = [...keys].sort((a, b) => shared(b) - shared(a));
  return best !== undefined && shared(best) > 0 ? best : null;
}

function spansOfCsv(lines: readonly string[], place: string): Span[] {
  return lines.slice(1).flatMap((line, i): Span[] => {
    if (line.trim() === '') return [];
    const [from, to] = (fieldsOf(line, separatorOf(line)) ?? []).map(parseStamp);
    if (typeof from !== 'number' || typeof to !== 'number')
      throw wrong(place, `line ${i + 2} has no two times`);
    return [[from, to]];
  });
}

/** `timestamp,label` as lines that `readSeries` reads: a label without a value. */
function asSeries(lines: readonly string[], head: readonly string[], place: string): string[] {
  if (head.length >= 3) return [...lines];
  if (head.length < 2) throw wrong(place, 'its first line is neither JSON nor has two columns');
  const named = head.map(parseStamp)[0] === null;
  const rows = (named ? lines.slice(1) : lines).filter(line => line.trim() !== '');
  return ['timestamp,value,label', ...rows.map(line => line.replace(separatorOf(line), ',,'))];
}

function ofSpans(series: Series, all: readonly Span[]): Labels {
  const windows = all.flatMap((span): Window[] => {
    const rows = rowsIn(series.times, span);
    return rows ? [rows] : [];
  });
  const anomalous = series.times.map((_, row) =>
    windows.some(([left, right]) => row >= left && row <= right),
  );
  return { anomalous, windows };
}

/** First row of a span, and the first of its last time: a clock that was set back repeats times. */
function rowsIn(times: readonly number[], [from, to]: Span): Window | null {
  const left = times.findIndex(time => time >= from);
  const end = times.findLast(time => time <= to);
  if (left < 0 || end === undefined || end < from) return null;
  return [left, times.indexOf(end)];
}

function ofRows(series: Series, labelled: Series, place: string): Labels {
  const anomalous = new Set(labelled.times.filter((_, row) => labelled.labels?.[row]));
  const known = new Set(series.times);
  if (anomalous.size > 0 && ![...anomalous].some(time => known.has(time)))
    throw wrong(place, 'none of its times is one of the series');
  return { anomalous: series.times.map(time => anomalous.has(time)), windows: null };
}

const wrong = (place: string, found: string) =>
  new UsageError({
    place: printable(place),
    found,
    remedy:
      'Give windows as JSON, [["2026-01-31 22:00:00","2026-02-01 02:00:00"]], or a CSV of start,end or timestamp,label.',
  });
