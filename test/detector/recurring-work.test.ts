import { describe, expect, it } from '@jest/globals';
import { createHostFold } from '../../alert/host.ts';
import { createPipeline } from '../../alert/pipeline.ts';
import type { Incident } from '../../core/incident/incident.ts';
import type { Frame } from '../../core/traffic/frame.ts';
import { createFold } from '../../detector/fold/fold.ts';
import { DEFAULT_RULES, DETECTORS } from '../../detector/index.ts';
import { row, talk } from './data/conversations.ts';
import { container, frame, rules, window } from './data/frames.ts';
import { random } from './data/traffic.ts';

/** Work that comes again and again, as all rules of a fresh install judge it together: what a person hears of. */

const MONDAY = Date.UTC(2026, 0, 5);
const HOUR = 720;
const DAY = 24 * HOUR;

/** Incidents that all default rules raise on these frames, by id. */
function incidentsOf(frames: Iterable<Frame>): Incident[] {
  const host = createHostFold({
    fold: createFold({ rules: rules(DEFAULT_RULES), detectors: DETECTORS }),
    pipeline: createPipeline({ alert: { resolve_after: 60_000, critical_score: 3 }, receivers: [] }),
  });
  const found = new Map<string, Incident>();
  let state = host.init();
  for (const one of frames) {
    const step = host.step(state, one);
    state = step.state;
    for (const incident of step.incidents) found.set(incident.id, incident);
  }
  return [...found.values()];
}

const one = container('worker', { service: 'shop/worker', replica: '1', id: 'worker' });
const database = { peer: 'db', port: 5432, address: '172.18.0.5' } as const;
const storage = { peerKind: 'outside', port: 443, address: '52.1.1.1' } as const;

/** What one container does in a frame: exchanges with the database, messages of 32 KiB sent to a storage outside. */
interface Doing {
  readonly exchanges: number;
  readonly blocks?: number;
  /** Connections that are opened for it. */
  readonly opens?: number;
}

/** Frames of one container from a Monday's midnight on. */
function* working(n: number, durationMs: number, doing: (i: number) => Doing): Generator<Frame> {
  for (let i = 0; i < n; i++) {
    const { exchanges, blocks = 0, opens = 0 } = doing(i);
    const windows = [
      window('worker', 'send', exchanges, 300),
      window('worker', 'receive', exchanges + blocks, 150),
    ];
    if (blocks > 0) {
      windows[0] = {
        ...window('worker', 'send', exchanges + blocks, 300),
        bytes: exchanges * 300 + blocks * 32_768,
        sizes: [
          [256, exchanges],
          [32_768, blocks],
        ],
      };
    }
    const flows = [{ ...talk(database, exchanges, 300, 150), container: 'worker' }];
    if (blocks > 0) flows.unshift({ ...talk(storage, blocks, 32_768, 150, opens), container: 'worker' });
    const connections =
      opens > 0 ? [{ ...row('opened', storage.address, 443, opens), container: 'worker' }] : [];
    const start = MONDAY + i * durationMs;
    const previous = i === 0 ? null : start - durationMs;
    yield frame(i, [one], windows, { start, durationMs, previous, flows, connections });
  }
}

const noisy = (mean: number, r: () => number): number => Math.round(mean * (0.8 + 0.4 * r()));

describe('under all default rules', () => {
  it('a job of 40 s each ten minutes is at most two incidents in two days', () => {
    const r = random(11);
    const frames = working(2 * DAY, 5000, i => ({ exchanges: noisy(i % 120 < 8 ? 920 : 20, r) }));
    expect(incidentsOf(frames).length).toBeLessThanOrEqual(2);
  });

  it('a backup each hour, to an address outside, is at most two incidents in two days', () => {
    const r = random(12);
    const frames = working(2 * DAY, 5000, i => {
      const at = i % HOUR;
      const isBackup = at >= 500 && at < 536;
      return {
        exchanges: noisy(20, r),
        blocks: isBackup ? noisy(800, r) : 0,
        opens: at === 500 ? 1 : 0,
      };
    });
    expect(incidentsOf(frames).length).toBeLessThanOrEqual(2);
  });

  it('working mornings are at most two incidents in two weeks, a weekend in between', () => {
    const r = random(13);
    const frames = working(14 * 1440, 60_000, i => {
      const hour = (i % 1440) / 60;
      const atWork = hour >= 8 && hour < 17 && Math.floor(i / 1440) % 7 < 5;
      return { exchanges: noisy(atWork ? 6000 : 60, r) };
    });
    expect(incidentsOf(frames).length).toBeLessThanOrEqual(2);
  });
});

describe('a new container each minute, under all default rules', () => {
  /** Frame `i` of a host on which a job of 20 s starts each minute under a new name. */
  function minuteJob(i: number, exchanges: number): Frame {
    if (i % 12 >= 4) return frame(i, [], []);
    const name = `job-${String(Math.floor(i / 12)).padStart(5, '0')}`;
    const job = container(name, { service: 'job', image: 'job:1', id: name });
    const windows = [window(name, 'send', exchanges, 1000), window(name, 'receive', exchanges, 200)];
    const flows = [{ ...talk(database, exchanges, 1000, 200, 1), container: name }];
    return frame(i, [job], windows, { started: i % 12 === 0 ? [name] : [], flows });
  }

  const calm = (i: number): Frame => minuteJob(i, 900 + ((i * 37) % 200));
  const range = (from: number, to: number, make: (i: number) => Frame): Frame[] =>
    Array.from({ length: to - from }, (_, k) => make(from + k));

  it('is nothing to speak of in a day', () => {
    expect(incidentsOf(range(0, DAY, calm))).toEqual([]);
  });

  it('that does fifty times as much for five minutes is one incident, of its service', () => {
    const loud = range(3 * HOUR, 3 * HOUR + 60, i => minuteJob(i, 50_000));
    const incidents = incidentsOf([
      ...range(0, 3 * HOUR, calm),
      ...loud,
      ...range(3 * HOUR + 60, 4 * HOUR, calm),
    ]);
    expect(incidents).toMatchObject([
      { service: 'job', container: '', title: expect.stringContaining('service job') },
    ]);
  });
});
