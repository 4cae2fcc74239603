import { refuseUnlessRoot } from '../../app/capture-ready.ts';
import { divideRights } from '../../app/rights.ts';
import { type LiveConnection, watchConnections } from '../../collector/capture/live-connections.ts';
import { isoTime } from '../../core/clock.ts';
import { globMatcher } from '../../core/config/options.ts';
import { printable, UsageError } from '../../core/errors.ts';
import type { TimeZone } from '../../core/time-zone.ts';
import type { ConnectionKind, ConnectionRow } from '../../core/traffic/connection.ts';
import type { Frame } from '../../core/traffic/frame.ts';
import { jsonText } from '../../review/report.ts';
import type { Store } from '../../store/contract.ts';
import { addCommand, addUser, interrupted, type Register, setCaptureAction } from '../command.ts';
import { STORED } from '../config/needs.ts';
import type { CommonFlags, Context } from '../context.ts';
import { hintHost, note, readStore } from '../open-data.ts';
import { addSubjects, askedHosts, nameAmong, SubjectFilter, type SubjectFlags } from '../rules/subjects.ts';
import { writeRows } from '../screen/rows.ts';
import { shownName } from '../screen/shown-name.ts';
import { presentOf, rangeFlags } from '../times.ts';

interface ConnectionFlags extends CommonFlags, SubjectFlags {
  /** Absent: live. */
  readonly from?: string;
  readonly to?: string;
  readonly json?: boolean;
}

export const registerConnections: Register = (program, signal) => {
  const command = addCommand(
    program,
    'connections',
    'show every TCP connection as it is opened, accepted or refused: who, from where, to where',
  );
  addSubjects(addUser(command), 'with --from: of these hosts instead of this one')
    .option(
      '--from <time>',
      'list stored ones instead, from: a duration ago such as 12h, or ISO 8601 such as 2026-01-31T22:00',
    )
    .option('--to <time>', 'with --from, the end, the same (default: now)')
    .option('--json', 'machine-readable; live ones, which have no end, are one object a line');
  setCaptureAction(command, signal, connections, { needs: [...STORED, 'capture', 'collector'] });
};

/** Live, or with --from those stored. */
async function connections(context: Context, flags: ConnectionFlags): Promise<number> {
  if (flags.from !== undefined)
    return Promise.race([list(context, { ...flags, from: flags.from }), interrupted(context.signal)]);
  refuseRange(flags);
  await watch(context, flags);
  return 0;
}

/** An end or another host means stored connections: showing live ones would be the wrong answer. */
function refuseRange(flags: ConnectionFlags): void {
  const given = (['to', 'host', 'service'] as const).find(name => flags[name] !== undefined);
  if (given === undefined) return;
  throw new UsageError({
    place: '',
    found: `--${given} requires --from`,
    remedy: 'Add a start, such as --from 1h.',
  });
}

async function watch(context: Context, { json, container }: ConnectionFlags): Promise<void> {
  const { config, clock, log, signal, out, zone } = context;
  refuseUnlessRoot();
  const isWanted = globMatcher(container ?? '*');
  const { tracer, close } = await divideRights(context);
  try {
    await watchConnections({
      config: config.capture,
      tracer,
      clock,
      log,
      signal,
      onReady: () => json || out.write(`${liveHeader(zone)}\n`),
      onConnection: connection => {
        if (!isWanted(connection.container)) return;
        const shown = shownLive(config.host, connection);
        out.write(`${json ? jsonLine(shown) : liveLine(shown, zone)}\n`);
      },
    });
  } finally {
    await close();
  }
}

async function list(context: Context, flags: ConnectionFlags & { readonly from: string }): Promise<number> {
  const { config, signal, out, zone } = context;
  const range = rangeFlags({ from: flags.from, to: flags.to ?? '0s' }, presentOf(context));
  const filter = new SubjectFilter(flags);
  const heading = { header: storedHeader(zone), none: 'No connections are stored for this host and range.' };
  const show = async (store: Store) => {
    const hosts = await askedHosts(store, flags.host, config.host);
    const line = flags.json
      ? jsonLine
      : (shown: Shown) =>
          storedLine({ ...shown, container: nameAmong(hosts, shown.host, shown.container) }, zone);
    const frames = hosts.map(host => store.readFrames(host, range));
    const any = await writeRows(out, storedRows(frames, filter, line), flags.json ? null : heading, signal);
    if (any !== false) return;
    const none = filter.noneText();
    if (none !== null) note(none);
    else if (flags.host === undefined) await hintHost(store, config.host);
  };
  return readStore(context, show, () => flags.json && out.write(jsonText([])));
}

async function* storedRows(
  hosts: readonly AsyncIterable<Frame>[],
  filter: SubjectFilter,
  line: (shown: Shown) => string,
): AsyncIterable<string> {
  for (const frames of hosts) {
    for await (const { host, start, containers, connections } of frames) {
      const services = new Map(containers.map(({ name, service }) => [name, service]));
      for (const row of connections) {
        const { container } = row;
        if (filter.takes({ host, service: services.get(container) ?? '', container }))
          yield line(shownStored(host, start, row));
      }
    }
  }
}

/** Over the first column stands the zone of its times. */
const liveHeader = (zone: TimeZone): string =>
  `${`time (${zone.name})`.padEnd(CLOCK)}  container                        what      from -> to`;
const storedHeader = (zone: TimeZone): string =>
  `${`interval (${zone.name})`.padEnd(INTERVAL)}  container                        what         count  from -> to`;
/** Columns of `22:00:00.000+01:00` and `2026-01-31T22:00:00+01:00`. */
const CLOCK = 18;
const INTERVAL = 25;

/** Null where it is not known. */
interface End {
  readonly address: string | null;
  readonly port: number | null;
}

/** Connections between the same ends: the client opened them, or failed to. */
export interface Shown {
  /** When, or when the interval began; epoch ms. */
  readonly time: number;
  readonly host: string;
  readonly container: string;
  readonly kind: ConnectionKind;
  readonly count: number;
  /** Its port is that of one of them. */
  readonly client: End;
  readonly server: End;
}

/** One connection as it happened. */
export function shownLive(host: string, connection: LiveConnection): Shown {
  const { time, container, kind, own, ownPort, peer, peerPort } = connection;
  const [port, clientPort] = kind === 'accepted' ? [ownPort, peerPort] : [peerPort, ownPort];
  return shownStored(host, time, { container, kind, own, peer, port, clientPort, count: 1 });
}

/** A row of a frame; `time`: start of its interval, epoch ms. */
export function shownStored(host: string, time: number, row: ConnectionRow): Shown {
  const { container, kind, own, peer, port, clientPort, count } = row;
  const [client, server] = kind === 'accepted' ? [peer, own] : [own, peer];
  const ends = { client: endOf(client, clientPort), server: endOf(server, port) };
  return { time, host, container, kind, count, ...ends };
}

const endOf = (address: string, port: number): End => ({
  address: address === '' || address === '?' ? null : address,
  port: port === 0 ? null : port,
});

/** For other programs, live and stored: an object in one line, its time in ISO 8601, UTC. */
export function jsonLine({ time, host, container, kind, count, client, server }: Shown): string {
  return JSON.stringify({
    ...{ time: isoTime(time), host, container, kind, count },
    ...{ source: client.address, source_port: client.port },
    ...{ destination: server.address, destination_port: server.port },
  });
}

/** One row of the live table. */
export function liveLine({ time, container, kind, client, server }: Shown, zone: TimeZone): string {
  const clock = zone.clockMs(time).padEnd(CLOCK);
  return `${clock}  ${nameCell(container)} ${kind.padEnd(9)} ${endText(client)} -> ${endText(server)}`;
}

/** One row of the table of stored connections. */
export function storedLine({ time, container, kind, count, client, server }: Shown, zone: TimeZone): string {
  const isFolded = client.address === null && server.address === null;
  const one = client.port !== null && count > 1 ? ` (one of ${count})` : '';
  const way = isFolded ? 'several' : `${endText(client)}${one} -> ${endText(server)}`;
  const interval = zone.seconds(time).padEnd(INTERVAL);
  return `${interval}  ${nameCell(container)} ${kind.padEnd(9)} ${String(count).padStart(8)}  ${way}`;
}

const nameCell = (name: string): string => shownName(name, 32).padEnd(32);

function endText({ address, port }: End): string {
  const text = printable(address ?? '?');
  const host = text.includes(':') ? `[${text}]` : text;
  return port === null ? host : `${host}:${port}`;
}
