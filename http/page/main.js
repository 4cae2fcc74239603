import { addressOf, asked, link, VIEWS } from './address.js';
import { follow, get, keepToken, Refused } from './api.js';
import { el } from './dom.js';
import { statusOf } from './status.js';
import { minuteText, readTime, zoneText } from './time.js';
import { partsOf } from './views/views.js';

/** The page: it draws what its address asks for, and again when something has changed. */

const byId = id => document.getElementById(id);
/** How long something that was done is said, ms. */
const SAID_MS = 15_000;
/** How often traffic is drawn anew: the step of the last hour's rates, ms. */
const TRAFFIC_MS = 60_000;

let saying;
function write(text) {
  clearTimeout(saying);
  byId('said').textContent = text;
}

const page = {
  link,
  /** What a silence would be, see views/silences.js; null: none is planned. */
  plan: null,
  say(text) {
    write(text);
    saying = setTimeout(() => write(''), SAID_MS);
  },
  /** What went wrong stays until the next click. */
  fail: error => write(error.message),
  again: () => draw(),
  /** What is looked for is a part of the address, but no step of its history. */
  look(find) {
    history.replaceState(null, '', link({ find }));
  },
};

let drawing = 0;
/** The address of which parts are shown, or on their way; null: of none. */
let shown = null;
/** When all of it was there last, epoch ms. */
let drawnAt = 0;

/** Shows what the address asks for; what comes after something newer was asked for is dropped. */
async function draw() {
  const mine = ++drawing;
  const main = byId('content');
  main.setAttribute('aria-busy', 'true');
  try {
    drawChoice(asked());
    await leadTo(asked());
    if (mine !== drawing) return;
    const what = asked();
    drawChoice(what);
    const parts = partsOf(what, page);
    // Another view begins to show at once; the same is exchanged when all of it is there, and nothing jumps.
    if (shown !== location.search) fill(main, parts);
    shown = location.search;
    const content = await Promise.all(parts);
    if (mine !== drawing) return;
    replace(content);
    drawnAt = Date.now();
  } catch (error) {
    if (mine !== drawing) return;
    if (error instanceof Refused && error.status === 401) replace([tokenForm()]);
    else replace([el('p', { role: 'alert' }, error.message)]);
    shown = null;
  }
}

/** A place for each part, in which it appears when it is read. */
function fill(main, parts) {
  const places = parts.map(() => el('div', { class: 'skeleton', 'aria-hidden': 'true' }, el('div')));
  main.replaceChildren(...places);
  parts.forEach((one, i) => {
    one.then(
      content => places[i].replaceWith(content),
      () => undefined,
    );
  });
}

/** From the link in a message to what the incident is about. */
async function leadTo({ incident, container, view }) {
  if (incident === null || container !== null || view === 'incidents') return;
  const found = await get(`/incidents/${encodeURIComponent(incident)}`);
  if (asked().incident === incident) history.replaceState(null, '', addressOf(found));
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
  const same = [...main.querySelectorAll('a, button, input, select')].find(
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
  // Whoever is writing there has not asked for it yet.
  if (document.activeElement !== byId('until')) byId('until').value = until === null ? '' : minuteText(until);
  byId('zone').textContent = `times: ${zoneText(until ?? new Date())}`;
}

function tokenForm() {
  const input = el('input', { type: 'password', id: 'token', autocomplete: 'off', required: true });
  const keep = event => {
    event.preventDefault();
    keepToken(input.value.trim());
    void draw();
  };
  return el(
    'form',
    { onsubmit: keep },
    el('p', {}, 'This address is for who has a token of http.tokens.'),
    el('label', { for: 'token' }, 'Token '),
    input,
    ' ',
    el('button', {}, 'Show'),
  );
}

/** The newest that was told of hosts, and when. */
let health = null;
let connection = { state: 'connecting', since: Date.now() };

function drawHealth() {
  const { live, trouble } = statusOf(connection, health, asked().host);
  if (byId('live').textContent !== live) byId('live').textContent = live;
  const banner = byId('trouble');
  const said = el('p', {}, ...trouble);
  if (banner.textContent !== said.textContent) banner.replaceChildren(...(trouble.length > 0 ? [said] : []));
  const open = health?.answer.open_incidents ?? 0;
  const mark = trouble.length > 0 ? '(!) ' : open > 0 ? `(${open}) ` : '';
  document.title = `${mark}tidegauge`;
}

function heard(answer) {
  health = { answer, at: Date.now() };
  const select = byId('host');
  const names = [...new Set([answer.host, ...answer.hosts.map(({ host }) => host)])];
  if (JSON.stringify(names) !== JSON.stringify([...select.options].map(({ value }) => value)))
    select.replaceChildren(...names.map(name => el('option', { value: name }, name)));
  select.value = asked().host || answer.host;
  drawHealth();
}

function navigate(address) {
  history.pushState(null, '', address);
  write('');
  drawHealth();
  void draw().then(() => byId('content').focus({ preventScroll: true }));
}

// Before what the click does, which may have something to say.
document.addEventListener('click', () => write(''), { capture: true });
document.addEventListener('click', event => {
  const target = event.target.closest?.('a[href^="/?"]');
  if (!target || event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
  event.preventDefault();
  navigate(target.getAttribute('href'));
  // From the middle of one view to the top of another; more of the same stays where it is.
  if (!target.getAttribute('href').includes('rows=')) window.scrollTo(0, 0);
});
window.addEventListener('popstate', () => void draw());
byId('choice').addEventListener('submit', event => event.preventDefault());
byId('choice').addEventListener('change', () => {
  const written = byId('until').value.trim();
  const until = written === '' ? null : readTime(written);
  byId('until').setAttribute('aria-invalid', String(written !== '' && until === null));
  if (written !== '' && until === null) {
    const remedy = `Write it as ${minuteText(new Date())}, or 22:05 of today; empty is now.`;
    write(`“${written}” is no time. ${remedy}`);
    return;
  }
  const parts = { host: byId('host').value, range: byId('range').value };
  navigate(link({ ...parts, until: until === null ? null : until.toISOString() }));
});

/** What goes on is drawn again; nobody looks at a page that is hidden, nor does history change, but what a silence would do. */
function refresh() {
  if (!document.hidden && (asked().until === null || page.plan !== null)) void draw();
}
document.addEventListener('visibilitychange', refresh);
// Frames that do not come any more are no news by themselves.
setInterval(drawHealth, 1000);

void draw();
const ask = () => void get('/health').then(heard, () => undefined);
ask();
void follow({
  change: refresh,
  health(answer) {
    heard(answer);
    const isUnderWay = byId('content').getAttribute('aria-busy') === 'true';
    if (!isUnderWay && Date.now() - drawnAt >= TRAFFIC_MS) refresh();
  },
  state(isConnected, refused) {
    const wasLost = connection.state === 'lost';
    const since = wasLost && !isConnected ? connection.since : Date.now();
    connection = { state: isConnected ? 'live' : 'lost', since, refused };
    drawHealth();
    // Its tokens are other ones than when this was drawn.
    if (refused?.status === 401 && byId('token') === null) void draw();
    if (!isConnected || !wasLost) return;
    // What has changed meanwhile was told to nobody.
    ask();
    refresh();
  },
});
