import { all, change, kept } from './api.js';
import { el, length, named, time } from './dom.js';

/** Incidents, and what a person can do about one. */

/** Who says what is said here; where a token is needed, its name counts instead. */
const WHO = 'the page';
/** Other incidents that are listed. */
const OTHERS = 20;
/** Containers of one incident whose traffic is linked. */
const LINKED = 5;
/** The longest value of a matcher. */
const LONGEST_VALUE = 200;
const MARKS = { 'false-alarm': 'False alarm', expected: 'Expected', real: 'Real' };

export const incidentsOf = ({ range, host }, more = {}) =>
  all('/incidents', { ...range, ...(host === '' ? {} : { host }), ...more }, 500);

/** Those of the last month; a minute old at most. */
export const monthOf = ({ host }, more) =>
  kept(60_000, '/incidents', { from: '30d', ...(host === '' ? {} : { host }), ...more }, (path, query) =>
    all(path, query, 500),
  );

/** @param {{ say: (text: string) => void, again: () => void, link: (query: object) => string }} page */
export function incidentList(incidents, page) {
  if (incidents.length === 0) return el('p', { class: 'quiet' }, 'No incidents in this range.');
  return el('div', {}, ...incidents.map(incident => card(incident, page)));
}

/** Others of the same, in short: whether this happened before. */
export function otherIncidents(incidents, page) {
  if (incidents.length === 0) return el('p', { class: 'quiet' }, 'None in the last 30 days.');
  const shown = incidents.slice(0, OTHERS);
  return el(
    'div',
    {},
    el(
      'ul',
      { class: 'others' },
      ...shown.map(({ severity, title, start, end, mark }) =>
        el(
          'li',
          { class: severity },
          el('a', { href: page.link({ until: end, range: '1h' }) }, time(start)),
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

function card(incident, page) {
  const { id, severity, title, start, end, resolved_at, ended, host, container, members, findings } =
    incident;
  const { mark, ack, flapping } = incident;
  const names = (members.length > 0 ? members.map(one => one.container) : [container]).filter(Boolean);
  const lasted = length(Date.parse(end) - Date.parse(start));
  const state =
    resolved_at === null
      ? `firing, seen for ${lasted} until ${time(end)}`
      : `lasted ${lasted}, ${ended === null ? 'resolved' : 'ended'}`;
  return el(
    'article',
    { class: `incident ${severity}`, 'aria-labelledby': `incident-${id}` },
    el('span', { class: 'severity' }, severity),
    el('h3', { id: `incident-${id}` }, named(title)),
    el(
      'p',
      {},
      `since ${time(start)}, ${state}, on `,
      named(host),
      ended === null ? null : el('span', {}, ': ', named(ended)),
    ),
    flapping ? el('p', {}, flappingText(incident)) : null,
    ...findings
      .slice(0, 3)
      .map(finding =>
        el(
          'p',
          { class: 'quiet' },
          `${finding.rule}: `,
          members.length > 0 && finding.container !== null ? named(`${finding.container} `) : null,
          named(finding.text),
        ),
      ),
    ...names
      .slice(0, LINKED)
      .map(name =>
        el('p', {}, el('a', { href: page.link({ host, container: name }) }, 'Traffic of ', named(name))),
      ),
    mark
      ? el(
          'p',
          {},
          `${MARKS[mark.kind] ?? mark.kind}, says `,
          named(mark.by),
          mark.note === '' ? null : ': ',
          named(mark.note),
        )
      : null,
    ack
      ? el('p', {}, 'Acknowledged by ', named(ack.by), ack.note === '' ? null : ': ', named(ack.note))
      : null,
    actions(incident, page),
  );
}

/** `goes up and down: 5 times in 4 min`. */
function flappingText({ flapping: { times, since, last }, resolved_at }) {
  const tense = resolved_at === null ? 'goes' : 'went';
  return `${tense} up and down: ${times} times in ${length(Date.parse(last) - Date.parse(since))}`;
}

/**
 * What is silenced with an incident: its container, its service, or what is about the host as a whole. One of several is
 * held when each of them is: their service is silenced, else each by its name, else all of the host.
 */
export function subjectOf({ host, service, container, members = [] }) {
  // A pattern of the name itself; what would be a wildcard in it fits one character.
  const itself = name => name.replaceAll('*', '?');
  if (members.length > 0) {
    const common = members[0].service;
    const isOne = common !== '' && members.every(one => one.service === common);
    if (isOne) return { host: itself(host), service: itself(common) };
    const names = members.map(one => one.container.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')).join('|');
    const isShort = names.length <= LONGEST_VALUE;
    return {
      host: itself(host),
      ...(isShort ? { matchers: [`container=~"${names.replace(/[\\"]/g, '\\$&')}"`] } : {}),
    };
  }
  if (container !== '') return { host: itself(host), container: itself(container) };
  if (service !== '') return { host: itself(host), service: itself(service) };
  return { host: itself(host), matchers: ['service=""', 'container=""'] };
}

/** Whether others of the host are silenced as well: whoever wanted one incident quiet has to know. */
export const isAllOfHost = ({ service, container, matchers }) => !service && !container && !matchers;

function actions(incident, page) {
  const { id, title, mark, ack, resolved_at } = incident;
  const doing = (label, work) =>
    el(
      'button',
      {
        type: 'button',
        'aria-label': `${label}: ${title}`,
        onclick: async () => {
          try {
            page.say(await work());
            page.again();
          } catch (error) {
            page.say(error.message);
          }
        },
      },
      label,
    );
  const silence = async () => {
    const subject = subjectOf(incident);
    const { until } = await change('POST', '/silences', {
      ...subject,
      for: '2h',
      ...{ reason: `incident ${id}`, owner: WHO },
    });
    return `Silenced until ${time(until)}${isAllOfHost(subject) ? ', with all else of its host' : ''}.`;
  };
  const see = async () => {
    await change('PUT', `/incidents/${id}/ack`, { by: WHO });
    return 'Acknowledged: nobody is told of it again until it gets worse.';
  };
  const say = kind => async () => {
    await change('PUT', `/incidents/${id}/mark`, { kind, by: WHO });
    return kind === 'none' ? 'Mark taken back.' : 'Marked: it counts from the next frame on.';
  };
  return el(
    'p',
    { class: 'actions' },
    resolved_at === null && !ack?.in_force ? doing('Acknowledge', see) : null,
    doing('Silence for 2 h', silence),
    ...Object.entries(MARKS)
      .filter(([kind]) => kind !== mark?.kind)
      .map(([kind, label]) => doing(label, say(kind))),
    mark ? doing('Undo', say('none')) : null,
  );
}
