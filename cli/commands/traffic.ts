import { filesOf, makeStore } from '../../app/wire.ts';
import { isoTime } from '../../core/clock.ts';
import { globMatcher } from '../../core/config/options.ts';
import { formatDuration, formatSize, parseDuration } from '../../core/config/units.ts';
import { printable, TidegaugeError } from '../../core/errors.ts';
import type { Rollup, TrafficSum } from '../../core/traffic/rollup.ts';
import type { CommonFlags, Context } from '../context.ts';
import { hasData, hintHost } from '../open-read-only.ts';
import { rangeFlags } from '../times.ts';

interface TrafficFlags extends CommonFlags {
  readonly from: string;
  readonly to: string;
  readonly step: string;
  readonly container: string;
  readonly host?: string;
  readonly json?: boolean;
}

/** `tidegauge traffic`: what each container sent and received over time, from the coarsest tier that tells it. */
export async function traffic(context: Context, flags: TrafficFlags): Promise<number> {
  const { config, clock, log, signal, out } = context;
  const range = rangeFlags(flags, clock.now());
  const stepMs = stepFlag(flags.step);
  const isWanted = globMatcher(flags.container);
  if (!hasData(context, filesOf(config).store)) return 0;
  const store = makeStore(config, log, { readOnly: true });
  try {
    await store.open();
    const host = flags.host ?? config.host;
    let isNone = true;
    for await (const rollup of store.readSeries(host, range, stepMs)) {
      if (signal.aborted) return 0;
      const sums = rollup.traffic.filter(({ container }) => isWanted(container)).sort(byBytes);
      for (const sum of sums) {
        if (isNone && !flags.json) out.write(`${HEADER}\n`);
        out.write(`${flags.json ? trafficJson(rollup, sum) : trafficLine(rollup, sum)}\n`);
        isNone = false;
      }
    }
    if (isNone && !flags.json) out.write('No traffic is stored for this host, range and container.\n');
    if (isNone) await hintHost(store, host);
    return 0;
  } finally {
    await store.close();
  }
}

const HEADER = 'from (UTC)            container                             sent/s  received/s  watched for';

/** One row of the table: rates over the time for which the container was watched, silence included. */
export function trafficLine({ start }: Rollup, sum: TrafficSum): string {
  const rate = ({ bytes }: { readonly bytes: number }): string =>
    formatSize(sum.durationMs > 0 ? (bytes * 1000) / sum.durationMs : 0);
  const name = printable(sum.container, 32).padEnd(32);
  const doubt = sum.incomplete > 0 ? ', incomplete' : '';
  const watched = formatDuration(Math.ceil(sum.durationMs / 1000) * 1000);
  return (
    `${isoTime(start).slice(0, 19)}Z  ${name}  ${rate(sum.send).padStart(9)}` +
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
  throw new TidegaugeError(
    {
      place: '--step',
      expected: 'a duration with a unit, such as 1h, 1m or 5s',
      found: printable(text),
      remedy: 'Correct the flag.',
    },
    { exitCode: 2 },
  );
}
