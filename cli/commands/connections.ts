import { refuseUnlessRoot } from '../../app/capture-ready.ts';
import { divideRights } from '../../app/rights.ts';
import { type LiveConnection, watchConnections } from '../../collector/capture/live-connections.ts';
import { globMatcher } from '../../core/config/options.ts';
import { printable, UsageError } from '../../core/errors.ts';
import type { TimeZone } from '../../core/time-zone.ts';
import {
  connectionJson,
  type ShownConnection,
  shownConnection,
} from '../../http/api/resources/connections.ts';
import { jsonText } from '../../review/report.ts';
import { addUser, interrupted, type Register, setCaptureAction } from '../command.ts';
import { STORED } from '../config/needs.ts';
import type { CommonFlags, Context } from '../context.ts';
import { hintHost, note } from '../open-data.ts';
import { addSubjects, askedHosts, nameAmong, SubjectFilter, type SubjectFlags } from '../rules/subjects.ts';
import { writeRows } from '../screen/rows.ts';
import { shownName } from '../screen/shown-name.ts';
import type { SharedTraffic } from '../shared/contract.ts';
import { addSharedCommand, readSharedTraffic } from '../shared/open.ts';
import { presentOf, rangeFlags } from '../times.ts';

interface ConnectionFlags extends CommonFlags, SubjectFlags {
  /** Absent: live. */
  readonly from?: string;
  readonly to?: string;
  readonly json?: boolean;
}

export const registerConnections: Register = (program, signal) => {
  const command = addSharedCommand(
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
  const given = (['to', 'host', 'service', 'server'] as const).find(name => flags[name] !== undefined);
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
        out.write(`${json ? JSON.stringify(connectionJson(shown)) : liveLine(shown, zone)}\n`);
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
  const show = async (traffic: SharedTraffic) => {
    const hosts = await askedHosts(traffic, flags.host, config.host);
    const line = flags.json
      ? (shown: ShownConnection) => JSON.stringify(connectionJson(shown))
      : (shown: ShownConnection) =>
          storedLine({ ...shown, container: nameAmong(hosts, shown.host, shown.container) }, zone);
    const rows = hosts.map(host => traffic.connections(host, range));
    const any = await writeRows(out, storedRows(rows, filter, line), flags.json ? null : heading, signal);
    if (any !== false) return;
    const none = filter.noneText();
    if (none !== null) note(none);
    else if (flags.host === undefined) await hintHost(traffic, config.host);
  };
  return readSharedTraffic(context, show, () => flags.json && out.write(jsonText([])));
}

async function* storedRows(
  hosts: readonly AsyncIterable<ShownConnection>[],
  filter: SubjectFilter,
  line: (shown: ShownConnection) => string,
): AsyncIterable<string> {
  for (const rows of hosts) {
    for await (const shown of rows)
      if (filter.takes({ ...shown, service: shown.service ?? '' })) yield line(shown);
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

/** One connection as it happened. */
export function shownLive(host: string, connection: LiveConnection): ShownConnection {
  const { time, container, kind, own, ownPort, peer, peerPort } = connection;
  const [port, clientPort] = kind === 'accepted' ? [ownPort, peerPort] : [peerPort, ownPort];
  return shownConnection(host, time, null, { container, kind, own, peer, port, clientPort, count: 1 });
}

/** One row of the live table. */
export function liveLine(
  { start, container, kind, client, server }: ShownConnection,
  zone: TimeZone,
): string {
  const clock = zone.clockMs(start).padEnd(CLOCK);
  return `${clock}  ${nameCell(container)} ${kind.padEnd(9)} ${endText(client)} -> ${endText(server)}`;
}

/** One row of the table of stored connections. */
export function storedLine(
  { start, container, kind, count, client, server }: ShownConnection,
  zone: TimeZone,
): string {
  const isFolded = client.address === null && server.address === null;
  const one = client.port !== null && count > 1 ? ` (one of ${count})` : '';
  const way = isFolded ? 'several' : `${endText(client)}${one} -> ${endText(server)}`;
  const interval = zone.seconds(start).padEnd(INTERVAL);
  return `${interval}  ${nameCell(container)} ${kind.padEnd(9)} ${String(count).padStart(8)}  ${way}`;
}

const nameCell = (name: string): string => shownName(name, 32).padEnd(32);

function endText({ address, port }: ShownConnection['client']): string {
  const text = printable(address ?? '?');
  const host = text.includes(':') ? `[${text}]` : text;
  return port === null ? host : `${host}:${port}`;
}
