import type { TimeZone } from '../../core/time-zone.ts';
import type { Change } from '../changes.ts';
import { CHANGE_TEXT, changesSummary, changeText, tallyRows } from '../changes-text.ts';
import type { Tally } from '../tally.ts';
import { type Html, html } from './html.ts';
import { anchorOf, lastedText, severityHtml } from './incident.ts';
import { nameHtml, timeHtml } from './text.ts';

/** What other settings would have said instead. */

const LISTED = 300;

/** Settings that are compared with those of the report. */
export interface OtherSettings {
  readonly name: string;
  readonly changes: readonly Change[];
  readonly tally: Tally;
}

/** How often each of the settings would have called. */
export function talliesHtml(sides: readonly Pick<OtherSettings, 'name' | 'tally'>[]): Html {
  const [, ...rows] = tallyRows(sides);
  return html`<div class="scroll" role="group" tabindex="0" aria-label="Table: settings side by side"><table>
<thead><tr><td></td>${sides.map(({ name }) => html`<th scope="col" class="number">${nameHtml(name, 60)}</th>`)}</tr></thead>
<tbody>${rows.map(
    ([title = '', ...cells]) =>
      html`<tr><th scope="row">${title.trim()}</th>${cells.map(cell => html`<td class="number">${cell}</td>`)}</tr>
`,
  )}</tbody></table></div>`;
}

/** What stays the same is only counted. */
export function changesHtml(
  { changes, name }: OtherSettings,
  detailed: ReadonlySet<string>,
  zone: TimeZone,
): Html {
  const changed = changes.filter(({ kind }) => kind !== 'same');
  return html`<p>With ${nameHtml(name, 200)}: ${changesSummary(changes)}.</p>
${
  changed.length > 0 &&
  html`<div class="scroll" role="group" tabindex="0" aria-label="Table: what would have changed"><table>
<thead><tr><th scope="col">since</th><th scope="col">change</th><th scope="col">severity</th><th scope="col">what</th><th scope="col">how</th></tr></thead>
<tbody>${changed.slice(0, LISTED).map(change => changeRow(change, detailed, zone))}</tbody></table></div>`
}
${changed.length > LISTED && html`<p class="note">${changed.length - LISTED} more are not listed: <code>tidegauge review --csv</code> has all.</p>`}`;
}

function changeRow(change: Change, detailed: ReadonlySet<string>, zone: TimeZone): Html {
  const incident = change.after ?? change.before;
  if (!incident) return html``;
  const shown = [change.before, change.after].find(one => one !== null && detailed.has(one.id));
  const title = nameHtml(incident.title, 160);
  return html`<tr><td class="number">${timeHtml(incident.start, zone)}</td><td>${CHANGE_TEXT[change.kind]}</td><td>${severityHtml(incident)}</td><td>${shown ? html`<a href="#${anchorOf(shown)}">${title}</a>` : title}</td><td>${changeText(change) || lastedText(incident)}</td></tr>
`;
}
