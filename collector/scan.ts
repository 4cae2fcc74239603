const HEAD = /^\{"type": ?"map", ?"data": ?\{"(@[a-z0-9_]{1,60})": ?\{/;
const TAIL = /^\}\}\}\s*$/;

/** Sums are given in two halves of 32 bits. */
const HALF = 2 ** 32;
/** That many digits are always an exact number; 64 bits have at most 20. */
const EXACT_DIGITS = 15;
const MOST_DIGITS = 20;

const code = (character: string): number => character.charCodeAt(0);
const QUOTE = code('"');
const COMMA = code(',');
const COLON = code(':');
const SPACE = code(' ');
const ZERO = code('0');
const NINE = code('9');

/**
 * Read a map of sums, `{"type": "map", "data": {"@name": {"KEY": SUM, …}}}`, without the object that JSON.parse would
 * build: with 100,000 keys it costs more than everything else together, and rounds sums beyond 53 bits. Sums that a
 * double could not hold are text in newer bpftraces.
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
  const scan = new Scanner(text, head[0].length);
  do {
    const key = scan.key();
    if (key === null || !scan.sum() || !entry(key, scan.high, scan.low)) return null;
  } while (scan.skip(COMMA));
  return TAIL.test(text.slice(scan.at)) ? head[1] : null;
}

class Scanner {
  readonly #text: string;
  at: number;
  /** Halves of the last sum. */
  high = 0;
  low = 0;

  constructor(text: string, at: number) {
    this.#text = text;
    this.at = at;
  }

  /** `"KEY":`, without escapes. */
  key(): string | null {
    const from = this.at + 1;
    const to = this.#text.indexOf('"', from);
    if (this.#text.charCodeAt(this.at) !== QUOTE || to < 0) return null;
    this.at = to + 1;
    return this.skip(COLON) ? this.#text.slice(from, to) : null;
  }

  /** A sum, bare or quoted. */
  sum(): boolean {
    const quoted = this.#text.charCodeAt(this.at) === QUOTE;
    if (quoted) this.at++;
    const from = this.at;
    let value = 0;
    for (let c = this.#text.charCodeAt(from); c >= ZERO && c <= NINE; c = this.#text.charCodeAt(++this.at)) {
      value = value * 10 + c - ZERO;
    }
    const digits = this.at - from;
    if (digits === 0 || digits > MOST_DIGITS) return false;
    if (digits <= EXACT_DIGITS) this.#split(value);
    else this.#splitExactly(BigInt(this.#text.slice(from, this.at)));
    if (quoted && this.#text.charCodeAt(this.at++) !== QUOTE) return false;
    return this.high < HALF;
  }

  /** True when that character comes next; it is passed, with a space behind it. */
  skip(character: number): boolean {
    if (this.#text.charCodeAt(this.at) !== character) return false;
    this.at++;
    if (this.#text.charCodeAt(this.at) === SPACE) this.at++;
    return true;
  }

  #split(value: number): void {
    this.high = Math.floor(value / HALF);
    this.low = value - this.high * HALF;
  }

  #splitExactly(value: bigint): void {
    this.high = Number(value >> 32n);
    this.low = Number(value & 0xffff_ffffn);
  }
}
