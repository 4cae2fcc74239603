import { isDeepStrictEqual } from 'node:util';
import { silenceAnnotation } from '../../alert/audit.ts';
import { makeFold } from '../../app/wire.ts';
import { systemClock } from '../../core/clock.ts';
import type { Config } from '../../core/config/config.ts';
import {
  type Annotation,
  beginningAndEnd,
  type Detection,
  type Incident,
} from '../../core/incident/incident.ts';
import type { ExpectedRange } from '../../core/incident/normal.ts';
import { isCovered, type Silence } from '../../core/incident/silence.ts';
import type { Interval } from '../../core/interval.ts';
import { decodeFrame, type Frame, frameEnd } from '../../core/traffic/frame.ts';
import type { State } from '../../state/contract.ts';
import type { Store } from '../../store/contract.ts';

/** Longest that an alert may take while the store is away, ms; the receiver refuses some messages twice. */
const TELL_MS = 6000;

const ALWAYS = { from: 0, to: Number.MAX_SAFE_INTEGER };

export interface Evidence {
  readonly config: Config;
  readonly store: Store;
  readonly state: State;
  /** Frames that were closed, by host: of each, its JSON. */
  readonly closed: ReadonlyMap<string, readonly string[]>;
  /** When the receiver accepted each delivery, epoch ms, by key. */
  readonly accepted: ReadonlyMap<string, number>;
  /** Keys of what the receiver was told in two different messages. */
  readonly twice: readonly string[];
  /**
   * Whether Redis has forgotten what was told in its last second. It is told again then, each incident under the key
   * that it had but perhaps in another group; or not, when it is outdated by then.
   */
  readonly hasForgotten: boolean;
  /** Outages in which alerts must arrive. */
  readonly outages: readonly Interval[];
  /** In force for the whole round. */
  readonly silence: Silence;
}

/** How many there were of each, when all is right. */
export interface Figures {
  frames: number;
  incidents: number;
  deliveries: number;
  silenced: number;
  /** Deliveries of what happened in an outage, each accepted before its end. */
  during: number;
}

/** What is not as an undisturbed run would have left it; nothing when all is right. */
export async function differences(evidence: Evidence): Promise<{ found: string[]; figures: Figures }> {
  const { config, store, state, closed, silence } = evidence;
  const found: string[] = [];
  const figures: Figures = { frames: 0, incidents: 0, deliveries: 0, silenced: 0, during: 0 };
  const expected = new Expected(silence);
  for (const [host, journal] of closed) {
    const frames: Frame[] = [];
    for await (const frame of store.readFrames(host, ALWAYS)) frames.push(frame);
    figures.frames += frames.length;
    found.push(...compareFrames(host, frames, journal));
    expected.fold(config, frames);
    found.push(
      ...compare(
        `detections of ${host}`,
        await store.readDetections(host, ALWAYS),
        expected.detectionsOf(host),
        key,
      ),
      ...compare(
        `expected ranges of ${host}`,
        await store.readExpected(host, ALWAYS),
        expected.rangesOf(host),
        rangeKey,
      ),
    );
  }
  const incidents = [...expected.incidents.values()];
  figures.incidents = incidents.length;
  found.push(...compare('incidents', await state.incidents(ALWAYS, 100_000), incidents, ({ id }) => id));
  const annotations = await store.readAnnotations(ALWAYS);
  // That of the silence may come after the end of a round; when it is there, it is right.
  const own = silenceAnnotation(silence, systemClock.now());
  const others = annotations.some(({ id }) => id === own.id) ? [own] : [];
  found.push(
    ...compare('annotations', annotations, [...expected.annotations.values(), ...others], ({ id }) => id),
  );
  figures.deliveries = expected.notifications.size;
  figures.silenced = expected.silenced.size;
  found.push(...(await compareDeliveries(evidence, expected)));
  const due = evidence.outages.flatMap(outage => expected.dueIn(outage).map(key => ({ key, by: outage.to })));
  const late = due.filter(({ key, by }) => (evidence.accepted.get(key) ?? Number.POSITIVE_INFINITY) > by);
  found.push(...late.map(({ key }) => `${key} did not arrive during the outage of the store`));
  figures.during = due.length - late.length;
  return { found, figures };
}

async function compareDeliveries(evidence: Evidence, expected: Expected) {
  const { state, accepted, twice, silence, hasForgotten } = evidence;
  const same = (text: string) => text;
  // That an incident became critical is not told when it is over by then, nor its end when it fires again.
  const outdated = new Set(
    (await state.deliveries('outdated', 100_000))
      .map(({ notification }) => notification.key)
      .filter(key => expected.mayBeOutdated(key) && !(hasForgotten && accepted.has(key))),
  );
  const told = [...expected.notifications.keys()].filter(key => !outdated.has(key));
  const found = [
    ...compare('accepted deliveries', [...accepted.keys()], told, same),
    ...(hasForgotten ? [] : twice).map(key => `${key} was told in two messages`),
    ...compare('silences', await state.silences(0), [silence], ({ id }) => id),
  ];
  for (const status of ['held', 'silenced'] as const) {
    const keys = (await state.deliveries(status, 100_000)).map(({ notification }) => notification.key);
    found.push(...compare(`${status} deliveries`, keys, expected.keptBack(status), same));
  }
  for (const status of ['pending', 'grouped', 'dead'] as const) {
    for (const { notification, attempts, lastError } of await state.deliveries(status, 10))
      found.push(`${notification.key} is ${status} after ${attempts} attempts: ${lastError}`);
  }
  return found;
}

const key = ({ start, container }: Detection): string => JSON.stringify([start, container]);
const rangeKey = ({ start, container, rule, direction, metric }: ExpectedRange): string =>
  JSON.stringify([start, container, rule, direction, metric]);

/** What the fold says of the stored frames: what `tidegauge replay` would. */
class Expected {
  readonly incidents = new Map<string, Incident>();
  readonly annotations = new Map<string, Annotation>();
  /** End of the frame that gave each, epoch ms, by key. */
  readonly notifications = new Map<string, number>();
  /** Keys of those that a silence keeps from being sent. */
  readonly silenced = new Set<string>();
  readonly #silence: Silence;
  readonly #detections: Detection[] = [];
  readonly #ranges: ExpectedRange[] = [];

  constructor(silence: Silence) {
    this.#silence = silence;
  }

  fold(config: Config, frames: readonly Frame[]): void {
    const fold = makeFold(config);
    let state = fold.init();
    for (const frame of frames) {
      const output = fold.step(state, frame);
      state = output.state;
      for (const incident of output.incidents) this.incidents.set(incident.id, incident);
      for (const annotation of output.annotations) this.annotations.set(annotation.id, annotation);
      for (const { key, incident } of output.notifications) {
        if (isCovered(this.#silence, incident, frame.start)) this.silenced.add(key);
        else this.notifications.set(key, frameEnd(frame));
      }
      this.#detections.push(...output.detections);
      this.#ranges.push(...output.expected);
    }
  }

  /** Keys of those that were over by the end, and of those that wait, as they were not. */
  keptBack(status: 'held' | 'silenced'): string[] {
    const isOver = (key: string) => {
      const pair = beginningAndEnd(key.replace(/-(worse|flapping)$/, '-firing'));
      return pair !== null && this.silenced.has(pair.resolved);
    };
    return [...this.silenced].filter(key => isOver(key) === (status === 'silenced'));
  }

  /** Whether something that happened since may come before it is told: then it is not. */
  mayBeOutdated(key: string): boolean {
    return /-(worse|flapping)$/.test(key) || this.notifications.has(key.replace(/-resolved$/, '-firing-2'));
  }

  /** Keys of what began or ended early enough in an outage to be told before its end. */
  dueIn({ from, to }: Interval): string[] {
    return [...this.notifications]
      .filter(([key, at]) => !this.mayBeOutdated(key) && at >= from && at <= to - TELL_MS)
      .map(([key]) => key);
  }

  detectionsOf(host: string): Detection[] {
    return this.#detections.filter(detection => detection.host === host);
  }

  rangesOf(host: string): ExpectedRange[] {
    return this.#ranges.filter(range => range.host === host);
  }
}

/** Every closed frame is stored once, as it was closed, and each names the one before it: there is no gap. */
function compareFrames(host: string, frames: readonly Frame[], journal: readonly string[]): string[] {
  const found: string[] = [];
  const stored = new Map(frames.map(frame => [frame.start, frame]));
  if (stored.size !== frames.length)
    found.push(`${host}: ${frames.length - stored.size} frames are stored twice`);
  const closed = journal.map(text => decodeFrame(text, `journal of ${host}`));
  const lost = closed.filter(({ start }) => !stored.has(start));
  if (lost.length > 0)
    found.push(`${host}: ${lost.length} closed frames are not stored, first ${lost[0]?.start}`);
  const changed = closed.filter(
    frame => stored.has(frame.start) && !isDeepStrictEqual(stored.get(frame.start), frame),
  );
  if (changed.length > 0)
    found.push(`${host}: ${changed.length} frames changed on their way, first ${changed[0]?.start}`);
  const breaks = frames.filter((frame, i) => frame.previous !== (frames[i - 1]?.start ?? null));
  if (breaks.length > 0)
    found.push(`${host}: ${breaks.length} frames do not follow their predecessor, first ${breaks[0]?.start}`);
  if (frames.length === 0) found.push(`${host}: no frames`);
  if (journal.length === 0) found.push(`${host}: nothing is known of what was closed`);
  return found;
}

function compare<T>(
  what: string,
  actual: readonly T[],
  expected: readonly T[],
  keyOf: (item: T) => string,
): string[] {
  const left = new Map(expected.map(item => [keyOf(item), item]));
  const found: string[] = [];
  for (const item of actual) {
    const known = left.get(keyOf(item));
    if (known === undefined) found.push(`${what}: ${keyOf(item)} is one too many`);
    else if (!isDeepStrictEqual(known, item))
      found.push(`${what}: ${keyOf(item)} is ${JSON.stringify(item)}, expected ${JSON.stringify(known)}`);
    left.delete(keyOf(item));
  }
  for (const missing of left.keys()) found.push(`${what}: ${missing} is missing`);
  return found.length > 5 ? [...found.slice(0, 5), `${what}: and ${found.length - 5} more`] : found;
}
