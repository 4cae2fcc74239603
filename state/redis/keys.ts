import type { Notification } from '../../core/incident/incident.ts';
import { keyText } from '../records.ts';

/**
 * All keys of state in Redis. The braces make them one slot of a cluster (scripts touch several at once); only the
 * last part of a key is text from outside, so that no two can be confused.
 */
export function stateKeys(prefix: string) {
  const base = `{${prefix}}:state:`;
  return {
    /** Number of lanes, a string. */
    lanes: `${base}lanes`,
    /** `RUN TOKEN OWNER`, expires; RUN is the server's run id when it was taken. */
    lease: (name: string) => `${base}lease:${keyText(name)}`,
    /** The newest token of a lease, never expires: it must grow for ever. */
    token: (name: string) => `${base}token:${keyText(name)}`,

    /** Sorted set: owner by the end of its announcement, ms of Redis' own time. */
    members: `${base}members`,

    /** Set of the names of all histories of checkpoints: JSON [host, fingerprint]. */
    histories: `${base}histories`,
    /** Sorted set: `last`. */
    checkpointTimes: (history: string) => `${base}checkpoint-times:${history}`,
    /** Hash: `last` -> checkpoint. */
    checkpoints: (history: string) => `${base}checkpoints:${history}`,

    /** Hash: host -> greatest `last` of its checkpoints. */
    folded: `${base}folded`,

    /** Hash: host -> its newest frame. */
    lastSeen: `${base}last-seen`,
    /** Sorted set: host by the start of that frame. */
    lastSeenStarts: `${base}last-seen-starts`,

    /** Hash: id -> incident. */
    incidents: `${base}incidents`,
    /** Sorted sets: id by start, by end, and (only the resolved) by resolution. */
    incidentStarts: `${base}incident-starts`,
    incidentEnds: `${base}incident-ends`,
    incidentResolutions: `${base}incident-resolutions`,
    /** Sorted set: id by start of those of a host that are firing. */
    openIncidents: (host: string) => `${base}incidents-open:${keyText(host)}`,

    /** Hashes: key -> notification, -> index (what a query needs to know), -> outcome. */
    deliveries: `${base}deliveries`,
    deliveryIndex: `${base}delivery-index`,
    outcomes: `${base}delivery-outcomes`,
    /** Sorted sets: keys in order of arrival, by status. */
    pending: `${base}deliveries-pending`,
    held: `${base}deliveries-held`,
    grouped: `${base}deliveries-grouped`,
    /**
     * Sorted set: those of one receiver that wait for nothing but their time, by the time of their next attempt. All such
     * keys begin with `due`.
     */
    due: `${base}deliveries-due:`,
    dueOf: (kind: Notification['status'], receiver: string) =>
      `${base}deliveries-due:${kind}:${keyText(receiver)}`,
    /** Sorted set: those about one incident, by arrival. All such keys begin with `about`. */
    about: `${base}deliveries-about:`,
    aboutOf: (incident: string) => `${base}deliveries-about:${keyText(incident)}`,
    delivered: `${base}deliveries-delivered`,
    dead: `${base}deliveries-dead`,
    silenced: `${base}deliveries-silenced`,
    outdated: `${base}deliveries-outdated`,
    /** Counter of arrivals. */
    sequence: `${base}delivery-sequence`,

    /** Counter of marks. */
    markSequence: `${base}mark-sequence`,
    /** Hashes: number -> mark, -> when it was made and the key text of its host, -> when it begins to count. */
    marks: `${base}marks`,
    markOrigins: `${base}mark-origins`,
    markBegins: `${base}mark-begins`,
    /** Sorted sets of numbers: of all marks, and of those of one host. */
    markNumbers: `${base}mark-numbers`,
    marksOf: (host: string) => `${base}marks-of:${keyText(host)}`,

    /** Sorted set: receivers that asked to be left alone, by until when, epoch ms. */
    pauses: `${base}receiver-pauses`,

    /** Hash of acknowledgements by incident. */
    acks: `${base}acks`,
    /** Hash: id -> silence. */
    silences: `${base}silences`,
    /** Sorted set: id by end. */
    silenceEnds: `${base}silence-ends`,
  };
}

export type StateKeys = ReturnType<typeof stateKeys>;

/** Name of the history of a host's checkpoints with one fingerprint. */
export const historyName = (host: string, fingerprint: string): string => JSON.stringify([host, fingerprint]);
