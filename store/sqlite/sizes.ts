import { bucketOf, type Sizes } from '../../core/traffic/histogram.ts';
import { SizePairs } from '../../core/traffic/window-numbers.ts';

const CODES = { comma: 44, open: 91, close: 93, zero: 48, nine: 57 } as const;

/**
 * Reads the columns of histograms, `[[bound,count],...]` as JSON.stringify writes it. A day of a hundred containers has
 * millions: this takes a third of what JSON.parse and a check of its result do, and makes hardly any garbage, because
 * equal pairs are one.
 */
export class SizesReader {
  readonly #pairs = new SizePairs();
  #text = '';
  #at = 0;

  /** Throws when the text is anything else than a histogram. */
  read(text: string): Sizes {
    if (text === '[]') return [];
    this.#text = text;
    this.#at = 0;
    const sizes: Sizes[number][] = [];
    this.#skip(CODES.open);
    let last = -1;
    do {
      const pair = this.#pair(last);
      sizes.push(pair);
      last = pair[0];
    } while (this.#goesOn());
    if (this.#at !== text.length) this.#fail();
    return sizes;
  }

  #pair(after: number): Sizes[number] {
    this.#skip(CODES.open);
    const bound = this.#integer();
    this.#skip(CODES.comma);
    const count = this.#integer();
    this.#skip(CODES.close);
    if (bound <= after || bucketOf(bound) !== bound || count === 0) this.#fail();
    return this.#pairs.of(bound, count);
  }

  #integer(): number {
    const first = this.#at;
    // No number of several digits begins with 0.
    if (this.#text.charCodeAt(first) === CODES.zero) {
      this.#at++;
      return 0;
    }
    let value = 0;
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      // NaN behind the end.
      if (!(code >= CODES.zero && code <= CODES.nine)) break;
      value = value * 10 + code - CODES.zero;
      this.#at++;
    }
    if (this.#at === first || !Number.isSafeInteger(value)) this.#fail();
    return value;
  }

  #skip(code: number): void {
    if (this.#text.charCodeAt(this.#at++) !== code) this.#fail();
  }

  /** Whether another pair follows. */
  #goesOn(): boolean {
    const code = this.#text.charCodeAt(this.#at++);
    if (code === CODES.comma) return true;
    if (code === CODES.close) return false;
    return this.#fail();
  }

  #fail(): never {
    throw new Error(`sizes: expected [[bound, count], ...], found ${this.#text.slice(0, 60)}`);
  }
}
