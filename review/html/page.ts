import { createHash } from 'node:crypto';
import { formatCounted } from '../../core/config/units.ts';
import { type Incident, SEVERITIES } from '../../core/incident/incident.ts';
import type { Interval } from '../../core/interval.ts';
import type { TimeZone } from '../../core/time-zone.ts';
import type { ServiceMap } from '../../core/traffic/service-map.ts';
import type { NewEdges } from '../new-edges.ts';
import type { IncidentRecord } from '../record/incident-record.ts';
import type { ContainerRecord } from '../record/range-record.ts';
import type { Tally } from '../tally.ts';
import { changesHtml, type OtherSettings, talliesHtml } from './changes.ts';
import { type Html, html } from './html.ts';
import { incidentHtml } from './incident.ts';
import { mapHtml, newEdgeTable } from './map.ts';
import { type Blind, containersHtml, incidentTable, timelineHtml } from './overview.ts';
import { STYLE } from './style.ts';
import { nameHtml, rangeHtml, timeHtml } from './text.ts';

/** What a report shows of one host. */
export interface HostPage {
  readonly host: string;
  /** What is covered and what is not (coverage-text.ts). */
  readonly coverage: readonly string[];
  readonly blind: readonly Interval[];
  readonly map: ServiceMap;
  /** Edges of the map that were not there in the time before the range; null: nothing is known of it. */
  readonly newEdges: (NewEdges & { readonly before: string }) | null;
}

/** All that a report is made of. */
export interface ReportPage {
  readonly range: Interval;
  readonly zone: TimeZone;
  /** When it was made, epoch ms, and by which version. */
  readonly made: number;
  readonly version: string;
  /** What was asked for, when not everything: `container web-*`. */
  readonly only: string | null;
  readonly hosts: readonly HostPage[];
  /** What the settings in force say, by start. */
  readonly incidents: readonly Incident[];
  /** These settings, and what others would have changed, with how often each would have called. */
  readonly own: { readonly name: string; readonly tally: Tally };
  readonly others: readonly OtherSettings[];
  /** What was recorded of incidents, those of the other settings as well, by id. */
  readonly records: ReadonlyMap<string, IncidentRecord>;
  readonly containers: readonly ContainerRecord[];
  /** Settings that were used, as a file would hold them. */
  readonly settings: readonly { readonly name: string; readonly text: string }[];
}

/** Bytes of what is known of incidents; the rest of a report is bounded by the lengths of its lists. */
const DETAIL_BYTES = 3_500_000;

/** One HTML document that needs nothing from anywhere: no script, no request. Names in it are untrusted. */
export function reportHtml(page: ReportPage): string {
  const { range, zone, incidents, others, hosts } = page;
  const added = addedBy(others);
  const details = detailsOf([...incidents, ...added], page);
  const detailed: ReadonlySet<string> = new Set(details.keys());
  const blind: Blind[] = hosts.flatMap(({ host, blind }) => blind.map(one => ({ host, ...one })));
  const sections: readonly (Section | false)[] = [
    { id: 'covered', title: 'What this covers', body: coveredHtml(page) },
    others.length > 0 && {
      id: 'changes',
      title: 'What other settings would have changed',
      body: html`${talliesHtml([page.own, ...others])}${others.map(one => changesHtml(one, detailed, zone))}`,
    },
    {
      id: 'incidents',
      title: 'Incidents',
      body:
        incidents.length === 0
          ? html`<p>None.</p>`
          : html`${timelineHtml(incidents, detailed, blind, range, zone)}<h3>As a list</h3>${incidentTable(incidents, detailed, zone)}`,
    },
    details.size > 0 && {
      id: 'details',
      title: 'What was seen',
      body: detailsHtml(details, incidents.length + added.length),
    },
    { id: 'containers', title: 'Containers', body: containersHtml(page.containers, range) },
    { id: 'map', title: 'Who talked to whom', body: hosts.map(host => hostMapHtml(host, hosts.length > 1)) },
    { id: 'settings', title: 'Settings', body: settingsHtml(page) },
  ];
  const shown = sections.filter(section => section !== false);
  return documentHtml(
    titleOf(page),
    html`<a class="skip" href="#main">To the report</a>
<header><h1>${summaryText(page)}</h1><p class="lead">${rangeHtml(range, zone)} (${zone.name})${page.only !== null && html`, only ${nameHtml(page.only, 200)}`}</p>
<nav aria-label="Sections"><ul>${shown.map(({ id, title }) => html`<li><a href="#${id}">${title}</a></li>`)}</ul></nav></header>
<main id="main">${shown.map(
      ({
        id,
        title,
        body,
      }) => html`<section id="${id}" aria-labelledby="${id}-t"><h2 id="${id}-t">${title}</h2>
${body}</section>
`,
    )}</main>
<footer>Made by tidegauge ${page.version}, ${timeHtml(page.made, zone)}.</footer>`,
  );
}

interface Section {
  readonly id: string;
  readonly title: string;
  readonly body: Html | readonly Html[];
}

/** Incidents that only other settings raise, each once. */
function addedBy(others: readonly OtherSettings[]): Incident[] {
  const added = others.flatMap(({ changes }) =>
    changes.flatMap(({ kind, after }) => (kind === 'new' && after ? [after] : [])),
  );
  return [...new Map(added.map(incident => [incident.id, incident])).values()];
}

/** `3 incidents: 1 critical, 2 warning`. */
function summaryText({ incidents }: ReportPage): string {
  if (incidents.length === 0) return 'No incidents';
  const worst = SEVERITIES.toReversed()
    .map(severity => ({ severity, count: incidents.filter(one => one.severity === severity).length }))
    .filter(({ count }) => count > 0)
    .map(({ severity, count }) => `${count} ${severity}`);
  return `${formatCounted(incidents.length, 'incident')}: ${worst.join(', ')}`;
}

const titleOf = (page: ReportPage): string =>
  `tidegauge: ${page.zone.seconds(page.range.from)} to ${page.zone.seconds(page.range.to)}, ${summaryText(page)}`;

function coveredHtml({ hosts }: ReportPage): Html {
  if (hosts.length === 0) return html`<p>No host has stored frames: nothing is known.</p>`;
  return html`${hosts.map(
    ({ host, coverage }) =>
      html`<h3>Host ${nameHtml(host)}</h3><ul>${coverage.map(sentence => html`<li>${sentence}</li>`)}</ul>`,
  )}`;
}

/** What is known of each incident, the worst first, until there is no more room; in order of time then. */
function detailsOf(
  incidents: readonly Incident[],
  { records, zone, hosts, incidents: own }: ReportPage,
): Map<string, Html> {
  const raised = new Set(own.map(({ id }) => id));
  const details = new Map<string, Html>();
  let left = DETAIL_BYTES;
  const worst = [...incidents].sort(
    (a, b) => SEVERITIES.indexOf(b.severity) - SEVERITIES.indexOf(a.severity) || b.score - a.score,
  );
  for (const incident of worst) {
    const note = raised.has(incident.id) ? null : 'Only other settings raise it.';
    const record = records.get(incident.id) ?? null;
    const { blind = [] } = hosts.find(({ host }) => host === incident.host) ?? {};
    const part = incidentHtml(incident, { record, zone, blind, note });
    const bytes = Buffer.byteLength(part.toString());
    if (bytes > left) break;
    left -= bytes;
    details.set(incident.id, part);
  }
  const order = new Map(incidents.map(({ id, start }) => [id, start]));
  return new Map([...details].sort(([a], [b]) => (order.get(a) ?? 0) - (order.get(b) ?? 0)));
}

function detailsHtml(details: ReadonlyMap<string, Html>, incidents: number): Html {
  const left = incidents - details.size;
  return html`<p class="note"><span class="key incident-key">the incident</span><span class="key band-key">what was expected</span><span class="key blind-key">nothing is known</span></p>
${left > 0 && html`<p class="note">Of ${left} less severe incidents there is no room for more than the list above.</p>`}
${[...details.values()]}`;
}

function hostMapHtml({ host, map, newEdges }: HostPage, withName: boolean): Html {
  return html`${withName && html`<h3>Host ${nameHtml(host)}</h3>`}${mapHtml(map, host)}
${newEdges && newEdgesHtml(newEdges, map)}`;
}

function newEdgesHtml(
  { edges, partly, before }: NewEdges & { readonly before: string },
  map: ServiceMap,
): Html {
  return html`<h4>New in this range</h4>${
    partly > 0 &&
    html`<p class="note">Whether further edges of ${formatCounted(partly, 'container')} are new is not known: of the many peers before, some were counted together.</p>`
  }${
    edges.length === 0
      ? html`<p>Every ${partly > 0 && 'other '}edge was seen ${before} as well.</p>`
      : html`<p>${formatCounted(edges.length, 'edge')} that nobody saw ${before}.</p>${newEdgeTable(edges, map.nodes)}`
  }`;
}

function settingsHtml({ settings }: ReportPage): Html {
  return html`${settings.map(
    ({ name, text }) => html`<details><summary>${nameHtml(name, 200)}</summary><pre>${text}</pre></details>`,
  )}`;
}

/** The document around it. Its policy allows the one style sheet and nothing else. */
function documentHtml(title: string, body: Html): string {
  const hash = createHash('sha256').update(STYLE).digest('base64');
  const policy = `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'`;
  const head = html`<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>${title}</title>`;
  // The style sheet is ours, and the one thing that is not escaped: its hash is in the policy.
  return `${head}<style>${STYLE}</style></head>\n${html`<body>${body}</body></html>`}\n`;
}
