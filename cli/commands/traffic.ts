import { formatDuration, formatSize, parseDuration } from '../../core/config/units.ts';
import { printable, UsageError } from '../../core/errors.ts';
import type { TimeZone } from '../../core/time-zone.ts';
import { type TrafficRow, trafficJson } from '../../http/api/resources/traffic.ts';
import { jsonText } from '../../review/report.ts';
import { addRange, type Register, setAction } from '../command.ts';
import { STORED } from '../config/needs.ts';
import type { CommonFlags, Context } from '../context.ts';
import { hintHost, note } from '../open-data.ts';
import { addSubjects, askedHosts, nameAmong, SubjectFilter, type SubjectFlags } from '../rules/subjects.ts';
import { writeRows } from '../screen/rows.ts';
import { shownName } from '../screen/shown-name.ts';
import type { SharedTraffic } from '../shared/contract.ts';
import { addSharedCommand, readSharedTraffic } from '../shared/open.ts';
import { presentOf, rangeFlags } from '../times.ts';

interface TrafficFlags extends CommonFlags, SubjectFlags {
  readonly from: string;
  readonly to: string;
  readonly step: string;
  readonly json?: boolean;
}

export const registerTraffic: Register = (program, signal) => {
  const command = addSharedCommand(
    program,
    'traffic',
    'what each container sent and received over time, hour by hour, for as long as it is kept',
  );
  addSubjects(addRange(command, '24h', '30d'), 'of these hosts instead of this one')
    .option(
      '--step <duration>',
      'how much time is one row; whole hours and whole minutes are kept longest',
      '1h',
    )
    .option('--json', 'machine-readable, with exact sums and sizes');
  setAction(command, signal, traffic, { needs: STORED });
};

/** What each container sent and received over time, from the coarsest tier that has it. */
async function traffic(context: Context, flags: TrafficFlags): Promise<number> {
  const { config, signal, out, zone } = context;
  const range = rangeFlags(flags, presentOf(context));
  const stepMs = stepFlag(flags.step);
  const filter = new SubjectFilter(flags);
  const heading = { header: header(zone), none: 'No traffic is stored for this host, range and container.' };
  const list = async (traffic: SharedTraffic) => {
    const hosts = await askedHosts(traffic, flags.host, config.host);
    const line = flags.json
      ? (row: TrafficRow) => JSON.stringify(trafficJson(row))
      : ({ host, start, sum }: TrafficRow) =>
          trafficLine({ start, sum: { ...sum, container: nameAmong(hosts, host, sum.container) } }, zone);
    const series = hosts.map(host => traffic.traffic(host, range, stepMs));
    const any = await writeRows(out, trafficRows(series, filter, line), flags.json ? null : heading, signal);
    if (any !== false) return;
    const none = filter.noneText();
    if (none !== null) note(none);
    else if (flags.host === undefined) await hintHost(traffic, config.host);
  };
  return readSharedTraffic(context, list, () => flags.json && out.write(jsonText([])));
}

async function* trafficRows(
  series: readonly AsyncIterable<TrafficRow>[],
  filter: SubjectFilter,
  line: (row: TrafficRow) => string,
): AsyncIterable<string> {
  for (const rows of series)
    for await (const row of rows) if (filter.takes({ ...row.sum, host: row.host })) yield line(row);
}

/** Columns of `2026-01-31T22:00:00+01:00`. */
const TIME = 25;
const header = (zone: TimeZone): string =>
  `${`from (${zone.name})`.padEnd(TIME)}  container                             sent/s  received/s  watched for`;

/** One row of the table: rates over the time for which the container was watched, silence included. */
export function trafficLine({ start, sum }: Omit<TrafficRow, 'host'>, zone: TimeZone): string {
  const rate = ({ bytes }: { readonly bytes: number }): string =>
    formatSize(sum.durationMs > 0 ? (bytes * 1000) / sum.durationMs : 0);
  const name = shownName(sum.container, 32).padEnd(32);
  const doubt = sum.incomplete > 0 ? ', incomplete' : '';
  const watched = formatDuration(Math.ceil(sum.durationMs / 1000) * 1000);
  return (
    `${zone.seconds(start).padEnd(TIME)}  ${name}  ${rate(sum.send).padStart(9)}` +
    `  ${rate(sum.receive).padStart(10)}  ${watched}${doubt}`
  );
}

function stepFlag(text: string): number {
  const stepMs = parseDuration(text);
  if (stepMs !== null && Number.isSafeInteger(stepMs) && stepMs > 0) return stepMs;
  throw new UsageError({
    place: '--step',
    expected: 'a duration with a unit, such as 1h, 1m or 5s',
    found: printable(text),
    remedy: 'Correct the flag.',
  });
}
