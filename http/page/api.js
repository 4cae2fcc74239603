/** Requests to the API of the process that this page came from. */

const KEY = 'tidegauge-token';

/** What the API says is wrong. */
export class Refused extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

export const keepToken = token => sessionStorage.setItem(KEY, token);

function headers(more = {}) {
  const token = sessionStorage.getItem(KEY);
  return token === null ? more : { ...more, authorization: `Bearer ${token}` };
}

/** Throws a Refused. */
export async function get(path, query = {}) {
  return (await ask(`${path}?${new URLSearchParams(query)}`)).value;
}

/** All pages of a list, at most `most` rows. */
export async function all(path, query, most = 10_000) {
  const rows = [];
  for (let next = `${path}?${new URLSearchParams({ ...query, limit: '1000' })}`; next !== null; ) {
    const answer = await ask(next);
    rows.push(...answer.value);
    next = rows.length < most ? answer.next : null;
  }
  return rows;
}

/** Answers that are kept at most. */
const KEPT = 8;
const answers = new Map();

/**
 * What `read` (`get` or `all`) answered in the last `ms`, or answers now: what is heavy to read is not read again with
 * every change. One that failed is not kept.
 */
export function kept(ms, path, query, read) {
  const key = JSON.stringify([path, query]);
  const known = answers.get(key);
  if (known && Date.now() - known.at < ms) return known.answer;
  const one = { at: Date.now(), answer: read(path, query) };
  answers.delete(key);
  answers.set(key, one);
  one.answer.catch(() => answers.get(key) === one && answers.delete(key));
  if (answers.size > KEPT) answers.delete(answers.keys().next().value);
  return one.answer;
}

export async function change(method, path, body) {
  return (await ask(path, { method, body: JSON.stringify(body), type: 'application/json' })).value;
}

async function ask(path, { method = 'GET', body, type } = {}) {
  const answer = await fetch(`/api/v1${path}`, {
    method,
    headers: headers(type ? { 'content-type': type } : {}),
    ...(body === undefined ? {} : { body }),
  }).catch(error => {
    throw new Refused(0, `tidegauge does not answer: ${error.message}`);
  });
  const value = await answer.json();
  if (!answer.ok) throw new Refused(answer.status, value.detail ?? `status ${answer.status}`);
  const [, next = null] = /^<\/api\/v1([^>]*)>; rel="next"$/.exec(answer.headers.get('link') ?? '') ?? [];
  return { value, next };
}

/** A line comes every 5 s, also without news: a connection on which nothing has come for so long is dead, ms. */
const SILENT_MS = 20_000;
const AGAIN_MS = 5000;

/**
 * Tells what goes on: `on.change()` when incidents or silences are other ones, `on.health(answer)` when frames came, and
 * `on.state(isConnected, refused)`; `refused`: what tidegauge says is wrong, null when it says nothing. Comes back after
 * a break.
 */
export async function follow(on) {
  for (;;) {
    const dead = new AbortController();
    let refused = null;
    let timer;
    const wait = () => {
      clearTimeout(timer);
      timer = setTimeout(() => dead.abort(), SILENT_MS);
    };
    try {
      wait();
      const answer = await fetch('/api/v1/events', { headers: headers(), signal: dead.signal });
      // Who stands between and answers in its place does not do so in JSON.
      if (!answer.ok) throw new Refused(answer.status, (await answer.json()).detail);
      on.state(true, null);
      let text = '';
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      // Not every browser can loop over a stream.
      for (let part = await reader.read(); !part.done; part = await reader.read()) {
        wait();
        text += part.value;
        const events = text.split('\n\n');
        text = events.pop() ?? '';
        for (const event of events) tell(event, on);
      }
    } catch (error) {
      // Said by `on.state`, and tried again.
      if (error instanceof Refused) refused = error;
    }
    clearTimeout(timer);
    on.state(false, refused);
    await new Promise(resolve => setTimeout(resolve, AGAIN_MS));
  }
}

function tell(event, on) {
  // A name may hold what `.` takes for the end of a line.
  const [, name, data] = /^event: (\w+)\ndata: (.*)$/s.exec(event) ?? [];
  if (name === 'change') on.change();
  if (name === 'health') on.health(JSON.parse(data));
}
