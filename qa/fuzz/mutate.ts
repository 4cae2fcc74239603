import type { Random } from '../../test/data/random.ts';

/** Texts that break parsers, databases, shells and pages: what an attacker would name a container. */
export const HOSTILE: readonly string[] = [
  ...['', ' ', '\0', '\n', '\r\n', '\\', '"', "'", '`', ',', '=', '%', '%00', '%u0000', '\u2028', '\ufeff'],
  ...[
    '\ud800',
    '\udfff',
    '🦀',
    'ü\u0301',
    '\u202e',
    '\x1b[2J',
    '--',
    '#',
    '&a',
    '*a',
    '<<: *a',
    '!!js/function x',
  ],
  ...['null', 'true', '{}', '[]', '[[', '}}', '{"a":', '__proto__', 'constructor', 'toString', 'then'],
  ...['-1', '-0', '1e999', '-1e999', '0.1', '1e-400', 'NaN', 'Infinity', '0x10', '1_000'],
  ...['9007199254740991', '9007199254740993', '18446744073709551615', '99999999999999999999999999'],
  `x,host=evil value=1i 1700000000000\nhost_frames,host=evil duration_ms=1i 1`,
  `x' OR host = 'y`,
  `"; DROP DATABASE tidegauge; --`,
  `<script>alert(1)</script>`,
  `"><img src=x onerror=alert(1)>`,
  `{{constructor.constructor('return 1')()}}`,
  'n'.repeat(300),
  '['.repeat(3000),
  '{"a":'.repeat(3000),
];

type Change<T> = (input: T, random: Random) => T;

/** Two places in a text, in order, most often near each other. */
function stretch(length: number, random: Random): [from: number, to: number] {
  const from = random.integer(0, length);
  const longest = random.next() < 0.8 ? 16 : length;
  return [from, Math.min(length, from + random.integer(1, longest))];
}

const replaced = (text: string, [from, to]: [number, number], by: string): string =>
  text.slice(0, from) + by + text.slice(to);

/** The first match of a pattern after a random place becomes something hostile. */
const replaceMatch =
  (pattern: RegExp): Change<string> =>
  (text, random) => {
    const from = random.integer(0, text.length);
    const match = pattern.exec(text.slice(from));
    if (!match) return text;
    const at = from + match.index;
    return replaced(text, [at, at + match[0].length], random.pick(HOSTILE));
  };

const TEXT_CHANGES: readonly Change<string>[] = [
  (text, random) => replaced(text, stretch(text.length, random), ''),
  (text, random) => text.slice(0, random.integer(0, text.length)),
  (text, random) => {
    const at = random.integer(0, text.length);
    return replaced(text, [at, at], random.pick(HOSTILE));
  },
  (text, random) => {
    const at = random.integer(0, text.length);
    return replaced(text, [at, at + 1], String.fromCharCode(random.integer(0, 127)));
  },
  (text, random) => {
    const [from, to] = stretch(text.length, random);
    const at = random.integer(0, text.length);
    return replaced(text, [at, at], text.slice(from, to));
  },
  replaceMatch(/-?\d+/),
  replaceMatch(/"[^"]{0,64}"/),
  replaceMatch(/[\w.-]+/),
  replaceMatch(/[[\]{}:,"=]/),
];

/** One change, or a few. */
export function mutateText(text: string, random: Random): string {
  return changed(text, TEXT_CHANGES, random);
}

const BYTE_CHANGES: readonly Change<Buffer>[] = [
  (bytes, random) => bytes.subarray(0, random.integer(0, bytes.length)),
  (bytes, random) => {
    if (bytes.length === 0) return bytes;
    const copy = Buffer.from(bytes);
    const at = random.integer(0, bytes.length - 1);
    copy[at] = (copy[at] ?? 0) ^ (1 << random.integer(0, 7));
    return copy;
  },
  (bytes, random) => {
    const [from, to] = stretch(bytes.length, random);
    return Buffer.from(bytes).fill(random.pick([0, 255, 32]), from, to);
  },
  (bytes, random) => {
    const [from, to] = stretch(bytes.length, random);
    return Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]);
  },
  (bytes, random) => {
    const at = random.integer(0, bytes.length);
    return Buffer.concat([bytes.subarray(0, at), Buffer.from(random.pick(HOSTILE)), bytes.subarray(at)]);
  },
  (bytes, random) => {
    const [from, to] = stretch(bytes.length, random);
    const at = random.integer(0, bytes.length);
    return Buffer.concat([bytes.subarray(0, at), bytes.subarray(from, to), bytes.subarray(at)]);
  },
];

/** One change, or a few. */
export function mutateBytes(bytes: Buffer, random: Random): Buffer {
  return changed(bytes, BYTE_CHANGES, random);
}

function changed<T>(input: T, changes: readonly Change<T>[], random: Random): T {
  let output = input;
  for (let left = random.next() < 0.6 ? 1 : random.integer(2, 4); left > 0; left--)
    output = random.pick(changes)(output, random);
  return output;
}

/** A list of lines of which some are mutated, lost, doubled or moved. */
export function mutateLines(lines: readonly string[], random: Random): string[] {
  const output = [...lines];
  for (let left = random.next() < 0.6 ? 1 : random.integer(2, 4); left > 0 && output.length > 0; left--) {
    const at = random.integer(0, output.length - 1);
    const line = output[at] ?? '';
    const what = random.next();
    if (what < 0.7) output[at] = mutateText(line, random);
    else if (what < 0.8) output.splice(at, 1);
    else if (what < 0.9) output.splice(at, 0, line);
    else output.splice(random.integer(0, output.length - 1), 0, ...output.splice(at, 1));
  }
  return output;
}
