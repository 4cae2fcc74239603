import { follow, get, keepToken, Refused } from './api.js';
import { containerList, containersOf, containerView } from './containers.js';
import { el, length, named } from './dom.js';
import { incidentList, incidentsOf, monthOf, otherIncidents } from './incidents.js';
import { mapOf, mapView } from './map.js';
import { normalOf, normalView } from './normal.js';

/** The page: what it shows is in its address, so that it can be kept and sent. */

const VIEWS = { now: 'Overview', containers: 'Containers', incidents: 'Incidents', map: 'Map' };
const byId = id => document.getElementById(id);

/** What the address asks for. */
function asked() {
  const query = new URLSearchParams(location.search);
  const view = query.get('view') ?? '';
  const choice = /^\d{1,3}[mhd]$/.test(query.get('range') ?? '') ? query.get('range') : '1h';
  const until = Date.parse(query.get('until') ?? '');
  const spans = { m: 60_000, h: 3_600_000, d: 86_400_000 };
  const spanMs = Number(choice.slice(0, -1)) * spans[choice.slice(-1)];
  const range = Number.isNaN(until)
    ? { from: choice }
    : { from: new Date(until - spanMs).toISOString(), to: new Date(until).toISOString() };
  return {
    ...{ view: Object.hasOwn(VIEWS, view) ? view : 'now', choice, range, host: query.get('host') ?? '' },
    ...{ until: Number.isNaN(until) ? null : new Date(until), container: query.get('container') },
    ...{ find: query.get('find') ?? '', incident: query.get('incident') },
  };
}

/** The address of this page with other parts. */
function link(parts) {
  const query = new URLSearchParams(location.search);
  if ('view' in parts) query.delete('container');
  if ('view' in parts || 'container' in parts) query.delete('find');
  // What a message led to is left with the first step.
  query.delete('incident');
  for (const [key, value] of Object.entries(parts)) {
    if (value === null || value === '') query.delete(key);
    else query.set(key, value);
  }
  return `/?${query}`;
}

const page = {
  link,
  say(text) {
    byId('said').textContent = text;
  },
  again: () => draw(),
  /** What is looked for is a part of the address, but no step of its history. */
  look(find) {
    history.replaceState(null, '', link({ find }));
  },
};

const section = (title, ...content) => el('section', {}, el('h2', {}, title), ...content);

const DRAW = {
  async now(what) {
    const [incidents, containers] = await Promise.all([incidentsOf(what), containersOf(what)]);
    return [
      section('Incidents', incidentList(incidents.slice(0, 20), page)),
      section('Containers', containerList(containers, page, what.find)),
    ];
  },
  containers: async what => [section('Containers', containerList(await containersOf(what), page, what.find))],
  incidents: async what => [section('Incidents', incidentList(await incidentsOf(what), page))],
  map: async what => [section('Who talked to whom', mapView(await mapOf(what), page))],
  async container(what) {
    const { container } = what;
    // In a glob, each of these stands for itself as `?` at best.
    const glob = { container: container.replace(/[*]/g, '?').slice(0, 300) };
    const isIt = one => one.container === container;
    const [incidents, month, parts, map, normal] = await Promise.all([
      incidentsOf(what, glob),
      monthOf(what, glob),
      containersOf(what, glob),
      mapOf(what, container),
      normalOf(what, container),
    ]);
    const shown = new Set(incidents.map(({ id }) => id));
    return [
      el('h1', {}, named(container)),
      containerView(parts.filter(isIt), normal, what),
      section('Incidents', incidentList(incidents.filter(isIt), page)),
      section(
        'Other incidents of it',
        otherIncidents(
          month.filter(one => isIt(one) && !shown.has(one.id)),
          page,
        ),
      ),
      section('What is normal here', normalView(normal)),
      section('Whom it talked to', mapView(map, page)),
    ];
  },
};

let drawing = 0;

/** Shows what the address asks for; what comes after something newer was asked for is dropped. */
async function draw() {
  const mine = ++drawing;
  byId('content').setAttribute('aria-busy', 'true');
  try {
    drawChoice(asked());
    const { incident } = asked();
    const address = incident === null ? null : await addressOf(incident);
    if (mine !== drawing) return;
    if (address !== null) history.replaceState(null, '', address);
    const what = asked();
    drawChoice(what);
    const content = await DRAW[what.container === null ? what.view : 'container'](what);
    if (mine === drawing) replace(content);
  } catch (error) {
    if (mine !== drawing) return;
    if (error instanceof Refused && error.status === 401) replace([tokenForm()]);
    else replace([el('p', { role: 'alert' }, error.message)]);
  }
}

/** How much of what came after an incident is shown, ms. */
const AFTER_MS = 600_000;

/** From the link in a message to what the incident is about, at its time; of one that is firing to what goes on. */
async function addressOf(id) {
  const { host, container, members, start, end, resolved_at } = await get(
    `/incidents/${encodeURIComponent(id)}`,
  );
  const until = Date.parse(end) + AFTER_MS;
  const isLong = until - Date.parse(start) > 3_000_000;
  const who = container || (members[0]?.container ?? '');
  return link({
    ...{ view: null, host, range: isLong ? '6h' : '1h' },
    ...(who === '' ? { view: 'incidents' } : { container: who }),
    until: resolved_at === null || until > Date.now() ? null : new Date(until).toISOString(),
  });
}

/** Whoever is reading a list or about to press a button is not disturbed. */
function replace(content) {
  const main = byId('content');
  const { scrollTop = 0 } = main.querySelector('.list') ?? {};
  const focused = main.contains(document.activeElement) ? document.activeElement : null;
  const mark = focused && [focused.getAttribute('href'), focused.getAttribute('aria-label')];
  main.replaceChildren(...content);
  main.setAttribute('aria-busy', 'false');
  const list = main.querySelector('.list');
  if (list) list.scrollTop = scrollTop;
  if (!mark) return;
  const same = [...main.querySelectorAll('a, button, input')].find(
    one => one.getAttribute('href') === mark[0] && one.getAttribute('aria-label') === mark[1],
  );
  (same ?? main).focus({ preventScroll: true });
}

function drawChoice({ view, choice, host, until, container }) {
  byId('views').replaceChildren(
    ...Object.entries(VIEWS).map(([name, title]) =>
      el(
        'a',
        { href: link({ view: name }), 'aria-current': container === null && name === view ? 'page' : null },
        title,
      ),
    ),
  );
  byId('range').value = choice;
  if (host !== '') byId('host').value = host;
  const pad = n => String(n).padStart(2, '0');
  byId('until').value =
    until === null
      ? ''
      : `${until.getFullYear()}-${pad(until.getMonth() + 1)}-${pad(until.getDate())}T${pad(until.getHours())}:${pad(until.getMinutes())}`;
}

function tokenForm() {
  const input = el('input', { type: 'password', id: 'token', autocomplete: 'off', required: true });
  const keep = event => {
    event.preventDefault();
    keepToken(input.value.trim());
    void begin();
  };
  return el(
    'form',
    { onsubmit: keep },
    el('label', { for: 'token' }, 'Token '),
    input,
    el('button', {}, 'Show'),
  );
}

/** Which hosts there are, and how new what they sent is. */
async function drawHealth() {
  const { hosts, host, open_incidents } = await get('/health');
  const select = byId('host');
  const names = [...new Set([host, ...hosts.map(each => each.host)])];
  const chosen = asked().host || host;
  select.replaceChildren(
    ...names.map(name => el('option', { value: name, selected: name === chosen }, name)),
  );
  const silent = hosts.find(each => each.host === chosen)?.silent_ms ?? null;
  const age = silent === null ? 'no frames of this host' : `newest frame ${length(silent)} ago`;
  const state = connection === 'live' && (silent === null || silent > STALE_MS) ? 'not live' : connection;
  byId('live').textContent = `${state}, ${age}, ${open_incidents} open`;
  document.title = open_incidents > 0 ? `(${open_incidents}) tidegauge` : 'tidegauge';
}

/** A newest frame that is older is not live, ms: frames may be 60 s long. */
const STALE_MS = 90_000;

/** `connecting…` until the first answer: only what was tried and failed is `not connected`. */
let connection = 'connecting…';

function navigate(address) {
  history.pushState(null, '', address);
  page.say('');
  void draw().then(() => byId('content').focus({ preventScroll: true }));
}

document.addEventListener('click', event => {
  const target = event.target.closest?.('a[href^="/?"]');
  if (!target || event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
  event.preventDefault();
  navigate(target.getAttribute('href'));
});
window.addEventListener('popstate', () => void draw());
byId('choice').addEventListener('submit', event => event.preventDefault());
byId('choice').addEventListener('change', () => {
  const until = new Date(byId('until').value);
  const parts = { host: byId('host').value, range: byId('range').value };
  navigate(link({ ...parts, until: Number.isNaN(until.getTime()) ? null : until.toISOString() }));
  void drawHealth();
});

async function begin() {
  await Promise.all([drawHealth().catch(() => undefined), draw()]);
}

void begin();
void follow(
  () => {
    void drawHealth().catch(() => undefined);
    if (asked().until === null) void draw();
  },
  connected => {
    connection = connected ? 'live' : 'not connected';
    void drawHealth().catch(error => {
      byId('live').textContent = `not connected: ${error.message}`;
    });
  },
);
