import { CAPS } from '../../core/caps.ts';
import { compareConnections } from '../../core/traffic/connection.ts';
import { compareFlows, type FlowKey } from '../../core/traffic/flow.ts';
import {
  type Container,
  compareText,
  compareWindows,
  DIRECTIONS,
  type Frame,
  type Window,
} from '../../core/traffic/frame.ts';
import { BUCKETS, type Sizes } from '../../core/traffic/histogram.ts';
import type { FlowTotal } from '../../core/traffic/service-map.ts';
import { exchangeOf } from '../flow.ts';
import type { FrameHead } from '../page.ts';
import { connectionOf, containerOf, flowOf } from '../records.ts';
import { integer, peerKindOf, protocolOf, type Row, roleOf, text } from '../row.ts';
import { decodeTag } from '../text.ts';

/** Bucket of each field. */
const BUCKET_OF = new Map(BUCKETS.map(bound => [`b${bound}`, bound]));

/**
 * A frame from its head and all its rows of `container_traffic`, `container_flows` and `container_connections`, or null
 * when rows are missing or too many: deleted or overwritten in part. Such a frame is a gap, not a quiet one.
 */
export function frameOf(
  head: FrameHead,
  rows: readonly Row[],
  flowRows: readonly Row[],
  connectionRows: readonly Row[],
  known: Containers,
): Frame | null {
  const containers = new Map<string, Container>();
  const named = { started: new Set<string>(), ended: new Set<string>() };
  const windows: Window[] = [];
  for (const row of rows) {
    const container = known.of(row);
    containers.set(container.name, container);
    for (const column of ['started', 'ended'] as const) {
      if (integer(row, column) === 1) named[column].add(container.name);
    }
    const window = windowOf(row, container.name);
    if (window) windows.push(window);
  }
  if (containers.size !== head.containers || rows.length !== head.containers * DIRECTIONS.length) return null;
  if (flowRows.length !== head.flows || connectionRows.length !== head.connections) return null;
  return {
    ...head.frame,
    containers: [...containers.values()].sort((a, b) => compareText(a.name, b.name)),
    started: [...named.started].sort(compareText),
    ended: [...named.ended].sort(compareText),
    windows: windows.sort(compareWindows),
    flows: flowRows.map(row => flowOf(row, keyOf(row))).sort(compareFlows),
    connections: connectionRows.map(row => connectionOf(row, decodeTag)).sort(compareConnections),
  };
}

/** A row of sums of `container_flows`, grouped by its tags. */
export const totalOf = (row: Row): FlowTotal => ({
  service: decodeTag(text(row, 'service')),
  ...keyOf(row),
  ...exchangeOf(row),
});

function keyOf(row: Row): FlowKey {
  return {
    container: decodeTag(text(row, 'container')),
    protocol: protocolOf(row),
    role: roleOf(row),
    peerKind: peerKindOf(row),
    peer: decodeTag(text(row, 'peer')),
    // A tag, so it comes as text.
    port: Number(text(row, 'port')),
  };
}

/** The window of a row, or null for a silent direction, which is stored as zero. */
function windowOf(row: Row, container: string): Window | null {
  const messages = integer(row, 'messages');
  if (messages === 0) return null;
  const direction = DIRECTIONS.find(name => name === row.direction);
  if (!direction) throw new Error(`column direction: found ${row.direction}`);
  return { container, direction, messages, bytes: integer(row, 'bytes'), sizes: sizesOf(row) };
}

/** The histogram in the bucket fields of a row, which has few of the many that there are. */
export function sizesOf(row: Row): Sizes {
  const sizes: Sizes[number][] = [];
  for (const field in row) {
    const bound = BUCKET_OF.get(field);
    if (bound !== undefined) sizes.push([bound, integer(row, field)]);
  }
  return sizes.sort((a, b) => a[0] - b[0]);
}

/** What a row says of its container, besides its name. */
const NAMES = ['kind', 'service', 'replica', 'image', 'container_id', 'labels'] as const;

/**
 * Who rows of `container_traffic` are about: who is the same as in an earlier row is the same object, so that nobody has to
 * read or compare it again.
 */
export class Containers {
  /** By name, as the row has it. */
  readonly #known = new Map<unknown, { readonly row: Row; readonly container: Container }>();

  of(row: Row): Container {
    const known = this.#known.get(row.container);
    if (known && NAMES.every(name => known.row[name] === row[name])) return known.container;
    const container = containerOf(row, decodeTag);
    if (this.#known.size > CAPS.storeNames.limit) this.#known.clear();
    this.#known.set(row.container, { row, container });
    return container;
  }
}
