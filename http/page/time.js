/** Times as reports and terminals write them: 24 hours a day, in the zone of the browser, which the page names once. */

const pad = n => String(n).padStart(2, '0');
const dayOf = at => `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())}`;
const minuteOf = at => `${pad(at.getHours())}:${pad(at.getMinutes())}`;

/** `22:05:00` of today, else `2026-01-31 22:05:00`. */
export function time(iso, now = new Date()) {
  const at = new Date(iso);
  const clock = `${minuteOf(at)}:${pad(at.getSeconds())}`;
  return dayOf(at) === dayOf(now) ? clock : `${dayOf(at)} ${clock}`;
}

/** `2026-01-31 22:05`, as `readTime` takes it. */
export const minuteText = at => `${dayOf(at)} ${minuteOf(at)}`;

/** A day, if not today, and a time of it; null: there is none in the text. */
export function readTime(text, now = new Date()) {
  const [, day = dayOf(now), hour, minute, second = '00'] =
    /^\s*(?:(\d{4}-\d\d-\d\d)[ T]+)?(\d\d?):(\d\d)(?::(\d\d))?\s*$/.exec(text) ?? [];
  if (hour === undefined) return null;
  const at = new Date(`${day}T${hour.padStart(2, '0')}:${minute}:${second}`);
  // What is no day or hour, such as the 31st of a month of 30 days, is none or another one.
  return minuteText(at) === `${day} ${hour.padStart(2, '0')}:${minute}` ? at : null;
}

/** `Europe/Berlin, UTC+01:00`. */
export function zoneText(at = new Date()) {
  const minutes = -at.getTimezoneOffset();
  const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60];
  const offset = minutes === 0 ? 'UTC' : `UTC${minutes < 0 ? '-' : '+'}${pad(hours)}:${pad(rest)}`;
  const name = Intl.DateTimeFormat().resolvedOptions().timeZone ?? '';
  return name === '' || name === 'UTC' ? offset : `${name}, ${offset}`;
}

/** `2 h 5 min`. */
export function length(ms) {
  const minutes = Math.round(ms / 60_000);
  if (minutes < 1) return `${Math.round(ms / 1000)} s`;
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}
