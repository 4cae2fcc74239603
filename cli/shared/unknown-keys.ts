import { z } from 'zod';

/**
 * What `parse` makes of JSON that another version may have written: keys that this one does not know are left out. Throws
 * what `parse` throws of all else. (What others send to us is refused for such a key: it may be a mistake. Of an answer
 * it only says that the other side is newer.)
 */
export function parseKnown<T>(parse: (json: unknown) => T, json: unknown): T {
  try {
    return parse(json);
  } catch (error) {
    const known = structuredClone(json);
    // What is inside of the keys that were unknown is gone with them; a second parser behind the first may find more.
    if (!removeUnknown(known, error)) throw error;
    return parseKnown(parse, known);
  }
}

/** Takes the keys away that the parser did not know; false: there was none. */
function removeUnknown(json: unknown, error: unknown): boolean {
  if (!(error instanceof z.ZodError)) return false;
  let isChanged = false;
  for (const issue of error.issues) {
    if (issue.code !== 'unrecognized_keys') continue;
    const group = issue.path.reduce<unknown>((at, key) => Object(at)[key], json);
    for (const key of issue.keys) {
      if (group === null || typeof group !== 'object' || !Object.hasOwn(group, key)) continue;
      isChanged = Reflect.deleteProperty(group, key) || isChanged;
    }
  }
  return isChanged;
}
