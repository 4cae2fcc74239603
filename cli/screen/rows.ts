import type { Screen } from './live.ts';

/** What people see around the rows of a table. */
export interface Heading {
  readonly header: string;
  /** Instead, when there are no rows. */
  readonly none: string;
}

/** Writes rows as they come. `heading`: null for JSON. Returns whether there were any, null when `signal` ended it. */
export async function writeRows(
  out: Screen,
  rows: AsyncIterable<string>,
  heading: Heading | null,
  signal: AbortSignal,
): Promise<boolean | null> {
  let isNone = true;
  for await (const row of rows) {
    if (signal.aborted) return null;
    if (isNone && heading) out.write(`${heading.header}\n`);
    out.write(`${row}\n`);
    isNone = false;
  }
  if (isNone && heading) out.write(`${heading.none}\n`);
  return !isNone;
}
