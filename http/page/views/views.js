import { get } from '../api.js';
import { el, named } from '../dom.js';
import { containerList, containersOf, containerView } from './containers.js';
import { doingFor, incidentList, incidentsOf, inOrder, monthOf, otherIncidents } from './incidents.js';
import { mapOf, mapView } from './map.js';
import { normalOf, normalView } from './normal.js';
import { planOf, silenceList, silencesOf } from './silences.js';

/** What each view is made of. */

/** Incidents on the overview. */
const NEWEST = 20;

/** A part of a view: its title, and what is in it once that is read. */
const part = (title, content) =>
  content.then(found => el('section', {}, el('h2', {}, title), ...[found].flat()));

const silenced = (silences, page) =>
  silences.length === 0
    ? el('div', {})
    : el(
        'section',
        {},
        el('h2', {}, 'Silences'),
        silenceList(silences, one => doingFor(one.reason || one.id, page)),
      );

const incidentsPart = (what, page, silences, most) =>
  part(
    'Incidents',
    Promise.all([incidentsOf(what), silences, planOf(page)]).then(([found, kept, plan]) => [
      incidentList(inOrder(found, what.incident).slice(0, most), page, {
        silences: kept,
        incident: what.incident,
        plan,
      }),
      found.length > most
        ? el('p', {}, el('a', { href: page.link({ view: 'incidents' }) }, `All ${found.length} incidents`))
        : '',
    ]),
  );

/** What each view is made of, from top to bottom: each part comes when it is read. */
const VIEWS = {
  now(what, page) {
    const silences = silencesOf();
    const containers = containersOf(what).then(found => containerList(found, page, what));
    return [
      incidentsPart(what, page, silences, NEWEST),
      silences.then(kept => silenced(kept, page)),
      part('Containers', containers),
    ];
  },
  containers: (what, page) => [
    part(
      'Containers',
      containersOf(what).then(found => containerList(found, page, what)),
    ),
  ],
  incidents(what, page) {
    const silences = silencesOf();
    return [
      incidentsPart(what, page, silences, Number.POSITIVE_INFINITY),
      silences.then(kept => silenced(kept, page)),
    ];
  },
  map: (what, page) => [
    part(
      'Who talked to whom',
      mapOf(what).then(map => mapView(map, page, what.rows)),
    ),
  ],
  container: drawContainer,
};

function drawContainer(what, page) {
  const { container } = what;
  // In a glob, each of these stands for itself as `?` at best.
  const glob = { container: container.replace(/[*]/g, '?').slice(0, 300) };
  const isIt = one =>
    one.container === container || one.members?.some(member => member.container === container) === true;
  const found = incidentsOf(what, glob).then(list => list.filter(isIt));
  const normal = normalOf(what, container);
  const list = Promise.all([found, silencesOf(), planOf(page)]).then(([incidents, silences, plan]) =>
    incidentList(incidents, page, { silences, incident: what.incident, container, plan }),
  );
  const others = Promise.all([found, monthOf(what, glob), get('/health')]).then(([shown, month, health]) => {
    const ids = new Set(shown.map(({ id }) => id));
    const host = what.host || health.host;
    const since = health.hosts.find(one => one.host === host)?.first_frame ?? null;
    return otherIncidents(
      month.filter(one => isIt(one) && !ids.has(one.id)),
      page,
      since,
    );
  });
  const traffic = Promise.all([containersOf(what, glob), normal, found]).then(
    ([{ rows, at }, learnt, incidents]) => {
      const parts = rows.filter(one => one.container === container);
      return containerView({ rows: parts, at }, learnt, what, incidents);
    },
  );
  return [
    Promise.resolve(el('h1', {}, named(container))),
    part('Incidents', list),
    part('Other incidents of it', others),
    part('Traffic', traffic),
    part(
      'Whom it talked to',
      mapOf(what, container).then(map => mapView(map, page, what.rows)),
    ),
    part('What is normal here', normal.then(normalView)),
  ];
}

/**
 * The parts of what is asked for, from top to bottom: each comes when it is read.
 * @returns {Promise<Node>[]}
 */
export const partsOf = (what, page) => VIEWS[what.container === null ? what.view : 'container'](what, page);
