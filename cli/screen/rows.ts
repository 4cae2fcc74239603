import type { Screen } from './live.ts';

/** What people see around the rows of a table. */
export interface Heading {
  readonly header: string;
  /** Instead, when there are no rows. */
  readonly none: string;
}

/**
 * Writes rows as they come. `heading`: null for JSON, where the rows are the elements of one list, each on a line of its
 * own. Returns whether there were any, null when `signal` ended it: the list stays open then, so that nobody takes a
 * part for the whole.
 */
export async function writeRows(
  out: Screen,
  rows: AsyncIterable<string>,
  heading: Heading | null,
  signal: AbortSignal,
): Promise<boolean | null> {
  let isNone = true;
  for await (const row of rows) {
    if (signal.aborted) return null;
    if (heading) out.write(`${isNone ? `${heading.header}\n` : ''}${row}\n`);
    else out.write(`${isNone ? '[\n' : ',\n'}${row}`);
    isNone = false;
  }
  if (heading) out.write(isNone ? `${heading.none}\n` : '');
  else out.write(isNone ? '[]\n' : '\n]\n');
  return !isNone;
}
