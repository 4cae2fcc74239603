/** Numbers are given in two halves of 32 bits. */
const HALF = 2 ** 32;
/** Digits that fit a small integer, and an exact double; 64 bits have at most 20. */
const SMALL_DIGITS = 9;
const EXACT_DIGITS = 15;
const MOST_DIGITS = 20;
/** Memory that is kept for the next text, bytes: a map of 10,000 containers takes half of it. */
const KEPT_BYTES = 8 * 1024 * 1024;
const ENCODER = new TextEncoder();

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
 * these would cost more than everything else together. Bytes are read in half of the time that characters take, and into
 * memory that was used before: that of a new line would cost as much as reading half of it.
 * After a failed read `at` is undefined.
 */
export class Scanner {
  /** UTF-8 of the text, and a 0, which nothing that is looked for has in it. */
  #bytes = new Uint8Array(0);
  #view = new DataView(this.#bytes.buffer);
  /** Where that 0 is. */
  #end = 0;
  /** The next byte. */
  at = 0;
  /** The last number, high * 2^32 + low: a double holds only 53 bits. */
  high = 0;
  low = 0;

  /** Bytes of the text. */
  get length(): number {
    return this.#end;
  }

  /** Read this text from now on, from this byte on. */
  load(text: string, at: number): this {
    // Most are ASCII; three bytes are the most that a character of UTF-16 takes.
    if (!this.#encode(text, text.length)) this.#encode(text, 3 * text.length);
    this.at = at;
    return this;
  }

  /** False when the text takes more bytes than that. */
  #encode(text: string, length: number): boolean {
    const room = length + 1;
    const { length: had } = this.#bytes;
    if (had < room || (had > KEPT_BYTES && room <= KEPT_BYTES)) {
      this.#bytes = new Uint8Array(room <= KEPT_BYTES ? Math.min(2 * room, KEPT_BYTES) : room);
      this.#view = new DataView(this.#bytes.buffer);
    }
    const { read, written } = ENCODER.encodeInto(text, this.#bytes.subarray(0, -1));
    this.#bytes[written] = 0;
    this.#end = written;
    return read === text.length;
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
    if (at + length > this.#end) return false;
    for (let i = 0; i < words.length; i++) {
      if (this.#view.getUint32(at + 4 * i, true) !== words[i]) return false;
    }
    if (this.#view.getUint32(at + length - 4, true) !== last) return false;
    this.at += length;
    return true;
  }

  /** True when nothing but white space is left. */
  blank(): boolean {
    return this.#bytes.subarray(this.at, this.#end).every(byte => BLANKS.includes(byte));
  }

  /** An unsigned number of at most 64 bits, as JSON writes it. */
  unsigned(): boolean {
    const bytes = this.#bytes;
    const from = this.at;
    let at = from;
    let small = 0;
    let digit = digitOf(bytes[at]);
    for (const end = from + SMALL_DIGITS; at < end && digit <= 9; digit = digitOf(bytes[++at])) {
      small = small * 10 + digit;
    }
    this.high = 0;
    this.low = small;
    if (digit <= 9) at = this.#rest(at, from);
    this.at = at;
    const isPadded = at - from > 1 && bytes[from] === ZERO;
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

  /** More digits of a number that began there. Where they end. */
  #rest(more: number, from: number): number {
    const bytes = this.#bytes;
    let at = more;
    let value = this.low;
    let digit = digitOf(bytes[at]);
    for (const end = from + EXACT_DIGITS; at < end && digit <= 9; digit = digitOf(bytes[++at])) {
      value = value * 10 + digit;
    }
    this.high = Math.floor(value / HALF);
    this.low = value - this.high * HALF;
    let scale = 1;
    let rest = 0;
    for (const end = from + MOST_DIGITS; at < end && digit <= 9; digit = digitOf(bytes[++at])) {
      scale *= 10;
      rest = rest * 10 + digit;
    }
    if (scale === 1) return at;
    const low = this.low * scale + rest;
    const carry = Math.floor(low / HALF);
    this.low = low - carry * HALF;
    this.high = this.high * scale + carry;
    return at;
  }
}

/** What a byte stands for; more than 9 when it is no digit. */
const digitOf = (byte = 0): number => byte ^ ZERO;

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

/** Reads the key or value of an entry at the scanner; false when it is not valid. */
export type EntryReader = (scan: Scanner) => boolean;

/** Reads the entries of a map at the scanner, `"KEY": VALUE, …`, and the end of the line. False when it is anything else. */
export function scanEntries(scan: Scanner, key: EntryReader, value: EntryReader): boolean {
  do {
    if (!scan.is(QUOTE) || !key(scan) || !scan.is(QUOTE) || !scan.skip(COLON) || !value(scan)) return false;
  } while (scan.skip(COMMA));
  return scan.is(BRACE) && scan.is(BRACE) && scan.is(BRACE) && scan.blank();
}
