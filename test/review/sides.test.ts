import { join } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import type { HostFold } from '../../alert/host.ts';
import { makeFold, SCHEMA } from '../../app/wire.ts';
import { compareText } from '../../core/compare.ts';
import type { Incident } from '../../core/incident/incident.ts';
import type { Frame } from '../../core/traffic/frame.ts';
import { readRecording } from '../../qa/lab/recording.ts';
import { changesBetween, countChanges } from '../../review/changes.ts';
import { tallyRows } from '../../review/changes-text.ts';
import { Recorder } from '../../review/record/recorder.ts';
import { type HostReview, reviewSides } from '../../review/review.ts';
import { perDayOf, type Tally, tally } from '../../review/tally.ts';

/** Real containers with a real leak in the fourth part (qa/lab). */
const FRAMES = readRecording(join(import.meta.dirname, '../../qa/lab/fixtures')).frames.slice(0, 400);
const RANGE = { from: FRAMES[200]?.start ?? 0, to: FRAMES.at(-1)?.start ?? 0 };
/** Frames between two checkpoints of a worker. */
const EACH = 60;

const STRICT = [{ use: 'auto', sensitivity: '1 false alert per container per year' }];
const OWN = makeFold(SCHEMA.parse({}));
const OTHER = makeFold(SCHEMA.parse({ detectors: STRICT }));

/** The store that has these frames, one host's. */
const store = {
  hosts: async () => ['lab'],
  firstFrame: async () => FRAMES[0]?.start ?? null,
  async *readFrames(_host: string, { from, to }: { from: number; to: number }): AsyncIterable<Frame> {
    for (const frame of FRAMES) if (frame.start >= from && frame.start < to) yield frame;
  },
};

/** As workers do: each goes on from what the one before it has saved. Incidents as they were last, and what was saved. */
function live(fold: HostFold): { incidents: Incident[]; saved: Map<number, string> } {
  const incidents = new Map<string, Incident>();
  const saved = new Map<number, string>();
  let state = fold.init();
  for (const [i, frame] of FRAMES.entries()) {
    if (frame.start >= RANGE.to) break;
    const step = fold.step(state, frame);
    state = step.state;
    for (const incident of step.incidents) incidents.set(incident.id, incident);
    if (i % EACH !== 0) continue;
    const data = fold.encode(state);
    saved.set(frame.start, data);
    state = fold.decode(data);
  }
  const inRange = [...incidents.values()].filter(({ start, end }) => start < RANGE.to && end > RANGE.from);
  return {
    incidents: inRange.sort((a, b) => a.start - b.start || compareText(a.container, b.container)),
    saved,
  };
}

describe('a review of recorded frames by two settings', () => {
  let reviews: HostReview[];
  const lived = { own: live(OWN), other: live(OTHER) };
  const recorder = new Recorder(RANGE);
  beforeAll(async () => {
    const sides = [{ fold: OWN, onStep: recorder.add.bind(recorder) }, { fold: OTHER }];
    const [host = []] = await reviewSides(sides, store, RANGE, {
      checkpoint: async (_host, before, fingerprint) => {
        if (fingerprint !== OWN.fingerprint) return null;
        const last = [...lived.own.saved.keys()].filter(start => start < before).at(-1);
        return last === undefined ? null : { last, data: lived.own.saved.get(last) ?? '' };
      },
    });
    reviews = host;
  });

  it('finds exactly what was raised live, from a checkpoint and from the beginning', () => {
    expect(lived.own.incidents.length).toBeGreaterThan(0);
    expect(reviews[0]?.incidents).toEqual(lived.own.incidents);
    expect(reviews[1]?.incidents).toEqual(lived.other.incidents);
    expect(reviews[0]?.folded).toBeLessThan(reviews[1]?.folded ?? 0);
  });

  it('tells what changes as two whole folds do, compared one by one', () => {
    const changes = changesBetween(reviews[0]?.incidents ?? [], reviews[1]?.incidents ?? []);
    const others = lived.other.incidents;
    for (const one of lived.own.incidents) {
      const change = changes.find(({ before }) => before?.id === one.id);
      const near = others.filter(
        ({ container, start, resolvedAt }) =>
          container === one.container &&
          start < (one.resolvedAt ?? RANGE.to) &&
          one.start < (resolvedAt ?? RANGE.to),
      );
      expect(change?.after ?? undefined).toEqual(near[0]);
    }
    const { gone, new: added, ...kept } = countChanges(changes);
    const pairs = Object.values(kept).reduce((a, b) => a + b, 0);
    expect([gone + pairs, added + pairs]).toEqual([lived.own.incidents.length, others.length]);
    expect(changes.some(({ kind }) => kind !== 'same')).toBe(true);
  });

  it('counts what began in the range, for each day that was watched', () => {
    const begun = lived.own.incidents.filter(({ start }) => start >= RANGE.from);
    const { incidents, watchedMs, perDay, severities } = tally(reviews.slice(0, 1), RANGE);
    expect(incidents).toBe(begun.length);
    expect(Object.values(severities).reduce((a, b) => a + b, 0)).toBe(begun.length);
    expect(watchedMs).toBe(RANGE.to - RANGE.from);
    expect(perDay).toBeNull();
  });

  it('says nothing of days where it has seen minutes', () => {
    expect(perDayOf(3, 600_000)).toBeNull();
    expect(perDayOf(3, 6 * 3_600_000)).toBe(12);
    const none = { severities: { info: 0, warning: 0, critical: 0 }, rules: new Map() };
    const short = { ...none, incidents: 3, watchedMs: 600_000, perDay: null };
    const long = { ...none, incidents: 3, watchedMs: 86_400_000, perDay: 3 };
    const rowsOf = (...tallies: Tally[]) =>
      tallyRows(tallies.map(one => ({ name: 'a', tally: one }))).slice(1, 4);
    expect(rowsOf(short)).toEqual([
      ['incidents', '3'],
      ['in', '10m'],
      ['  critical', '0'],
    ]);
    expect(rowsOf(short, long)).toEqual([
      ['incidents', '3', '3'],
      ['in', '10m', '1d'],
      ['incidents a day', '-', '3.0'],
    ]);
  });

  it('records the traffic around each incident exactly', () => {
    const records = recorder.records();
    expect([...records.keys()].sort()).toEqual(lived.own.incidents.map(({ id }) => id).sort());
    for (const { incident, parts, peers } of records.values()) {
      expect(incident).toEqual(lived.own.incidents.find(({ id }) => id === incident.id));
      const [from, to] = [parts[0]?.start ?? 0, parts.at(-1)?.end ?? 0];
      const shown = FRAMES.filter(({ start }) => start >= from && start < to);
      // One of a service is about all containers that it has.
      const isAbout = (frame: Frame, container: string) =>
        incident.container === ''
          ? frame.containers.some(({ name, service }) => name === container && service === incident.service)
          : container === incident.container;
      const windows = shown
        .filter(({ faults }) => faults.length === 0)
        .flatMap(frame => frame.windows.filter(({ container }) => isAbout(frame, container)))
        .filter(({ direction }) => direction === 'send');
      const sum = (of: (part: (typeof parts)[number]) => number) =>
        parts.reduce((total, part) => total + of(part), 0);
      expect(sum(part => part.send.bytes)).toBe(windows.reduce((total, { bytes }) => total + bytes, 0));
      expect(sum(part => part.send.sizes.reduce((a, b) => a + b, 0))).toBe(sum(part => part.send.messages));
      const flows = shown
        .filter(({ start }) => start >= incident.start && start < incident.end)
        .flatMap(frame => frame.flows.filter(({ container }) => isAbout(frame, container)));
      expect(peers.reduce((total, { during }) => total + during.sentBytes, 0)).toBe(
        flows.reduce((total, { sentBytes }) => total + sentBytes, 0),
      );
    }
  });
});
