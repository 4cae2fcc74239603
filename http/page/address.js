/** What the page shows is in its address, so that it can be kept and sent. */

export const VIEWS = { now: 'Overview', containers: 'Containers', incidents: 'Incidents', map: 'Map' };

const SPANS_MS = { m: 60_000, h: 3_600_000, d: 86_400_000 };

/** What the address asks for. */
export function asked() {
  const query = new URLSearchParams(location.search);
  const view = query.get('view') ?? '';
  const choice = /^\d{1,3}[mhd]$/.test(query.get('range') ?? '') ? query.get('range') : '1h';
  const until = Date.parse(query.get('until') ?? '');
  const spanMs = Number(choice.slice(0, -1)) * SPANS_MS[choice.slice(-1)];
  const range = Number.isNaN(until)
    ? { from: choice }
    : { from: new Date(until - spanMs).toISOString(), to: new Date(until).toISOString() };
  return {
    ...{ view: Object.hasOwn(VIEWS, view) ? view : 'now', choice, range, host: query.get('host') ?? '' },
    ...{ until: Number.isNaN(until) ? null : new Date(until), container: query.get('container') },
    ...{ find: query.get('find') ?? '', incident: query.get('incident'), rows: query.get('rows') },
  };
}

/** The address of this page with other parts; null: without it. */
export function link(parts) {
  const query = new URLSearchParams(location.search);
  if ('view' in parts) query.delete('container');
  if ('view' in parts || 'container' in parts) for (const name of ['find', 'rows']) query.delete(name);
  // What a message led to is left with the first step.
  if (!('rows' in parts)) query.delete('incident');
  for (const [key, value] of Object.entries(parts)) {
    if (value === null || value === '') query.delete(key);
    else query.set(key, value);
  }
  return `/?${query}`;
}

/** How much of what came after an incident is shown, ms. */
const AFTER_MS = 600_000;

/** Where what an incident is about is shown, at its time; of one that is firing, what goes on. */
export function addressOf({ id, host, container, members, start, end, resolved_at }) {
  const until = Date.parse(end) + AFTER_MS;
  const isLong = until - Date.parse(start) > 3_000_000;
  const who = container || (members[0]?.container ?? '');
  return link({
    ...{ view: null, host, range: isLong ? '6h' : '1h', incident: id },
    ...(who === '' ? { view: 'incidents' } : { container: who }),
    until: resolved_at === null || until > Date.now() ? null : new Date(until).toISOString(),
  });
}
