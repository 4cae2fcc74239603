import { makeFold, SCHEMA } from '../../../app/wire.ts';
import { TidegaugeError } from '../../../core/errors.ts';
import type { Incident, Notification } from '../../../core/incident/incident.ts';
import { decodeFrame, encodeFrame, type Frame } from '../../../core/traffic/frame.ts';
import { Records } from '../../../state/records.ts';
import { checkFrame } from '../../../store/check.ts';
import { connectionLines, flowLines, frameLine, trafficLines } from '../../../store/influx/client/line.ts';
import type { Prepared, Target, Verdict } from '../contract.ts';
import { goldenFrames } from '../corpus.ts';
import { broken, mustEqual } from '../fuzz.ts';
import { mutateText } from '../mutate.ts';
import { talkingFrames } from './read-store.ts';

/** What queue and state hold as text: frames, incidents, deliveries, checkpoints. */

/** Alarms at once, so that there are incidents. */
const CONFIG = SCHEMA.parse({
  host: 'fuzz',
  detectors: [
    { use: 'threshold', name: 'limit', metric: 'bytes', above: '1kB/s', for: '0s', match: { kind: 'any' } },
    { use: 'rolling-zscore', name: 'bytes', metric: 'bytes', warm_up: '1s' },
  ],
  receivers: [{ use: 'webhook', name: 'hook', url: 'http://127.0.0.1:9/' }],
});

export const frames: Target = {
  name: 'frames',
  what: 'frames of the queue and of the journal, then stored and judged',
  share: 0.1,
  async prepare(): Promise<Prepared> {
    const corpus = [...goldenFrames(), ...talkingFrames().slice(0, 4)].map(encodeFrame);
    const fold = makeFold(CONFIG);
    return {
      async play(random) {
        const frame = refusable(() => decodeFrame(mutateText(random.pick(corpus), random), 'fuzz'));
        if (frame === null) return 'refused';
        mustEqual('a frame that was read back', decodeFrame(encodeFrame(frame), 'fuzz'), frame);
        if (refusable(() => checkFrame(frame) ?? true) === null) return 'refused';
        checkLines(frame);
        fold.encode(fold.step(fold.init(), frame).state);
        return 'accepted';
      },
      async stop() {},
    };
  },
};

/** One line for each point, whatever the names are: nothing that was not written by us looks like a line of its own. */
function checkLines(frame: Frame): void {
  const lines = [...trafficLines(frame), ...flowLines(frame), ...connectionLines(frame), frameLine(frame)];
  const { containers, flows, connections } = frame;
  mustEqual('points', lines.length, 2 * containers.length + flows.length + connections.length + 1);
  for (const line of lines) {
    const open = line.replace(/"(?:[^"\\]|\\["\\]|\\(?=[^"\\]))*"/gs, '""');
    if (open.includes('\n')) throw broken('a line break outside of quotes', new Error(line));
    if (!open.endsWith(` ${frame.start}`))
      throw broken('a line that does not end with its time', new Error(line));
  }
}

export const records: Target = {
  name: 'records',
  what: 'incidents, deliveries and checkpoints of the state',
  share: 0.1,
  async prepare(): Promise<Prepared> {
    const { incidents, notifications, checkpoint } = foldGolden();
    const reader = new Records('fuzz');
    const fold = makeFold(CONFIG);
    const outcome = { status: 'pending', attempts: 3, nextAttempt: 5, lastError: 'HTTP 503' };
    const kinds: [read: (text: string) => unknown, corpus: readonly string[]][] = [
      [text => reader.incident(text), incidents.map(each => JSON.stringify(each))],
      [text => reader.notification(text), notifications.map(each => JSON.stringify(each))],
      [text => reader.outcome(text), [JSON.stringify(outcome)]],
      [text => fold.decode(reader.checkpoint(text).data), [checkpoint]],
    ];
    return {
      async play(random): Promise<Verdict> {
        const [read, corpus] = random.pick(kinds);
        const text = mutateText(random.pick(corpus), random);
        return refusable(() => read(text)) === null ? 'refused' : 'accepted';
      },
      async stop() {},
    };
  },
};

/** What the golden frames leave in a state. */
function foldGolden() {
  const fold = makeFold(CONFIG);
  let state = fold.init();
  const incidents: Incident[] = [];
  const notifications: Notification[] = [];
  let last = 0;
  for (const frame of goldenFrames()) {
    const output = fold.step(state, frame);
    state = output.state;
    incidents.push(...output.incidents);
    notifications.push(...output.notifications);
    last = frame.start;
  }
  if (notifications.length === 0) throw broken('the golden frames have no incident');
  const { fingerprint } = fold;
  const checkpoint = JSON.stringify({ host: 'test', last, fingerprint, data: fold.encode(state) });
  return { incidents, notifications, checkpoint };
}

/** Null when it is refused in the way of this program. */
export function refusable<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof TidegaugeError) return null;
    throw error;
  }
}
