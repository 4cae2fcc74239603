/** Numbers are given in two halves of 32 bits. */
const HALF = 2 ** 32;
/** That many digits are always an exact number; 64 bits have at most 20. */
const EXACT_DIGITS = 15;
const MOST_DIGITS = 20;

const code = (character: string): number => character.charCodeAt(0);
const QUOTE = code('"');
const COMMA = code(',');
const COLON = code(':');
const MINUS = code('-');
const SPACE = code(' ');
const BRACE = code('}');
const ZERO = code('0');
const BLANKS = [SPACE, code('\t'), code('\r'), code('\n')];

/** A text that is looked for, at least 4 bytes. Four are compared at once: a histogram is little else than literals. */
export class Literal {
  readonly length: number;
  readonly words: Uint32Array;
  /** The last 4 bytes, which may overlap those before. */
  readonly last: number;

  constructor(text: string) {
    const bytes = Buffer.from(text);
    this.length = bytes.length;
    this.words = Uint32Array.from({ length: bytes.length >> 2 }, (_, i) => bytes.readUInt32LE(4 * i));
    this.last = bytes.readUInt32LE(bytes.length - 4);
  }
}

/**
 * Reads a text from the left, without making strings or objects of its parts: of 100,000 numbers in a line of bpftrace
 * these would cost more than everything else together. Bytes are read in half of the time that characters take.
 * What is not as expected leaves `at` somewhere behind.
 */
export class Scanner {
  /** UTF-8. */
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  /** The next byte. */
  at: number;
  /** The last number, high * 2^32 + low: a double holds only 53 bits. */
  high = 0;
  low = 0;

  constructor(text: string, at: number) {
    const bytes = Buffer.from(text);
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.at = at;
  }

  /** True when that character comes next; it is passed. */
  is(character: number): boolean {
    if (this.#bytes[this.at] !== character) return false;
    this.at++;
    return true;
  }

  /** The same, with a space behind it, if there is one. */
  skip(character: number): boolean {
    if (!this.is(character)) return false;
    this.space();
    return true;
  }

  /** Passes a space, if there is one. */
  space(): void {
    if (this.#bytes[this.at] === SPACE) this.at++;
  }

  /** True when that text comes next; it is passed. */
  literal({ words, last, length }: Literal): boolean {
    const { at } = this;
    if (at + length > this.#view.byteLength) return false;
    for (let i = 0; i < words.length; i++) {
      if (this.#view.getUint32(at + 4 * i, true) !== words[i]) return false;
    }
    if (this.#view.getUint32(at + length - 4, true) !== last) return false;
    this.at += length;
    return true;
  }

  /** True when nothing but white space is left. */
  blank(): boolean {
    return this.#bytes.subarray(this.at).every(byte => BLANKS.includes(byte));
  }

  /** An unsigned number of at most 64 bits, as JSON writes it. */
  unsigned(): boolean {
    const from = this.at;
    let at = from;
    let value = 0;
    let digit = this.#digit(at);
    for (const end = from + EXACT_DIGITS; at < end && digit >= 0; digit = this.#digit(++at)) {
      value = value * 10 + digit;
    }
    this.high = Math.floor(value / HALF);
    this.low = value - this.high * HALF;
    if (digit >= 0) at = this.#rest(at, from + MOST_DIGITS);
    this.at = at;
    const isPadded = at - from > 1 && this.#digit(from) === 0;
    return at > from && !isPadded && this.high < HALF;
  }

  /** The same as text where it does not fit a double. */
  unsignedOrQuoted(): boolean {
    const quoted = this.is(QUOTE);
    return this.unsigned() && (!quoted || this.is(QUOTE));
  }

  /** A number of 64 bits that may have been printed with a sign; the halves are those of the same bits. */
  signed(): boolean {
    const negative = this.is(MINUS);
    if (!this.unsigned()) return false;
    if (!negative) return true;
    const borrow = this.low === 0 ? 0 : 1;
    this.low = (HALF - this.low) % HALF;
    this.high = (2 * HALF - this.high - borrow) % HALF;
    return true;
  }

  /** The last number; not exact from 2^53 on. */
  get value(): number {
    return this.high * HALF + this.low;
  }

  /** More digits of the same number. Where they end. */
  #rest(from: number, end: number): number {
    let at = from;
    let scale = 1;
    let value = 0;
    for (let digit = this.#digit(at); at < end && digit >= 0; digit = this.#digit(++at)) {
      scale *= 10;
      value = value * 10 + digit;
    }
    const low = this.low * scale + value;
    const carry = Math.floor(low / HALF);
    this.low = low - carry * HALF;
    this.high = this.high * scale + carry;
    return at;
  }

  /** The digit at a place, -1 when there is none. */
  #digit(at: number): number {
    const digit = (this.#bytes[at] ?? 0) - ZERO;
    return digit <= 9 ? digit : -1;
  }
}

const HEAD = /^\{"type": ?"(map|hist)", ?"data": ?\{"(@[a-z0-9_]{1,60})": ?\{/;

/** The first and only map in a line. */
export interface MapHead {
  readonly type: 'map' | 'hist';
  /** With the `@`. */
  readonly name: string;
  /** Where its first entry begins. */
  readonly at: number;
}

/** What a line that holds a map begins with; null when it begins otherwise. */
export function mapHead(text: string): MapHead | null {
  const [head, type, name] = HEAD.exec(text) ?? [];
  if (head === undefined || name === undefined) return null;
  return { type: type === 'map' ? 'map' : 'hist', name, at: head.length };
}

/** Reads an entry's part at the scanner; false when it is not acceptable. */
export type Part = (scan: Scanner) => boolean;

/** Reads the entries of a map, `"KEY": VALUE, …`, and the end of the line. False when it is anything else. */
export function scanEntries(text: string, { at }: MapHead, key: Part, value: Part): boolean {
  const scan = new Scanner(text, at);
  do {
    if (!scan.is(QUOTE) || !key(scan) || !scan.is(QUOTE) || !scan.skip(COLON) || !value(scan)) return false;
  } while (scan.skip(COMMA));
  return scan.is(BRACE) && scan.is(BRACE) && scan.is(BRACE) && scan.blank();
}
