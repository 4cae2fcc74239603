import { incidentJson } from '../../core/incident/incident-json.ts';
import type { Interval } from '../../core/interval.ts';
import type { TimeZone } from '../../core/time-zone.ts';
import type { Change } from '../../review/changes.ts';
import { changesText, talliesText } from '../../review/changes-text.ts';
import { incidentsCsv } from '../../review/csv.ts';
import { jsonText, reportText, reviewJson } from '../../review/report.ts';
import { incidentsOf, type JudgedSide } from './judge.ts';

/** What `review` prints of settings; the first ones are what others are compared with. */

/** For a terminal: what the first settings find, then what the others would have changed. */
export function textOf(sides: readonly JudgedSide[], range: Interval, zone: TimeZone): string {
  const [first, ...others] = sides;
  if (!first) return '';
  const report = reportText(first.reviews, zone, range);
  if (others.length === 0) return report;
  const differences = others.map(({ settings, changes }) => changesText(changes, settings.name, zone));
  const tallies = talliesText(sides.map(({ settings, tally }) => ({ name: settings.name, tally })));
  return [report, ...differences, tallies].join('\n');
}

/** One list of hosts; with other settings an object that holds it, and what these would have changed. */
export function jsonOf(sides: readonly JudgedSide[]): string {
  const [first, ...others] = sides;
  const hosts = (first?.reviews ?? []).map(reviewJson);
  if (!first || others.length === 0) return jsonText(hosts);
  return jsonText({
    settings: sides.map(({ settings: { name }, tally }) => ({
      name,
      incidents: tally.incidents,
      watched_ms: tally.watchedMs,
      incidents_a_day: tally.perDay,
      severities: tally.severities,
      rules: Object.fromEntries([...tally.rules].sort()),
    })),
    hosts,
    others: others.map(({ settings, changes }) => ({
      name: settings.name,
      changes: changes.map(changeJson),
    })),
  });
}

const changeJson = ({ kind, before, after, differences }: Change) => ({
  kind,
  moved_ms: before && after ? after.start - before.start : null,
  differences: [...differences],
  before: before && incidentJson(before),
  after: after && incidentJson(after),
});

/** A line for each incident of each of the settings. */
export function csvOf(sides: readonly JudgedSide[]): string {
  return incidentsCsv(
    sides.map(({ settings: { name }, reviews, changes }, i) =>
      i === 0 ? { name, incidents: incidentsOf(reviews) } : { name, changes },
    ),
  );
}
