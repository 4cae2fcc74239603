import { type Connection, watchConnections } from '../collector/connections.ts';
import { isoTime } from '../core/clock.ts';
import { printable } from '../core/errors.ts';
import type { CommonFlags, Context } from './context.ts';

/** `tidegauge connections`: every TCP connection as it is opened, accepted or refused, until Ctrl-C. */
export async function connections(context: Context, _flags: CommonFlags): Promise<number> {
  const { config, clock, log, signal, out } = context;
  await watchConnections({
    config: config.capture,
    clock,
    log,
    signal,
    onReady: () => out.write(`${HEADER}\n`),
    onConnection: connection => out.write(`${connectionLine(connection)}\n`),
  });
  return 0;
}

const HEADER = 'time (UTC)    container                        what      from -> to';

/** One row of the table; from whom it was opened to whom. */
export function connectionLine(connection: Connection): string {
  const { time, kind, container, own, ownPort, peer, peerPort } = connection;
  const [ours, theirs] = [endOf(own, ownPort), endOf(peer, peerPort)];
  const way = kind === 'accepted' ? `${theirs} -> ${ours}` : `${ours} -> ${theirs}`;
  const clock = isoTime(time).slice(11, 23);
  return `${clock}  ${printable(container, 32).padEnd(32)} ${kind.padEnd(9)} ${way}`;
}

const endOf = (address: string, port: number): string =>
  `${address.includes(':') ? `[${address}]` : address}:${port}`;
