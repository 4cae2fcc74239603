import { type Connection, watchConnections } from '../collector/connections.ts';
import { isoTime } from '../core/clock.ts';
import type { ConnectionRow } from '../core/connection.ts';
import { printable } from '../core/errors.ts';
import type { CommonFlags, Context } from './context.ts';
import { hasData } from './reading.ts';
import { refuseUnlessRoot } from './ready.ts';
import { divideRights } from './rights.ts';
import { rangeFlags } from './times.ts';
import { filesOf, makeStore } from './wire.ts';

interface ConnectionFlags extends CommonFlags {
  /** Absent: live. */
  readonly from?: string;
  readonly to: string;
  readonly host?: string;
}

/** `tidegauge connections`: every TCP connection as it is opened, accepted or refused; with --from, those stored. */
export async function connections(context: Context, flags: ConnectionFlags): Promise<number> {
  if (flags.from === undefined) await watch(context);
  else await list(context, { ...flags, from: flags.from });
  return 0;
}

async function watch(context: Context): Promise<void> {
  const { config, clock, log, signal, out } = context;
  refuseUnlessRoot();
  const { tracer, close } = await divideRights(context);
  try {
    await watchConnections({
      config: config.capture,
      tracer,
      clock,
      log,
      signal,
      onReady: () => out.write(`${HEADER}\n`),
      onConnection: connection => out.write(`${connectionLine(connection)}\n`),
    });
  } finally {
    await close();
  }
}

async function list(context: Context, flags: ConnectionFlags & { readonly from: string }): Promise<void> {
  const { config, clock, log, signal, out } = context;
  const range = rangeFlags(flags, clock.now());
  if (!hasData(context, filesOf(config).store)) return;
  const store = makeStore(config, log, { readOnly: true });
  try {
    await store.open();
    let isNone = true;
    for await (const frame of store.readFrames(flags.host ?? config.host, range)) {
      if (signal.aborted) return;
      for (const row of frame.connections) {
        out.write(`${isNone ? `${STORED_HEADER}\n` : ''}${storedLine(frame.start, row)}\n`);
        isNone = false;
      }
    }
    if (isNone) out.write('No connections are stored for this host and range.\n');
  } finally {
    await store.close();
  }
}

const HEADER = 'time (UTC)    container                        what      from -> to';
const STORED_HEADER = 'interval (UTC)        container                        what         count  from -> to';

/** One row of the table; from whom it was opened to whom. */
export function connectionLine(connection: Connection): string {
  const { time, kind, container, own, ownPort, peer, peerPort } = connection;
  const [ours, theirs] = [endOf(own, ownPort), endOf(peer, peerPort)];
  const way = kind === 'accepted' ? `${theirs} -> ${ours}` : `${ours} -> ${theirs}`;
  const clock = isoTime(time).slice(11, 23);
  return `${clock}  ${nameCell(container)} ${kind.padEnd(9)} ${way}`;
}

/** One row of the table of stored connections; `start`: of their interval, epoch ms. The client's port is not stored. */
export function storedLine(start: number, row: ConnectionRow): string {
  const { container, kind, own, peer, port, count } = row;
  const [client, server] = kind === 'accepted' ? [peer, own] : [own, peer];
  const isFolded = own === '' && peer === '';
  const way = isFolded ? 'several' : `${hostOf(client)} -> ${endOf(server, port)}`;
  const time = `${isoTime(start).slice(0, 19)}Z`;
  return `${time}  ${nameCell(container)} ${kind.padEnd(9)} ${String(count).padStart(8)}  ${way}`;
}

const nameCell = (name: string): string => printable(name, 32).padEnd(32);
const hostOf = (address: string): string => {
  const text = printable(address) || '?';
  return text.includes(':') ? `[${text}]` : text;
};
const endOf = (address: string, port: number): string => `${hostOf(address)}:${port}`;
