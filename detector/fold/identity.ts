import type { Container, Frame } from '../../core/traffic/frame.ts';
import type { Holder, Subject, Subjects } from '../contract.ts';
import { subjectOf } from './subjects.ts';

/**
 * Whose memory a container goes on with. A replica that has a number (Compose) is known by it, whatever its container
 * is called. Others are known by their service and a slot: a container keeps its slot while it lives and finds it again
 * when it comes back; a new one takes the lowest slot that nobody holds. So the container that a timer starts under a
 * new name each minute knows what those before it have learned, and as many memories are kept as there were containers
 * at once.
 */

/** A container that lived for less than this was short-lived, ms. */
const BRIEF_MS = 3_600_000;
/** After so many short-lived ones in a row, incidents are the service's: a name that is gone in a minute tells nobody anything. */
const SERIES = 3;

/** A container of a frame, the key of its memory, and the memory. */
export interface Identified {
  readonly container: Container;
  readonly key: string;
  readonly subject: Subject;
}

/** These containers of the frame, in its order: everyone, or all of some services. */
export function identify(
  frame: Frame,
  subjects: Subjects,
  containers: readonly Container[] = frame.containers,
): Identified[] {
  const keys = keysOf(containers, subjects, frame.start);
  const started = new Set(frame.started);
  return containers.map(container => {
    const { name } = container;
    const key = keys.get(name) ?? replicaKey(container);
    const last = subjects.byKey[key]?.seen ?? frame.start;
    const subject = subjectOf(subjects, key, frame.start);
    const born = started.has(name) ? frame.start : null;
    if (subject.holder?.name !== name)
      subject.holder = successor(subject.holder, last, name, frame.start, born);
    else if (born !== null) subject.holder.startedAt = born;
    return { container, key, subject };
  });
}

/** One of many short-lived containers of its service, each with a name of its own. */
export const isOneOfMany = ({ holder }: Subject, now: number): boolean =>
  holder !== undefined && holder.brief >= SERIES && now - holder.since < BRIEF_MS;

const replicaKey = ({ service, replica }: Container): string => JSON.stringify(['replica', service, replica]);

/** A container that nothing but its service connects with those before it. */
const isNumberless = ({ kind, name, service, replica }: Container): boolean =>
  kind === 'container' && replica === name && service !== name;

/** Keys of memories by the names of the containers. */
function keysOf(everyone: readonly Container[], subjects: Subjects, start: number): Map<string, string> {
  const keys = new Map<string, string>();
  const sharing = Map.groupBy(everyone, container =>
    isNumberless(container) ? JSON.stringify(['slots', container.service]) : replicaKey(container),
  );
  for (const [key, containers] of sharing) {
    const [first] = containers;
    if (first === undefined) continue;
    if (isNumberless(first)) {
      assignSlots(subjects, key, ['replica', first.service], containers, start, keys);
      continue;
    }
    // Two of one number at once (a redeploy, a one-off command): who has the memory keeps it while he lives.
    const holder = subjects.byKey[key]?.holder?.name;
    const owner = containers.find(({ name }) => name === holder) ?? first;
    keys.set(owner.name, key);
    const others = containers.filter(one => one !== owner);
    if (others.length === 0) continue;
    const { service, replica } = first;
    const slots = JSON.stringify(['slots', service, replica]);
    assignSlots(subjects, slots, ['replica', service, replica], others, start, keys);
  }
  return keys;
}

/** Give each container its slot of the list under `listKey`: `prefix` and the slot's number are the key of its memory. */
function assignSlots(
  subjects: Subjects,
  listKey: string,
  prefix: readonly string[],
  containers: readonly Container[],
  start: number,
  keys: Map<string, string>,
): void {
  const list = subjectOf(subjects, listKey, start);
  list.slots ??= [];
  const { slots } = list;
  const alive = new Set(containers.map(({ name }) => name));
  const keyOf = (slot: number) => JSON.stringify([...prefix, slot]);
  const held = new Map(slots.map((name, slot) => [name, slot]));
  let free = 0;
  for (const { name } of containers) {
    let slot = held.get(name);
    if (slot === undefined) {
      while (free < slots.length && alive.has(slots[free] ?? '')) free++;
      slot = free;
      slots[slot] = name;
    }
    keys.set(name, keyOf(slot));
  }
  // A list is as long as what is remembered: slots at its end whose memory was forgotten are gone.
  while (slots.length > 0 && !alive.has(slots.at(-1) ?? '') && !subjects.byKey[keyOf(slots.length - 1)])
    slots.pop();
}

/** The holder after one that was last seen at `last`. */
function successor(
  before: Holder | undefined,
  last: number,
  name: string,
  since: number,
  startedAt: number | null,
): Holder {
  const brief = before && last - before.since < BRIEF_MS ? before.brief + 1 : 0;
  return { name, since, startedAt, brief };
}
