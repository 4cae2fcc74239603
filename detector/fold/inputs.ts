import type { Frame, Window } from '../../core/traffic/frame.ts';
import type { ContainerInput } from '../contract.ts';
import type { Identified } from './identity.ts';

/** What detectors are told of each container, in the order of `identified`: one pass over the rows of the frame. */
export function inputsOf(frame: Frame, identified: readonly Identified[]): ContainerInput[] {
  const { start, durationMs } = frame;
  const windows = windowsOf(frame);
  const flows = byContainer(frame.flows);
  const connections = byContainer(frame.connections);
  const ended = new Set(frame.ended);
  const neighbours = new Map(frame.containers.map(container => [container.name, container]));
  return identified.map(({ container, key, subject }) => {
    const { name } = container;
    const both = windows.get(name);
    return {
      start,
      durationMs,
      container,
      identity: key,
      startedAt: subject.holder?.startedAt ?? null,
      ended: ended.has(name),
      send: both?.send,
      receive: both?.receive,
      flows: flows.get(name) ?? NONE,
      connections: connections.get(name) ?? NONE,
      neighbours,
    };
  });
}

const NONE: readonly never[] = [];

/** A container's windows. */
interface Both {
  send: Window | undefined;
  receive: Window | undefined;
}

function windowsOf({ windows }: Frame): Map<string, Both> {
  const byName = new Map<string, Both>();
  let name: string | null = null;
  let both: Both = { send: undefined, receive: undefined };
  for (const window of windows) {
    // As below: the second of a container needs no look-up.
    if (window.container !== name) {
      name = window.container;
      both = byName.get(name) ?? { send: undefined, receive: undefined };
      byName.set(name, both);
    }
    both[window.direction] = window;
  }
  return byName;
}

/** The rows of each container, in their order. */
function byContainer<Row extends { readonly container: string }>(rows: readonly Row[]): Map<string, Row[]> {
  const apart = new Map<string, Row[]>();
  let name: string | null = null;
  let own: Row[] = [];
  for (const row of rows) {
    // They come container by container: most need no look-up.
    if (row.container !== name) {
      name = row.container;
      own = apart.get(name) ?? [];
      apart.set(name, own);
    }
    own.push(row);
  }
  return apart;
}
