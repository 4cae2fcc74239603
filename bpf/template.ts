/**
 * Replace whole words of a probe's text by numbers: nothing but a non-negative integer can get into a program.
 * Throws a RangeError for any other value, and for a word that the text does not use.
 */
export function fill(template: string, values: Readonly<Record<string, number>>): string {
  let text = template;
  for (const [word, value] of Object.entries(values)) {
    if (!Number.isSafeInteger(value) || value < 0) {
      throw new RangeError(`${word}: expected a non-negative integer, found ${value}`);
    }
    const pattern = new RegExp(`\\b${word}\\b`, 'g');
    if (!pattern.test(text)) throw new RangeError(`the probe's text does not use ${word}`);
    text = text.replace(pattern, String(value));
  }
  return text;
}
