/** A line without its newline; null in place of one that was longer than the cap. */
export type Line = string | null;

/**
 * Lines of a byte stream, in memory bounded by `cap` bytes a line: a longer one is skipped and reported as null.
 * What follows the last newline is a line too, unless it is empty.
 */
export async function* boundedLines(source: AsyncIterable<Uint8Array>, cap: number): AsyncIterable<Line> {
  let parts: Uint8Array[] = [];
  let length = 0;
  const take = (): Line => {
    const line = length > cap ? null : Buffer.concat(parts).toString('utf8');
    parts = [];
    length = 0;
    return line;
  };
  const add = (part: Uint8Array) => {
    length += part.length;
    if (length > cap) parts = [];
    else parts.push(part);
  };
  for await (const chunk of source) {
    let from = 0;
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, from)) {
      add(chunk.subarray(from, end));
      yield take();
      from = end + 1;
    }
    if (from < chunk.length) add(chunk.subarray(from));
  }
  if (length > 0) yield take();
}
