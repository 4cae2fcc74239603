import { el, named } from './dom.js';
import { length, time } from './time.js';

/** Whether what is shown is what goes on: what does not come any more must never look like all is well. */

/** A newest frame that is older is not live, ms: frames may be 60 s long. */
const STALE_MS = 90_000;

/**
 * @param {{ state: 'connecting' | 'live' | 'lost', since: number, refused?: Refused | null }} connection since when, epoch ms,
 *   and what tidegauge says is wrong, if it does
 * @param {{ answer: object, at: number } | null} health the newest that was told, and when, epoch ms; null: nothing yet
 * @param {string} chosen the host that is shown; empty: the one that answers
 * @returns {{ live: string, trouble: (string | Node)[] }} in short, and what has to be said loudly; empty: nothing
 */
export function statusOf(connection, health, chosen, now = Date.now()) {
  if (connection.state === 'lost') return lost(connection, health);
  if (health === null) return { live: 'connecting…', trouble: [] };
  const { hosts, host: own, open_incidents } = health.answer;
  const name = chosen || own;
  const told = hosts.find(({ host }) => host === name)?.silent_ms ?? null;
  const open = `${open_incidents} open`;
  if (told === null)
    return {
      live: `not live, no frames, ${open}`,
      trouble: [
        'No frames of ',
        named(name),
        ' are stored yet: nothing is known of it. The first comes within seconds of the beginning of a capture; ',
        el('code', {}, 'tidegauge doctor'),
        ' on that host says what is missing.',
      ],
    };
  const silent = told + (now - health.at);
  if (silent <= STALE_MS)
    return {
      live: `${connection.state === 'live' ? 'live' : 'connecting…'}, newest frame ${length(silent)} ago, ${open}`,
      trouble: [],
    };
  return {
    live: `not live, newest frame ${length(silent)} ago, ${open}`,
    trouble: [
      'No frames of ',
      named(name),
      ` for ${length(silent)}, since ${time(now - silent)}: what has happened there since then is not known, whatever is shown below. `,
      el('code', {}, 'tidegauge doctor'),
      ' on that host says what is missing.',
    ],
  };
}

function lost({ since, refused = null }, health) {
  const live = 'not connected';
  // The form for a token is shown, and nothing else.
  if (refused?.status === 401) return { live, trouble: [] };
  const asked = 'It is asked again every few seconds. ';
  if (refused !== null)
    return {
      live,
      trouble: [
        `Not live: tidegauge has told this page no news since ${time(since)}: `,
        named(refused.message),
        ` ${asked}Until then reload the page to see what is new.`,
      ],
    };
  return {
    live,
    trouble: [
      `Not live: tidegauge has not answered since ${time(since)}. ${asked}`,
      health === null ? 'Nothing is known.' : 'What is shown is from before that.',
    ],
  };
}
