import { z } from 'zod';
import { compareText } from '../compare.ts';

export const CONNECTION_KINDS = ['opened', 'failed', 'accepted'] as const;
export type ConnectionKind = (typeof CONNECTION_KINDS)[number];

/**
 * TCP connections of one container in one frame between the same ends. Connections beyond the bounds of a frame are in
 * one row for each container and kind, without addresses and with ports 0: the counts always add up.
 */
export interface ConnectionRow {
  readonly container: string;
  /** `opened` and `failed` were made by the container, `accepted` were made by others. */
  readonly kind: ConnectionKind;
  /** The container's address, as text; empty where it is not known. */
  readonly own: string;
  /** The other end's address, as text; empty where it is not known. */
  readonly peer: string;
  /** The server's port. */
  readonly port: number;
  /**
   * The client's port of one of them, as a rule of the latest, to find it in other logs: that of the connection where
   * `count` is 1. 0: not known. One port, as a client may use any number of them in one frame.
   */
  readonly clientPort: number;
  /** How many, an integer > 0. */
  readonly count: number;
}

const port = z.int().min(0).max(65_535);

export const connectionSchema = z.strictObject({
  container: z.string(),
  kind: z.enum(CONNECTION_KINDS),
  own: z.string(),
  peer: z.string(),
  port,
  // Absent in frames of earlier versions.
  clientPort: port.default(0),
  count: z.int().positive(),
});

/** Identity of a row inside a frame, as text without ambiguity. */
export const connectionId = ({ container, kind, own, peer, port }: ConnectionRow): string =>
  JSON.stringify([container, kind, own, peer, port]);

/** Canonical order of connections in a frame. */
export function compareConnections(a: ConnectionRow, b: ConnectionRow): number {
  return (
    compareText(a.container, b.container) ||
    compareText(a.kind, b.kind) ||
    compareText(a.peer, b.peer) ||
    a.port - b.port ||
    compareText(a.own, b.own)
  );
}
