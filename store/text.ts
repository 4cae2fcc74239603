/**
 * Names are untrusted text, and no database takes every text: InfluxDB loses empty tags, newlines and trailing
 * backslashes in tags; both turn halves of surrogate pairs into U+FFFD. What a database would not give back as it
 * went in is percent-encoded; everything else stays as it is, so that people read names as they know them.
 *
 * `%XX` stands for a code unit below 256, `%uXXXX` for any other (upper-case hex). A `%` is itself encoded only
 * where it could be mistaken for one of these, so that decoding is unambiguous.
 */
const ENCODED = /%(?:u([0-9A-F]{4})|([0-9A-F]{2}))/g;
const AMBIGUOUS = '%(?=u[0-9A-F]{4}|[0-9A-F]{2})';

/** Lone surrogates cannot be written as UTF-8. */
const UNSAFE_FIELD = new RegExp(`\\p{Cs}|${AMBIGUOUS}`, 'gu');
/** Tags also lose control characters and backslashes; a text of `%` alone stands for the empty one. */
const UNSAFE_TAG = new RegExp(`\\p{Cs}|\\p{Cc}|\\\\|${AMBIGUOUS}|^%$`, 'gu');

const EMPTY_TAG = '%';

/** Text for a column or a string field. */
export function encodeField(text: string): string {
  if (text.isWellFormed() && !text.includes('%')) return text;
  return text.replace(UNSAFE_FIELD, encodeUnit);
}

/** Text for a tag: never empty, without control characters and backslashes. */
export function encodeTag(text: string): string {
  return text === '' ? EMPTY_TAG : text.replace(UNSAFE_TAG, encodeUnit);
}

/** The text that `encodeField` was given. */
export function decodeField(encoded: string): string {
  if (!encoded.includes('%')) return encoded;
  return encoded.replace(ENCODED, (_, wide?: string, narrow?: string) =>
    String.fromCharCode(Number.parseInt(wide ?? narrow ?? '', 16)),
  );
}

/** The text that `encodeTag` was given. */
export function decodeTag(encoded: string): string {
  return encoded === EMPTY_TAG ? '' : decodeField(encoded);
}

function encodeUnit(unit: string): string {
  const code = unit.charCodeAt(0);
  const hex = code.toString(16).toUpperCase();
  return code < 256 ? `%${hex.padStart(2, '0')}` : `%u${hex.padStart(4, '0')}`;
}
