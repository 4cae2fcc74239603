import { CALIBRATION, strictnessOf } from '../../detector/dynamic/sensitivity.ts';
import type { Total } from './fleet-run.ts';
import { AGES } from './measure.ts';
import { type Settings, table } from './section.ts';
import { fleet, KINDS, type Kind } from './simulator/fleet.ts';
import { INCIDENTS, LARGER, MAGNITUDES, SMALLER } from './simulator/incidents.ts';
import { Random } from './simulator/random.ts';
import { FRAME_S } from './simulator/sources.ts';
import { median, poissonInterval, shareInterval } from './statistics.ts';

/** Seeds whose results were looked at while constants were chosen. */
const TUNED_ON = [1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 101];

/** What the default rules are compared with, on fewer days. */
export interface Comparison {
  readonly days: number;
  readonly seeds: readonly number[];
  /** The default and others on whole fleets. */
  readonly fleets: readonly Total[];
  /** The default, its detectors alone, and without one view each, on one service of each kind. */
  readonly parts: readonly Total[];
  /** The default on the same services: with incidents that are smaller, as large, and larger. */
  readonly sized: readonly Total[];
}

/** The section of docs/quality.md about simulated containers. */
export function simulatedPage(settings: Settings, best: Total, others: Comparison | null): string {
  const containerDays = Math.round(best.weeks.reduce((a, b) => a + b, 0) * 7);
  return `## Simulated containers

Fleets of 47 containers of 13 kinds, frames of ${FRAME_S} s, all drawn from a seed (\`qa/quality/simulator/\`): web services of three
replicas, databases with hourly jobs and nightly backups, caches, cron jobs, batch, workers, scrapers, streams and
idle ones, with days and weekends, surges, stalls, deploys and frames that are busy for no reason. Incidents are branches
of the undisturbed run from day 2.2 on, so that none disturbs another. An alert is false when the run is undisturbed;
alerts of a container within a minute are one. An incident is found by an alert while it lasts that the undisturbed run
does not have; one that changes nothing, because it multiplies traffic that is not there, is none. Intervals are 95 %.
Simulated frames have no flows and no connections: of the default rules \`dynamic-threshold\`, \`siblings\` and \`gone\` are
measured here, \`scan\` and \`beacon\` are not (the incident "beacon" is found by its volume).

Seeds ${settings.seeds.join(', ')}, ${settings.days} days each: ${containerDays} container-days. What is frozen was tuned on
seeds ${TUNED_ON.join(', ')}.

### False alerts per container-week, by age of the container

${byAge([best])}
### Incidents found

${byIncident(best)}
Most of what is missed is smaller than what the container does by itself at some time: three times the traffic of a
night, which is that of a day, and bursts of a second and lasting changes of workers whose jobs come and go.

### By kind of container

${byKind(best, settings.kinds ?? KINDS)}
${others === null ? '' : compared(others)}### Sensitivity

What \`sensitivity\` makes of the limits: false alerts per container-week after the first day whose score reached the
factor, and the table that options are mapped with (\`detector/dynamic/sensitivity.ts\`).

${calibration(best)}`;
}

const compared = ({ seeds, days, fleets, parts, sized }: Comparison): string => `### Compared

Seed ${seeds.join(', ')}, ${days} days, all on the same frames: young containers only, which raise the most false alerts.

${comparison(fleets)}
### Detectors alone, and without one view

One service of each kind, ${days} days, with more incidents each. Of the default rules only those that judge windows.

${comparison(parts)}
### Incidents of other sizes

The default on the same services: ${magnitudes}

${ofOtherSizes(sized)}
`;

/** What smaller and larger mean: `flood 10, 20 and 40; …`. */
const magnitudes = `${(Object.keys(MAGNITUDES) as (keyof typeof MAGNITUDES)[])
  .map(name => `${name} ${SMALLER[name]}, ${MAGNITUDES[name]} and ${LARGER[name]}`)
  .join('; ')} (exfiltration in B/s, beacon in B, others times what is there).`;

const rate = (count: number, weeks: number): string => {
  if (weeks === 0) return '-';
  const { low, high } = poissonInterval(count);
  return `${(count / weeks).toFixed(2)} (${(low / weeks).toFixed(2)} to ${(high / weeks).toFixed(2)}, n = ${count})`;
};

const share = (hits: number, n: number): string => {
  if (n === 0) return '-';
  const { low, high } = shareInterval(hits, n);
  const percent = (x: number) => Math.round(100 * x);
  return `${percent(hits / n)} % (${percent(low)} to ${percent(high)}, ${hits} of ${n})`;
};

const found = (total: Total, incident?: string): [number, number] => {
  const all = total.outcomes.filter(one => incident === undefined || one.incident === incident);
  return [all.filter(one => one.delay !== null).length, all.length];
};

const ageOf = (frame: number): number => AGES.findIndex(({ until }) => frame < until);

function byAge(totals: readonly Total[]): string {
  const rows = totals.map(({ name, falseAlerts, weeks }) => {
    const count = (from: number, to: number) =>
      falseAlerts.filter(({ frame }) => ageOf(frame) >= from && ageOf(frame) < to).length;
    const watched = (from: number, to: number) => weeks.slice(from, to).reduce((a, b) => a + b, 0);
    const spans = [
      ...AGES.map((_, i) => [i, i + 1] as const),
      [0, AGES.length - 1] as const,
      [0, AGES.length] as const,
    ];
    return [name, ...spans.map(([from, to]) => rate(count(from, to), watched(from, to)))];
  });
  return table([['', ...AGES.map(age => age.name), 'whole first week', 'all'], ...rows]);
}

function byIncident(total: Total): string {
  const rows = INCIDENTS.map(({ name }) => {
    const [hits, n] = found(total, name);
    const delays = total.outcomes.flatMap(one =>
      one.incident === name && one.delay !== null ? [one.delay] : [],
    );
    const delay = median(delays);
    return [name, share(hits, n), delay === null ? '-' : `${delay * FRAME_S} s`];
  });
  const [hits, n] = found(total);
  return table([['incident', 'found', 'median delay'], ...rows, ['all', share(hits, n), '']]);
}

function ofOtherSizes(totals: readonly Total[]): string {
  const cells = (incident?: string) => totals.map(total => share(...found(total, incident)));
  const rows = INCIDENTS.map(({ name }) => [name, ...cells(name)]);
  return table([['incident', 'smaller', 'as above', 'larger'], ...rows, ['all', ...cells()]]);
}

function byKind(total: Total, kinds: readonly Kind[]): string {
  const weeks = total.weeks.reduce((a, b) => a + b, 0);
  // Every seed has the same kinds; only their parameters are drawn.
  const services = fleet(new Random(0)).filter(one => kinds.includes(one.kind));
  const replicas = (kind?: string) =>
    services.reduce((sum, one) => sum + (kind === undefined || one.kind === kind ? one.replicas : 0), 0);
  const rows = kinds.map(kind => {
    const own = total.outcomes.filter(one => one.kind === kind);
    const count = total.falseAlerts.filter(one => one.kind === kind).length;
    const hits = own.filter(one => one.delay !== null).length;
    return [kind, rate(count, (weeks * replicas(kind)) / replicas()), share(hits, own.length)];
  });
  return table([['kind', 'false alerts per container-week', 'incidents found'], ...rows]);
}

function comparison(totals: readonly Total[]): string {
  const rows = totals.map(total => {
    const weeks = total.weeks.reduce((a, b) => a + b, 0);
    const each = INCIDENTS.map(({ name }) => {
      const [hits, n] = found(total, name);
      return `${hits}/${n}`;
    });
    return [total.name, rate(total.falseAlerts.length, weeks), share(...found(total)), ...each];
  });
  return table([['', 'false alerts', 'found', ...INCIDENTS.map(({ name }) => name)], ...rows]);
}

function calibration(total: Total): string {
  const weeks = total.weeks.slice(2).reduce((a, b) => a + b, 0);
  const later = total.falseAlerts.filter(({ frame }) => ageOf(frame) >= 2);
  const own = strictnessOf({ value: 3, unit: '/month' });
  const rows = [1, 1.1, 1.25, 1.5, 2, 3].map(factor => {
    const count = later.filter(({ score }) => score >= factor).length;
    return [(factor * own).toFixed(2), rate(count, weeks)];
  });
  const used = CALIBRATION.map(row => [String(row.strictness), String(row.perWeek)]);
  return `${table([['limits times', 'false alerts per container-week'], ...rows])}\n${table([['limits times', 'sensitivity, per week'], ...used])}`;
}
