import { isoTime } from '../../core/clock.ts';
import { formatDuration, formatSize, parseDuration } from '../../core/config/units.ts';
import { printable, UsageError } from '../../core/errors.ts';
import type { TimeZone } from '../../core/time-zone.ts';
import type { Rollup, TrafficSum } from '../../core/traffic/rollup.ts';
import { jsonText } from '../../review/report.ts';
import type { Store } from '../../store/contract.ts';
import { addCommand, addRange, type Register, setAction } from '../command.ts';
import { STORED } from '../config/needs.ts';
import type { CommonFlags, Context } from '../context.ts';
import { hintHost, note, readStore } from '../open-data.ts';
import { addSubjects, askedHosts, nameAmong, SubjectFilter, type SubjectFlags } from '../rules/subjects.ts';
import { writeRows } from '../screen/rows.ts';
import { shownName } from '../screen/shown-name.ts';
import { presentOf, rangeFlags } from '../times.ts';

interface TrafficFlags extends CommonFlags, SubjectFlags {
  readonly from: string;
  readonly to: string;
  readonly step: string;
  readonly json?: boolean;
}

export const registerTraffic: Register = (program, signal) => {
  const command = addCommand(
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
  const list = async (store: Store) => {
    const hosts = await askedHosts(store, flags.host, config.host);
    const line = flags.json
      ? trafficJson
      : (rollup: Rollup, sum: TrafficSum) =>
          trafficLine(rollup, { ...sum, container: nameAmong(hosts, rollup.host, sum.container) }, zone);
    const series = hosts.map(host => store.readSeries(host, range, stepMs));
    const any = await writeRows(out, trafficRows(series, filter, line), flags.json ? null : heading, signal);
    if (any !== false) return;
    const none = filter.noneText();
    if (none !== null) note(none);
    else if (flags.host === undefined) await hintHost(store, config.host);
  };
  return readStore(context, list, () => flags.json && out.write(jsonText([])));
}

async function* trafficRows(
  series: readonly AsyncIterable<Rollup>[],
  filter: SubjectFilter,
  line: (rollup: Rollup, sum: TrafficSum) => string,
): AsyncIterable<string> {
  for (const rollups of series) {
    for await (const rollup of rollups) {
      const { host } = rollup;
      const sums = rollup.traffic.filter(sum => filter.takes({ ...sum, host })).sort(byBytes);
      for (const sum of sums) yield line(rollup, sum);
    }
  }
}

/** Columns of `2026-01-31T22:00:00+01:00`. */
const TIME = 25;
const header = (zone: TimeZone): string =>
  `${`from (${zone.name})`.padEnd(TIME)}  container                             sent/s  received/s  watched for`;

/** One row of the table: rates over the time for which the container was watched, silence included. */
export function trafficLine({ start }: Rollup, sum: TrafficSum, zone: TimeZone): string {
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

/** For other programs: exact sums, sizes as [lower bound in bytes, messages]. Rates are bytes / watched_ms. */
export function trafficJson({ host, start }: Rollup, sum: TrafficSum): string {
  const { container, service, durationMs, frames, incomplete, send, receive } = sum;
  return JSON.stringify({
    ...{ time: isoTime(start), host, service, container },
    ...{ watched_ms: durationMs, frames, incomplete },
    sent: send,
    received: receive,
  });
}

const bytesOf = ({ send, receive }: TrafficSum): number => send.bytes + receive.bytes;
/** The busiest first. */
const byBytes = (a: TrafficSum, b: TrafficSum): number => bytesOf(b) - bytesOf(a);

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
