import { writeFileSync } from 'node:fs';
import { VERSION } from '../../app/version.ts';
import { formatLength } from '../../core/config/units.ts';
import { describeFileError, printable, UsageError } from '../../core/errors.ts';
import type { Interval } from '../../core/interval.ts';
import { type ServiceMap, serviceMap } from '../../core/traffic/service-map.ts';
import { coverageText } from '../../review/coverage-text.ts';
import { type HostPage, reportHtml } from '../../review/html/page.ts';
import { newEdges } from '../../review/new-edges.ts';
import type { HostReview } from '../../review/review.ts';
import type { Store } from '../../store/contract.ts';
import type { Context } from '../context.ts';
import { SUBJECT_PARTS, SubjectFilter, type SubjectFlags } from '../rules/subjects.ts';
import { incidentsOf, type Judged } from './judge.ts';
import { settingsText } from './settings.ts';

/** How far back edges are looked for to say which are new, ms. */
const LOOK_BACK_MS = 86_400_000;

/** Writes what was judged as one HTML file that needs nothing else. */
export async function writePage(
  context: Context,
  store: Store,
  judged: Judged,
  { file, subjects }: { readonly file: string; readonly subjects: SubjectFlags },
): Promise<void> {
  const [first, ...others] = judged.sides;
  if (!first) return;
  const hosts: HostPage[] = [];
  for (const review of first.reviews)
    hosts.push(await hostPage(context, store, review, judged.range, subjects));
  const text = reportHtml({
    range: judged.range,
    zone: context.zone,
    made: context.clock.now(),
    version: VERSION,
    only: onlyText(subjects),
    hosts,
    incidents: incidentsOf(first.reviews),
    others: others.map(({ settings: { name }, changes, tally }) => ({ name, changes, tally })),
    own: { name: first.settings.name, tally: first.tally },
    records: judged.records,
    containers: judged.containers,
    settings: judged.sides.map(({ settings }) => ({ name: settings.name, text: settingsText(settings) })),
  });
  try {
    // It says who talks to whom: for its owner alone, as the data are.
    writeFileSync(file, text, { mode: 0o600 });
  } catch (cause) {
    throw new UsageError(
      {
        place: `--html ${printable(file)}`,
        found: `the file cannot be written: ${describeFileError(cause, 'write')}`,
        remedy: 'Name a file in a folder that you may write to.',
      },
      cause,
    );
  }
}

/** `host a, container web-*`; null: everything was asked for. */
function onlyText(subjects: SubjectFlags): string | null {
  const asked = SUBJECT_PARTS.flatMap(part =>
    subjects[part] === undefined ? [] : `${part} ${subjects[part]}`,
  );
  return asked.length === 0 ? null : asked.join(', ');
}

async function hostPage(
  { config, clock, zone }: Context,
  store: Store,
  review: HostReview,
  range: Interval,
  subjects: SubjectFlags,
): Promise<HostPage> {
  const { host, covered, blind } = review;
  const oldest = await store.firstFrame(host);
  const now = clock.now();
  const stored = { oldest, keptMs: config.store.retention.raw, now };
  const map = ofSubjects(serviceMap(await store.readFlows(host, range)), host, subjects);
  const outside = covered
    ? [
        { from: range.from, to: covered.from },
        { from: covered.to, to: range.to },
      ].filter(({ from, to }) => to > from)
    : [range];
  return {
    host,
    coverage: coverageText(review, range, stored, zone),
    blind: [...outside, ...blind].sort((a, b) => a.from - b.from),
    map,
    newEdges: await newEdgesOf(store, host, map, range, oldest),
  };
}

/** Edges that were not there in the day before the range; null where less than the range is stored from before it. */
async function newEdgesOf(
  store: Store,
  host: string,
  map: ServiceMap,
  range: Interval,
  oldest: number | null,
): Promise<HostPage['newEdges']> {
  const from = Math.max(range.from - LOOK_BACK_MS, oldest ?? range.from);
  if (from >= range.from || map.edges.length === 0) return null;
  const before = serviceMap(await store.readFlows(host, { from, to: range.from }));
  return { ...newEdges(map, before), before: `in the ${formatLength(range.from - from)} before` };
}

/** The edges from or to those who were asked for, and their ends. */
function ofSubjects({ nodes, edges }: ServiceMap, host: string, subjects: SubjectFlags): ServiceMap {
  const filter = new SubjectFilter(subjects);
  const isAsked = new Set(
    nodes
      .filter(
        ({ kind, name, service }) => kind === 'container' && filter.takes({ host, service, container: name }),
      )
      .map(({ id }) => id),
  );
  const kept = edges.filter(({ from, to }) => isAsked.has(from) || isAsked.has(to));
  const ends = new Set(kept.flatMap(({ from, to }) => [from, to]));
  return { nodes: nodes.filter(({ id }) => ends.has(id)), edges: kept };
}
