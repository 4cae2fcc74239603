/** Where a line has several of them, the first one of these separates: decimals may have a comma. */
const SEPARATORS = ['\t', ';', ','] as const;
export type Separator = (typeof SEPARATORS)[number];

/** What separates the fields of a file whose first line this is. */
export const separatorOf = (line: string): Separator =>
  SEPARATORS.find(separator => line.includes(separator)) ?? ',';

/** Fields of a line of CSV (RFC 4180, without line breaks in quotes), trimmed; null when its quotes do not match. */
export function fieldsOf(line: string, separator: Separator): string[] | null {
  if (!line.includes('"')) return line.split(separator).map(field => field.trim());
  const fields: string[] = [];
  let rest = line;
  for (;;) {
    const quoted = /^\s*"((?:[^"]|"")*)"\s*/.exec(rest);
    const end = quoted ? quoted[0].length : rest.indexOf(separator);
    const text = quoted ? (quoted[1] as string).replaceAll('""', '"') : end < 0 ? rest : rest.slice(0, end);
    if (!quoted && text.includes('"')) return null;
    fields.push(text.trim());
    if (end < 0 || end === rest.length) return fields;
    if (rest[end] !== separator) return null;
    rest = rest.slice(end + 1);
  }
}

/** A field as it has to be written, so that `fieldsOf` reads it again. */
export const fieldText = (text: string): string =>
  /[",;\t]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
