const HEAD = /^\{"type": ?"map", ?"data": ?\{"(@[a-z0-9_]{1,60})": ?\{/;
/** A key, its sum (as text where a double could not hold it, in newer bpftraces), and what follows. */
const ENTRY = /"([^"\\]{1,200})": ?("?)(\d{1,20})\2(, ?|\}\}\}\s*$)/y;
/** Sums are given in two halves of 32 bits. */
const HALF = 2 ** 32;

/**
 * Read a map of sums, `{"type": "map", "data": {"@name": {"KEY": SUM, …}}}`, without the object that JSON.parse would
 * build: with 100,000 keys it costs more than everything else together, and rounds sums beyond 53 bits.
 *
 * `entry` is given each key and sum, as sum = high * 2^32 + low, and says whether it is acceptable.
 *
 * @returns the map's name, or null when the text is anything else than such a map
 */
export function scanSums(
  text: string,
  entry: (key: string, high: number, low: number) => boolean,
): string | null {
  const head = HEAD.exec(text);
  if (!head?.[1]) return null;
  const reader = new RegExp(ENTRY);
  reader.lastIndex = head[0].length;
  for (;;) {
    const [, key = '', , digits = '', after = ''] = reader.exec(text) ?? [];
    if (key === '') return null;
    const [high, low] = halves(digits);
    if (high >= HALF || !entry(key, high, low)) return null;
    if (after.startsWith('}')) return head[1];
  }
}

/** A decimal number of at most 20 digits, in halves. */
function halves(digits: string): [high: number, low: number] {
  const number = Number(digits);
  if (Number.isSafeInteger(number)) return [Math.floor(number / HALF), number % HALF];
  const exact = BigInt(digits);
  return [Number(exact / BigInt(HALF)), Number(exact % BigInt(HALF))];
}
