import { all, change, get } from '../api.js';
import { el, named } from '../dom.js';
import { time } from '../time.js';

/** Silences: what one would keep back before it is there, what is kept back now, and how to end it. */

/** Who says what is said here; where a token is needed, its name counts instead. */
export const WHO = 'the page';
/** How long one may last; the first that is offered is the second. */
const LENGTHS = { '30m': '30 min', '2h': '2 h', '8h': '8 h', '1d': '1 day' };
const USUAL = '2h';
/** Names of containers that are listed. */
const NAMED = 8;
/** Silences that are listed. */
const LISTED = 20;
/** The longest value of a matcher. */
const LONGEST_VALUE = 200;

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

/** Those in force. */
export const silencesOf = async () => (await get('/silences')).filter(one => one.in_force);

/** The silence that keeps an incident back, the last to end of several; undefined: none. */
export const silenceOver = ({ id }, silences) => silences.findLast(({ holds }) => holds.includes(id));

/** From the next drawing on an incident has beneath it what a silence would keep back. */
export async function planSilence(incident, page) {
  const subject = subjectOf(incident);
  const containers = await containersIn(incident, subject);
  page.plan = { id: incident.id, subject, containers, length: USUAL };
}

/**
 * What is planned, with what it would keep back now (`would`): others may have begun to fire since the drawing before.
 * Null: nothing is, or that cannot be had, which is said.
 */
export async function planOf(page) {
  const { plan } = page;
  if (plan === null) return null;
  try {
    return { ...plan, would: await change('POST', '/silences', { ...wished(plan), dry_run: true }) };
  } catch (error) {
    if (page.plan === plan) page.plan = null;
    page.fail(error);
    return null;
  }
}

const wished = ({ id, subject, length }) => ({
  ...subject,
  for: length,
  reason: `incident ${id}`,
  owner: WHO,
});

/** Names of the containers that a subject is about; null: none of them, but the host itself. */
async function containersIn({ host, container, members = [] }, subject) {
  if (subject.container) return [container];
  if (subject.matchers) return members.length > 0 ? members.map(one => one.container) : null;
  const glob = subject.service ? { service: subject.service } : {};
  const rows = await all('/containers', { from: '1h', step: '1h', host, ...glob });
  return [...new Set(rows.map(one => one.container))];
}

/** The plan, to be kept, changed or dropped. `doing`: a button that does something and says so. */
export function planView(incident, plan, page, doing) {
  const { length, subject, would, containers } = plan;
  const drop = () => {
    page.plan = null;
    page.again();
  };
  const keep = doing('Silence now', async () => {
    const { until } = await change('POST', '/silences', wished(plan));
    page.plan = null;
    return `Silenced until ${time(until)}. “End silence” takes it back.`;
  });
  const choose = event => {
    page.plan = { ...plan, length: event.target.value };
    // What it would keep back for so long is not there before the next drawing.
    keep.disabled = true;
    page.again();
  };
  return el(
    'div',
    { class: 'plan', role: 'group', 'aria-label': `Silence: ${incident.title}` },
    el(
      'p',
      {},
      isAllOfHost(subject) ? el('strong', {}, 'All of ') : null,
      ...whose(incident, subject, containers),
    ),
    el(
      'p',
      { role: 'status' },
      `Until ${time(would.until)} nobody is told. It keeps back ${holdsText(incident, would)}. Incidents are found and shown all the same, and what still fires at the end is sent then.`,
    ),
    el(
      'p',
      { class: 'actions' },
      el(
        'label',
        {},
        'for ',
        el(
          'select',
          { 'aria-label': `How long: ${incident.title}`, onchange: choose },
          ...Object.entries(LENGTHS).map(([value, text]) =>
            el('option', { value, selected: value === length }, text),
          ),
        ),
      ),
      keep,
      el('button', { type: 'button', 'aria-label': `Cancel: ${incident.title}`, onclick: drop }, 'Cancel'),
    ),
  );
}

function whose({ host, service }, subject, containers) {
  const on = [' on ', named(host)];
  if (containers === null)
    return ['What is about the host ', named(host), ' itself, and none of its containers.'];
  const names = containers.slice(0, NAMED).flatMap((name, i) => [i > 0 ? ', ' : '', named(name)]);
  const more = containers.length > NAMED ? ` and ${containers.length - NAMED} more` : '';
  if (isAllOfHost(subject)) return [named(host), `: ${containers.length} containers, `, ...names, more, '.'];
  if (subject.service)
    return ['Service ', named(service || subject.service), ...on, ': ', ...names, more, '.'];
  return [containers.length === 1 ? 'Container ' : 'Containers ', ...names, more, ...on, '.'];
}

function holdsText({ id }, { holds }) {
  const others = holds.filter(held => held !== id).length;
  const rest = others === 1 ? '1 other incident that fires' : `${others} other incidents that fire`;
  if (!holds.includes(id)) return others === 0 ? 'no incident that fires now' : rest;
  return others === 0 ? 'this incident and no other' : `this incident and ${rest}`;
}

/** `Silenced until 22:05:00 by anna: deploy`, with what ends it. */
export function silencedLine(silence, doing) {
  const { id, kind, until, owner, reason } = silence;
  const what = { silence: 'Silenced', deploy: 'Kept back during a deploy', maintenance: 'Maintenance' }[kind];
  const end = async () => {
    await change('DELETE', `/silences/${id}`);
    return 'Silence ended: what it kept back and still fires is sent.';
  };
  return el(
    'p',
    { class: 'actions' },
    el(
      'span',
      {},
      `${what} until ${time(until)} by `,
      named(owner),
      reason === '' ? null : ': ',
      named(reason),
    ),
    // A window of the configuration ends by the clock.
    kind === 'maintenance' ? null : doing(kind === 'deploy' ? 'End deploy' : 'End silence', end),
  );
}

/** All that is in force, also what keeps nothing back now. */
export function silenceList(silences, doing) {
  const shown = silences.slice(0, LISTED);
  return el(
    'ul',
    { class: 'silences' },
    ...shown.map(silence =>
      el(
        'li',
        {},
        el('span', {}, ...subjectOfSilence(silence), ` (${heldText(silence)})`),
        silencedLine(silence, doing(silence)),
      ),
    ),
    silences.length > shown.length
      ? el('li', { class: 'quiet' }, `${silences.length - shown.length} more.`)
      : null,
  );
}

const heldText = ({ holds }) =>
  holds.length === 0
    ? 'keeps nothing back now'
    : `keeps back ${holds.length === 1 ? '1 incident' : `${holds.length} incidents`}`;

function subjectOfSilence({ host, service, container, matchers }) {
  const parts = Object.entries({ container, service, host }).filter(([, glob]) => glob !== '*');
  const words = [
    ...parts.map(([part, glob]) => [`${part} `, named(glob)]),
    ...matchers.map(text => [named(text)]),
  ];
  return words.length === 0 ? ['everything'] : words.flatMap((word, i) => [i > 0 ? ', ' : '', ...word]);
}
