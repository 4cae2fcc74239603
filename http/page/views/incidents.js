import { all, change, kept } from '../api.js';
import { el, named } from '../dom.js';
import { length, time } from '../time.js';
import { planSilence, planView, silencedLine, silenceOver, WHO } from './silences.js';

/** Incidents, and what a person can do about one. */

/** Other incidents that are listed. */
const OTHERS = 20;
/** Containers of one incident whose traffic is linked. */
const LINKED = 5;
const MARKS = { 'false-alarm': 'False alarm', expected: 'Expected', real: 'Real' };
const WORST = ['critical', 'warning', 'info'];

export const incidentsOf = ({ range, host }, more = {}) =>
  all('/incidents', { ...range, ...(host === '' ? {} : { host }), ...more }, 500);

/** Those of the last month; a minute old at most. */
export const monthOf = ({ host }, more) =>
  kept(60_000, '/incidents', { from: '30d', ...(host === '' ? {} : { host }), ...more }, (path, query) =>
    all(path, query, 500),
  );

/** The one that a message led to, then those that are firing, the worst first, then those that are over. */
export const inOrder = (incidents, first = null) =>
  incidents.toSorted((a, b) => placeOf(a, first) - placeOf(b, first));

function placeOf({ id, resolved_at, severity }, first) {
  if (id === first) return -1;
  return resolved_at === null ? WORST.indexOf(severity) : WORST.length;
}

/**
 * @param {{ say: (text: string) => void, fail: (error: Error) => void, again: () => void, link: (query: object) => string }} page
 * @param {{ silences: object[], plan: object | null, incident: string | null, container?: string }} about what is silenced, what
 *   is planned, which one a message led to, and whose page this is
 */
export function incidentList(incidents, page, about) {
  if (incidents.length === 0) return el('p', { class: 'quiet' }, 'No incidents in this range.');
  return el('div', {}, ...inOrder(incidents, about.incident).map(incident => card(incident, page, about)));
}

/** Others of the same, in short: whether this happened before. `since`: when its host was first watched, if that is known. */
export function otherIncidents(incidents, page, since) {
  if (incidents.length === 0)
    return el('p', { class: 'quiet' }, `No other in the last 30 days${sinceText(since)}.`);
  const shown = incidents.slice(0, OTHERS);
  return el(
    'div',
    {},
    el(
      'ul',
      { class: 'others' },
      ...shown.map(({ id, severity, title, start, end, mark }) =>
        el(
          'li',
          { class: severity },
          el('a', { href: page.link({ incident: id, until: null, container: null }) }, time(start)),
          ' ',
          el('span', { class: 'severity' }, severity),
          ' ',
          named(title),
          `, lasted ${length(Date.parse(end) - Date.parse(start))}`,
          mark ? ` (${MARKS[mark.kind] ?? mark.kind})` : null,
        ),
      ),
    ),
    incidents.length > shown.length
      ? el('p', { class: 'quiet' }, `${incidents.length - shown.length} more before that.`)
      : null,
  );
}

const MONTH_MS = 30 * 86_400_000;
const sinceText = since =>
  since === null || Date.now() - Date.parse(since) > MONTH_MS
    ? ''
    : `; it has been watched since ${time(since)}`;

function card(incident, page, about) {
  const { id, severity, title, host, container, members, findings, mark, ack, flapping } = incident;
  const all = members.length > 0 ? members.map(one => one.container) : [container];
  const names = all.filter(name => name !== '' && name !== about.container);
  const isFiring = incident.resolved_at === null;
  return el(
    'article',
    {
      class: `incident ${severity}${about.incident === id ? ' led-to' : ''}`,
      id: `card-${id}`,
      'aria-labelledby': `incident-${id}`,
    },
    el('span', { class: 'severity' }, severity),
    ' ',
    el('span', { class: isFiring ? 'state firing' : 'state' }, isFiring ? 'firing' : 'over'),
    el('h3', { id: `incident-${id}` }, named(title)),
    when(incident),
    flapping ? el('p', {}, flappingText(incident)) : null,
    ...findings.slice(0, 3).map(finding => findingLine(finding, incident)),
    names.length === 0
      ? null
      : el(
          'p',
          {},
          'Look at ',
          ...names
            .slice(0, LINKED)
            .flatMap((name, i) => [
              i > 0 ? ', ' : null,
              el('a', { href: page.link({ host, container: name, view: null }) }, named(name)),
            ]),
          names.length > LINKED ? ` and ${names.length - LINKED} more` : null,
        ),
    mark ? said(`${MARKS[mark.kind] ?? mark.kind}, says `, mark) : null,
    ack ? said('Acknowledged by ', ack) : null,
    ...actions(incident, page, about),
  );
}

/** Since when, and whether it is over. */
function when({ start, end, resolved_at, ended, host }) {
  const lasted = length(Date.parse(end) - Date.parse(start));
  if (resolved_at === null)
    return el('p', {}, `Since ${time(start)}, for ${lasted}, last seen ${time(end)}, on `, named(host));
  return el(
    'p',
    {},
    `From ${time(start)} to ${time(end)}, ${lasted}, on `,
    named(host),
    // What is gone is not well again.
    ...(ended === null ? ['; resolved'] : ['; ended: ', named(ended)]),
  );
}

const findingLine = (finding, { members }) =>
  el(
    'p',
    { class: 'quiet' },
    `${finding.rule}: `,
    members.length > 0 && finding.container !== null ? named(`${finding.container} `) : null,
    named(finding.text),
  );

const said = (words, { by, note }) => el('p', {}, words, named(by), note === '' ? null : ': ', named(note));

/** `goes up and down: 5 times in 4 min`. */
function flappingText({ flapping: { times, since, last }, resolved_at }) {
  const tense = resolved_at === null ? 'goes' : 'went';
  return `${tense} up and down: ${times} times in ${length(Date.parse(last) - Date.parse(since))}`;
}

/** A button that does something, about what `title` says, and says what it did. */
export const doingFor = (title, page) => (label, work) =>
  el(
    'button',
    {
      type: 'button',
      'aria-label': `${label}: ${title}`,
      onclick: async () => {
        try {
          const text = await work();
          if (text) page.say(text);
          page.again();
        } catch (error) {
          page.fail(error);
        }
      },
    },
    label,
  );

function actions(incident, page, { silences, plan }) {
  const { id, title, mark, ack, resolved_at } = incident;
  const doing = doingFor(title, page);
  const isFiring = resolved_at === null;
  const isPlanned = isFiring && plan?.id === id;
  const silence = silenceOver(incident, silences);
  const see = async () => {
    await change('PUT', `/incidents/${id}/ack`, { by: WHO });
    return 'Acknowledged: nobody is told of it again until it gets worse.';
  };
  const leave = async () => {
    await change('DELETE', `/incidents/${id}/ack`);
    return 'Acknowledgement taken back: people are told of it again.';
  };
  const say = kind => async () => {
    await change('PUT', `/incidents/${id}/mark`, { kind, by: WHO });
    return kind === 'none' ? 'Mark taken back.' : 'Marked: it counts from the next frame on.';
  };
  return [
    silence ? silencedLine(silence, doing) : null,
    el(
      'p',
      { class: 'actions' },
      isFiring && !ack?.in_force ? doing('Acknowledge', see) : null,
      isFiring && ack?.in_force ? doing('Undo acknowledgement', leave) : null,
      isFiring && !silence && !isPlanned ? doing('Silence…', () => planSilence(incident, page)) : null,
      el('span', { class: 'quiet' }, 'What was it?'),
      ...Object.entries(MARKS)
        .filter(([kind]) => kind !== mark?.kind)
        .map(([kind, label]) => doing(label, say(kind))),
      mark ? doing('Undo mark', say('none')) : null,
    ),
    isPlanned ? planView(incident, plan, page, doing) : null,
  ];
}
