import { formatSize } from '../../core/config/units.ts';
import type { Incident } from '../../core/incident/incident.ts';
import { subjectText } from '../../core/incident/members.ts';
import type { Interval } from '../../core/interval.ts';
import type { TimeZone } from '../../core/time-zone.ts';
import type { ContainerRecord } from '../record/range-record.ts';
import { type Html, html } from './html.ts';
import { anchorOf, lastedText, severityHtml } from './incident.ts';
import { timeChart, WIDE } from './svg/frame.ts';
import { across } from './svg/scale.ts';
import { nameHtml, timeHtml } from './text.ts';

/** What a page begins with: incidents on a line of time and as a list, containers with their traffic. */

/** Rows of the timeline, of the list of incidents and of containers at most. */
const LIMITS = { rows: 60, incidents: 500, containers: 40 } as const;

/** Stretches of the range of which nothing is known. */
export interface Blind extends Interval {
  readonly host: string;
}

/** A row for each subject, in the order of its first incident, with a link to the first of which more is known. */
export function timelineHtml(
  incidents: readonly Incident[],
  detailed: ReadonlySet<string>,
  blind: readonly Blind[],
  range: Interval,
  zone: TimeZone,
): Html {
  const rows = [...Map.groupBy(incidents, one => JSON.stringify([one.host, one.container, one.service]))];
  const shown = rows.slice(0, LIMITS.rows);
  const hosts = new Set(incidents.map(({ host }) => host));
  return html`<ul class="rows">
<li aria-hidden="true"><span></span>${timeChart({ label: '', range, zone, height: 4, shaded: [], lines: [], stretched: null })}</li>
${shown.map(([, own]) => rowHtml(own, { detailed, blind, range, withHost: hosts.size > 1 }))}</ul>
${rows.length > shown.length && html`<p class="note">${rows.length - shown.length} more containers had incidents; the list below has them.</p>`}
${blind.length > 0 && html`<p class="note"><span class="key blind-key">nothing is known: no frame, or an incomplete one</span></p>`}`;
}

interface Row {
  readonly detailed: ReadonlySet<string>;
  readonly blind: readonly Blind[];
  readonly range: Interval;
  readonly withHost: boolean;
}

function rowHtml(own: readonly Incident[], { detailed, blind, range, withHost }: Row): Html {
  const [first] = own;
  if (!first) return html``;
  const name = subjectText({ host: first.host, service: first.service, container: first.container });
  const bars = own.map(incident => {
    const { x, width } = bar({ from: incident.start, to: incident.end }, range, 0.4);
    return html`<rect class="${incident.severity}" x="${x}%" width="${width}%" y="2" height="14" rx="2"><title>${subjectText(incident)}: ${incident.severity}, ${lastedText(incident)}</title></rect>`;
  });
  const gaps = blind
    .filter(({ host }) => host === first.host)
    .map(
      gap =>
        html`<rect class="blind" x="${bar(gap, range, 0.15).x}%" width="${bar(gap, range, 0.15).width}%" y="0" height="18"/>`,
    );
  const who = html`${withHost && html`${nameHtml(first.host, 40)}/`}${nameHtml(name, 60)}`;
  const target = own.find(({ id }) => detailed.has(id));
  return html`<li>${target ? html`<a class="who" href="#${anchorOf(target)}">${who}</a>` : html`<span class="who">${who}</span>`}
<svg class="bar" width="100%" height="18" role="img" aria-label="${own.length === 1 ? '1 incident' : `${own.length} incidents`} of ${name}">${gaps}${bars}</svg></li>
`;
}

/** Per cent; what is short stays visible. */
function bar(part: Interval, range: Interval, least: number): { readonly x: number; readonly width: string } {
  const [x, end] = [across(part.from, range), across(part.to, range)];
  return { x: Math.min(x, 100 - least), width: Math.max(least, end - x).toFixed(2) };
}

/** All incidents as a table, each with a link to what is known of it. */
export function incidentTable(
  incidents: readonly Incident[],
  detailed: ReadonlySet<string>,
  zone: TimeZone,
): Html {
  return html`<div class="scroll" role="group" tabindex="0" aria-label="Table: incidents"><table>
<thead><tr><th scope="col">since</th><th scope="col">severity</th><th scope="col">what</th><th scope="col">how long</th></tr></thead>
<tbody>${incidents.slice(0, LIMITS.incidents).map(incident => {
    const title = nameHtml(incident.title, 160);
    return html`<tr><td class="number">${timeHtml(incident.start, zone)}</td><td>${severityHtml(incident)}</td><td>${detailed.has(incident.id) ? html`<a href="#${anchorOf(incident)}">${title}</a>` : title}</td><td>${lastedText(incident)}</td></tr>
`;
  })}</tbody></table></div>
${incidents.length > LIMITS.incidents && html`<p class="note">${incidents.length - LIMITS.incidents} later ones are not listed: <code>tidegauge review --csv</code> has all.</p>`}`;
}

/** Who moved most, with the rate over time. */
export function containersHtml(containers: readonly ContainerRecord[], range: Interval): Html {
  if (containers.length === 0) return html`<p>No container was seen in this range.</p>`;
  const shown = [...containers].sort((a, b) => bytesOf(b) - bytesOf(a)).slice(0, LIMITS.containers);
  const hosts = new Set(containers.map(({ host }) => host));
  return html`<div class="scroll containers" role="group" tabindex="0" aria-label="Table: containers and their traffic"><table>
<thead><tr><th scope="col">container</th><th scope="col" class="number">sent</th><th scope="col" class="number">received</th><th scope="col" class="number">at most</th><th scope="col">over time</th></tr></thead>
<tbody>${shown.map(one => containerHtml(one, range, hosts.size > 1))}</tbody></table></div>
${containers.length > shown.length && html`<p class="note">${containers.length - shown.length} containers with less traffic are not listed.</p>`}`;
}

const bytesOf = ({ sent, received }: ContainerRecord): number => sent + received;

/** px */
const SPARK = 24;

function containerHtml(one: ContainerRecord, range: Interval, withHost: boolean): Html {
  const most = Math.max(0, ...one.rates.flatMap(({ rate }) => rate ?? []));
  const x = (time: number): number => Math.round((WIDE * across(time, range)) / 100);
  const y = (rate: number): number => Math.round(10 * (SPARK - 2 - ((SPARK - 4) * rate) / (most || 1))) / 10;
  let path = '';
  let isOn = false;
  for (const { start, end, rate } of one.rates) {
    if (rate !== null) path += `${isOn ? 'V' : `M${x(start)} `}${y(rate)}H${x(end)}`;
    isOn = rate !== null;
  }
  return html`<tr><th scope="row">${withHost && html`${nameHtml(one.host, 40)}/`}${nameHtml(one.container, 60)}</th><td class="number">${formatSize(one.sent)}</td><td class="number">${formatSize(one.received)}</td><td class="number">${formatSize(most)}/s</td>
<td class="spark-cell"><svg class="spark" aria-hidden="true" width="100%" height="${SPARK}" viewBox="0 0 ${WIDE} ${SPARK}" preserveAspectRatio="none"><path class="line" d="${path}"/></svg></td></tr>
`;
}
