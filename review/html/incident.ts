import { formatCount, formatLength, formatSize, formatValue } from '../../core/config/units.ts';
import { sentenceOf } from '../../core/incident/evidence-text.ts';
import { type Incident, stateOfIncident, timeOf } from '../../core/incident/incident.ts';
import { subjectText } from '../../core/incident/members.ts';
import type { Interval } from '../../core/interval.ts';
import type { TimeZone } from '../../core/time-zone.ts';
import { blindText, blindWithin } from '../../core/traffic/blind.ts';
import { DIRECTIONS, type Direction } from '../../core/traffic/frame.ts';
import { BUCKETS, upperBound } from '../../core/traffic/histogram.ts';
import type { IncidentRecord, Peer, TrafficPart } from '../record/incident-record.ts';
import { RECORDED_INCIDENTS } from '../record/recorder.ts';
import { type Html, html } from './html.ts';
import { type Panel, panelsOf, valueIn } from './quantities.ts';
import type { Shaded } from './svg/frame.ts';
import { heatmap } from './svg/heatmap.ts';
import { lineChart } from './svg/line-chart.ts';
import { nameHtml, timeHtml } from './text.ts';

/** One incident: what was seen and expected, charts around it, whom it talked to. */

const CHART_HEIGHT = 96;
const PEERS = 12;

/** Anchor of an incident on its page. */
export const anchorOf = ({ id }: Pick<Incident, 'id'>): string => `i-${id}`;

export const severityHtml = ({ severity }: Pick<Incident, 'severity'>): Html =>
  html`<span class="severity ${severity}">${severity}</span>`;

/** `lasted 20s, resolved`; of one that is firing, how long it was seen, which does not grow while it is waited for. */
export function lastedText(incident: Incident): string {
  const length = formatLength(incident.end - incident.start);
  const state = stateOfIncident(incident);
  return state === 'firing' ? `firing, seen for ${length} so far` : `lasted ${length}, ${state}`;
}

/** What there is to be shown besides the incident. */
interface Shown {
  /** Null: its traffic was not recorded. */
  readonly record: IncidentRecord | null;
  readonly zone: TimeZone;
  /** Parts of the range that nobody saw, on its host. */
  readonly blind: readonly Interval[];
  /** A sentence about it, of ours; null: none. */
  readonly note: string | null;
}

export function incidentHtml(incident: Incident, { record, zone, blind, note }: Shown): Html {
  const { findings, ended } = incident;
  const unseen = blindText(blindWithin(blind, timeOf(incident)), zone);
  return html`<article id="${anchorOf(incident)}" class="incident" aria-labelledby="${anchorOf(incident)}-t">
<h3 id="${anchorOf(incident)}-t">${severityHtml(incident)} ${nameHtml(incident.title, 300)}</h3>
<p class="facts">${timeHtml(incident.start, zone)}, ${lastedText(incident)}${ended !== undefined && html` (${nameHtml(ended, 200)})`}.
Host ${nameHtml(incident.host)}${!incident.members && incident.service !== '' && html`, service ${nameHtml(incident.service)}`}, id <code>${incident.id}</code>.${note !== null && html` <strong>${note}</strong>`}</p>
${unseen !== null && html`<p class="facts"><strong>${unseen}</strong></p>`}
<ul class="findings">${findings.map(
    finding =>
      html`<li><strong>${finding.rule}</strong>${finding.scope.container !== null && finding.scope.container !== incident.container && html` on ${nameHtml(finding.scope.container)}`}: ${nameHtml(sentenceOf(finding, zone), 700)} <span class="note">(score ${finding.peak.toFixed(1)})</span></li>`,
  )}</ul>
${record ? chartsHtml(record, zone) : html`<p class="note">No charts: traffic is recorded of the first ${RECORDED_INCIDENTS} incidents only.</p>`}
</article>`;
}

function chartsHtml(record: IncidentRecord, zone: TimeZone): Html {
  const { incident, parts } = record;
  const [first, last] = [parts[0], parts.at(-1)];
  if (!first || !last) return html``;
  const range = { from: first.start, to: last.end };
  const shaded = [...blindParts(parts), { kind: 'incident', from: incident.start, to: incident.end }];
  const shared = { range, zone, shaded };
  const panels = panelsOf(record);
  return html`<div class="charts">${panels.map(panel => panelHtml(panel, record, shared))}
${directionsOf(record).map(direction => sizesHtml(direction, record, shared))}</div>
${numbersHtml(panels, record)}
${peersHtml(record)}`;
}

interface Shared {
  readonly range: Interval;
  readonly zone: TimeZone;
  readonly shaded: readonly Shaded[];
}

function panelHtml(panel: Panel, { incident, parts }: IncidentRecord, shared: Shared): Html {
  const points = parts.map(part => ({ from: part.start, to: part.end, value: valueIn(panel, part) }));
  const most = Math.max(0, ...points.flatMap(({ value }) => value ?? []));
  const label = `${panel.name} of ${subjectText(incident)} over time, at most ${formatValue(most, panel.unit)}; the table below has numbers`;
  return html`<figure><figcaption>${panel.name}${panel.band && html` <span class="key band-key">${panel.band.text}</span>`}</figcaption>
${lineChart({
  ...shared,
  label,
  height: CHART_HEIGHT,
  unit: panel.unit,
  kind: panel.direction ?? 'both',
  points,
  allowed: panel.band?.allowed ?? [],
})}</figure>`;
}

/** Those that findings speak of and that have messages, else all that have. */
function directionsOf({ incident, parts }: IncidentRecord): Direction[] {
  const used = DIRECTIONS.filter(direction => parts.some(part => part[direction].messages > 0));
  const told = new Set(incident.findings.map(({ scope, evidence }) => scope.direction ?? evidence.direction));
  const meant = used.filter(direction => told.has(direction));
  return meant.length > 0 ? meant : used;
}

function sizesHtml(direction: Direction, { incident, parts }: IncidentRecord, shared: Shared): Html {
  const columns = parts.map(part => ({
    from: part.start,
    to: part.end,
    counts: part.watchedMs === 0 ? null : part[direction].sizes,
  }));
  const verb = direction === 'send' ? 'sent' : 'received';
  return html`<figure class="tall"><figcaption>sizes of messages ${verb} <span class="key heat-key">few to many a second</span></figcaption>
${heatmap({ ...shared, columns, label: `Sizes of messages ${verb} of ${subjectText(incident)} over time: ${sizesText(direction, parts, incident)}` })}
<p class="note">Mostly ${sizesText(direction, parts, incident)}.</p></figure>`;
}

/** Buckets that are named. */
const COMMON = 3;

/** `64 B to 128 B (90%, before 20%)`: the most common sizes during an incident. */
function sizesText(direction: Direction, parts: readonly TrafficPart[], incident: Incident): string {
  const [before, during] = [(one: TrafficPart) => one.end <= incident.start, isDuring(incident)].map(when =>
    sizesIn(direction, parts.filter(when)),
  );
  const total = (sizes: readonly number[] = []): number => sizes.reduce((a, b) => a + b, 0);
  const isKnown = parts.some(part => part.end <= incident.start);
  const share = (sizes: readonly number[] = [], i: number): string =>
    `${Math.round((100 * (sizes[i] ?? 0)) / (total(sizes) || 1))}%`;
  if (total(during) === 0) return 'none during the incident';
  return (during ?? [])
    .map((count, i) => ({ count, i }))
    .filter(({ count }) => count > 0)
    .sort((a, b) => b.count - a.count)
    .slice(0, COMMON)
    .map(
      ({ i }) =>
        `${bucketText(i)} (${share(during, i)}${isKnown ? `, before ${total(before) === 0 ? 'none' : share(before, i)}` : ''})`,
    )
    .join(', ');
}

function sizesIn(direction: Direction, parts: readonly TrafficPart[]): number[] {
  return BUCKETS.map((_, i) => parts.reduce((sum, part) => sum + (part[direction].sizes[i] ?? 0), 0));
}

function bucketText(i: number): string {
  const low = BUCKETS[i] ?? 0;
  const high = upperBound(low);
  return Number.isFinite(high) ? `${formatSize(low)} to ${formatSize(high)}` : `${formatSize(low)} or more`;
}

const isDuring =
  ({ start, end }: Incident) =>
  (part: TrafficPart): boolean =>
    part.end > start && part.start < end;

/** The charts as numbers. */
function numbersHtml(panels: readonly Panel[], { incident, parts }: IncidentRecord): Html {
  const when = {
    before: parts.filter(part => part.end <= incident.start),
    during: parts.filter(isDuring(incident)),
    after: parts.filter(part => part.start >= incident.end),
  };
  const known = (panel: Panel, some: readonly TrafficPart[]) =>
    some.flatMap(part => valueIn(panel, part) ?? []);
  const mean = (panel: Panel, some: readonly TrafficPart[]): string => {
    const values = known(panel, some);
    const sum = values.reduce((a, b) => a + b, 0);
    return values.length === 0 ? '-' : formatValue(sum / values.length, panel.unit);
  };
  const most = (panel: Panel, some: readonly TrafficPart[]): string =>
    known(panel, some).length === 0 ? '-' : formatValue(Math.max(...known(panel, some)), panel.unit);
  return html`<div class="scroll" role="group" tabindex="0" aria-label="Table: traffic before, during and after"><table>
<thead><tr><th scope="col">on average</th><th scope="col" class="number">before</th><th scope="col" class="number">during</th><th scope="col" class="number">at most</th><th scope="col" class="number">after</th></tr></thead>
<tbody>${panels.map(
    panel => html`<tr><th scope="row">${panel.name}</th><td class="number">${mean(panel, when.before)}</td><td class="number">${mean(panel, when.during)}</td><td class="number">${most(panel, when.during)}</td><td class="number">${mean(panel, when.after)}</td></tr>
`,
  )}</tbody></table></div>`;
}

function peersHtml({ incident, peers, parts }: IncidentRecord): Html {
  const during = peers.filter(
    ({ during: one }) => one.sentBytes + one.receivedBytes + one.connections + one.failures > 0,
  );
  if (during.length === 0) return html`<p class="note">Nothing is known about whom it talked to.</p>`;
  const beforeMs = incident.start - (parts[0]?.start ?? incident.start);
  const before = beforeMs > 0 ? `${formatLength(beforeMs)} before` : 'before';
  return html`<h4>Peers during the incident</h4>
<div class="scroll" role="group" tabindex="0" aria-label="Table: peers during the incident"><table>
<thead><tr><th scope="col">peer</th><th scope="col">port</th><th scope="col" class="number">sent</th><th scope="col" class="number">received</th><th scope="col" class="number">connections</th><th scope="col" class="number">failed</th><th scope="col" class="number">in the ${before}</th></tr></thead>
<tbody>${during.slice(0, PEERS).map(peer => peerHtml(peer, beforeMs > 0))}</tbody></table></div>
${during.length > PEERS && html`<p class="note">${during.length - PEERS} more with less traffic.</p>`}`;
}

/** `isKnown`: somebody watched before. Else nobody can say that it is new. */
function peerHtml(
  { peerKind, peer, address, protocol, port, role, during, before }: Peer,
  isKnown: boolean,
): Html {
  const who =
    peer !== '' ? nameHtml(peer) : html`(${peerKind})${address !== '' && html` ${nameHtml(address)}`}`;
  const where = `${protocol}${port === 0 ? '' : ` ${port}`}${role === 'server' ? ', own' : ''}`;
  const past = before.sentBytes + before.receivedBytes;
  const isUnseen = past + before.connections + before.failures === 0;
  // It may have been another before: of a connection that was open when the capture began, or one of many.
  const isNew = isKnown && peerKind !== 'unknown' && peerKind !== 'other';
  return html`<tr><td>${who}</td><td>${where}</td><td class="number">${formatSize(during.sentBytes)}</td><td class="number">${formatSize(during.receivedBytes)}</td><td class="number">${formatCount(during.connections)}</td><td class="number${during.failures > 0 && ' bad'}">${formatCount(during.failures)}</td><td class="number">${isUnseen ? (isNew ? html`<span class="new">nothing</span>` : '-') : formatSize(past)}</td></tr>
`;
}

/** Stretches of which nothing is known: gaps between parts, and parts in which nobody was seen. */
function blindParts(parts: readonly TrafficPart[]): Shaded[] {
  const blind: Shaded[] = [];
  let end = parts[0]?.start ?? 0;
  for (const part of parts) {
    if (part.start - end > 1000) blind.push({ kind: 'blind', from: end, to: part.start });
    if (part.watchedMs === 0) blind.push({ kind: 'blind', from: part.start, to: part.end });
    end = part.end;
  }
  return blind;
}
