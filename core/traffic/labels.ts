import { z } from 'zod';

/** Docker labels that are kept with a container, by key in ascending order; never empty. */
export type Labels = Readonly<Record<string, string>>;

/** Bounds, so that frames stay small: labels themselves have none. */
export const LABEL_CAPS = {
  /** Most keys that are kept. */
  keys: 16,
  /** Longest key. */
  key: 100,
  /** Longest value; what is beyond it is cut off. */
  value: 128,
} as const;

/** Docker's keys; none is a property that objects inherit under another meaning, as they are looked up by `Object.hasOwn`. */
export const isLabelKey = (text: string): boolean =>
  text.length <= LABEL_CAPS.key && /^[A-Za-z0-9][\w./-]*$/.test(text);

/** Labels in a frame from outside. */
export const labelsSchema = z
  .record(z.string().refine(isLabelKey, 'the key of a label'), z.string().max(LABEL_CAPS.value))
  .refine(labels => {
    const count = Object.keys(labels).length;
    return count > 0 && count <= LABEL_CAPS.keys;
  }, `1 to ${LABEL_CAPS.keys} labels`);

/** Those of these keys, which are sorted, that a container has; undefined: none. */
export function keptLabels(all: Labels, keys: readonly string[]): Labels | undefined {
  const kept = keys
    .filter(key => Object.hasOwn(all, key))
    .map(key => [key, (all[key] ?? '').slice(0, LABEL_CAPS.value)] as const);
  return kept.length === 0 ? undefined : Object.fromEntries(kept);
}
