import type { Frame, Window } from '../../core/traffic/frame.ts';
import type { ContainerInput } from '../contract.ts';
import type { Identified } from './identity.ts';

/** What detectors are told of each container, in the order of `identified`: one pass over the rows of the frame. */
export function inputsOf(frame: Frame, identified: readonly Identified[]): ContainerInput[] {
  const { start, durationMs } = frame;
  const windows = new Map<string, { send?: Window; receive?: Window }>();
  for (const window of frame.windows) {
    const both = windows.get(window.container) ?? {};
    both[window.direction] = window;
    windows.set(window.container, both);
  }
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
