/**
 * Checks over several entries or groups. They are made whatever else is wrong, so that all mistakes are told at once: what
 * they are given may be anything where it was refused.
 */

/** For `superRefine`: also where entries or keys were refused. */
export const WHATEVER_ELSE = { when: () => true } as const;

/** A kind of receiver, and the key of `alert` that has to be true before it may be used. */
interface ReceiverKind {
  readonly name: string;
  readonly permission?: string;
}

/** A contradiction, in the form of an issue of the schema. */
interface Conflict {
  readonly path: (string | number)[];
  readonly message: string;
  readonly found: string;
}

/** Places in a list of entries whose text under a key an earlier one has. */
export function takenAgain(list: unknown, key: string): number[] {
  const texts = entriesOf(list).map(entry => textAt(entry, key));
  return texts.flatMap((text, i) => (text !== null && texts.indexOf(text) !== i ? [i] : []));
}

/** Receivers that `alert` does not permit. */
export const forbiddenReceivers = (settings: unknown, kinds: readonly ReceiverKind[]): Conflict[] =>
  entriesOf(at(settings, 'receivers')).flatMap((receiver, i) => {
    const use = textAt(receiver, 'use');
    const permission = kinds.find(({ name }) => name === use)?.permission;
    if (use === null || permission === undefined) return [];
    if (at(at(settings, 'alert'), permission) === true) return [];
    const message = `a kind that needs no permission, or \`alert.${permission}: true\``;
    return [{ path: ['receivers', i, 'use'], message, found: use }];
  });

/** Receivers that routes name and nobody has configured. */
export function unknownReceivers(settings: unknown): Conflict[] {
  const receivers = at(settings, 'receivers');
  // Something else than a list: that is said, and whom it was meant to hold is not known.
  if (!Array.isArray(receivers)) return [];
  const known = [...new Set(receivers.flatMap(receiver => textAt(receiver, 'name') ?? []))];
  const message = `the name of a receiver: ${known.join(', ') || 'none is configured'}`;
  return entriesOf(at(at(settings, 'alert'), 'routes')).flatMap((route, i) =>
    entriesOf(at(route, 'receivers')).flatMap((name, j) =>
      typeof name !== 'string' || known.includes(name)
        ? []
        : [{ path: ['alert', 'routes', i, 'receivers', j], message, found: name }],
    ),
  );
}

const at = (group: unknown, key: string): unknown => Reflect.get(Object(group), key);
const entriesOf = (list: unknown): readonly unknown[] => (Array.isArray(list) ? list : []);

function textAt(entry: unknown, key: string): string | null {
  const text = at(entry, key);
  return typeof text === 'string' ? text : null;
}
