import { describe, expect, it } from '@jest/globals';
import type { ConnectionRow } from '../../core/traffic/connection.ts';
import type { Flow } from '../../core/traffic/flow.ts';
import type { Frame } from '../../core/traffic/frame.ts';
import { createFold } from '../../detector/fold/fold.ts';
import { DETECTORS } from '../../detector/index.ts';
import { FRAMES_A_DAY, frameOf, KINDS, life, row, talk } from './data/conversations.ts';
import { rules } from './data/frames.ts';
import { random } from './data/traffic.ts';

/** The defaults of detectors that look at conversations: how often they are wrong, and how soon they notice. */
const USED = ['new-peer', 'scan', 'beacon'];
const RULES = rules(USED.map(use => ({ use, name: use, match: { container: 'one' } })));

/** Frames in which each rule alarms, by number; and the largest state. */
function alarms(frames: Iterable<Frame>): { of: Record<string, number[]>; bytes: number } {
  const fold = createFold({ rules: RULES, detectors: DETECTORS });
  const of: Record<string, number[]> = Object.fromEntries(USED.map(use => [use, []]));
  let state = fold.init();
  let i = 0;
  let bytes = 0;
  for (const frame of frames) {
    const result = fold.step(state, frame);
    state = result.state;
    for (const verdict of result.verdicts)
      if (verdict.kind === 'judged' && verdict.score >= 1) of[verdict.rule]?.push(i);
    if (i % 1000 === 0)
      for (const { states } of Object.values(state.subjects.byKey))
        bytes = Math.max(bytes, JSON.stringify(states).length);
    i++;
  }
  return { of, bytes };
}

const NONE = { 'new-peer': [], scan: [], beacon: [] };

describe('half a day of what is ordinary', () => {
  // A first backup to somebody outside is what exfiltration looks like: it is told, once.
  it.each(Object.keys(KINDS).filter(kind => kind !== 'database'))('raises nothing: %s', kind => {
    const frames = [...life(kind, 11, 0.5)];
    const { of, bytes } = alarms(frames);
    expect(of).toEqual(NONE);
    expect(bytes).toBeLessThan(5 * 1024);
  });

  it('tells a first backup once, and no second one', () => {
    const backup = (i: number) =>
      i % 4000 > 3800
        ? [talk({ peerKind: 'outside', port: 443, address: '52.1.1.1' }, 300, 80_000, 50, 1)]
        : [];
    const frames = Array.from({ length: FRAMES_A_DAY }, (_, i) =>
      frameOf(i, { flows: backup(i), connections: [] }),
    );
    const found = alarms(frames).of['new-peer'] ?? [];
    expect(found.length).toBeGreaterThan(0);
    expect(found.every(i => i < 4000)).toBe(true);
  });
});

describe.each(['web', 'quiet site', 'worker', 'crawler', 'idle', 'proxy'])(
  'twenty minutes after the first frame of a container (%s)',
  kind => {
    const COLD = 240;
    /** Ordinary frames, from `COLD` on with more in them. */
    function disturbed(extra: (n: number) => { flows?: Flow[]; connections?: ConnectionRow[] }, length = 40) {
      const behave = KINDS[kind]?.(random(5)) ?? (() => ({ flows: [], connections: [] }));
      return Array.from({ length: COLD + length }, (_, i) => {
        const { flows, connections } = behave(i);
        const more = i < COLD ? {} : extra(i - COLD);
        return frameOf(i, {
          flows: [...flows, ...(more.flows ?? [])],
          connections: [...connections, ...(more.connections ?? [])],
        });
      });
    }
    /** Frames from the incident's first to the first alarm; -1 when there was one before it. */
    const delay = (rule: string, frames: readonly Frame[]) => {
      const [first = Number.POSITIVE_INFINITY] = alarms(frames).of[rule] ?? [];
      return first < COLD ? -1 : first - COLD;
    };

    it('a scan of hundreds of ports is found in its first frame', () => {
      const ports = Array.from({ length: 64 }, (_, n) => row('failed', '172.18.0.7', n + 1));
      const scanned = disturbed(() => ({ connections: [...ports, row('failed', '', 0, 300)] }));
      expect(delay('scan', scanned)).toBe(0);
    });

    it('a slow scan of two ports a second is found within half a minute', () => {
      const some = (n: number) =>
        Array.from({ length: 10 }, (_, k) => row('failed', '172.18.0.7', n * 10 + k + 1));
      const found = delay(
        'scan',
        disturbed(n => ({ connections: some(n) })),
      );
      expect(found).toBeGreaterThanOrEqual(0);
      expect(found).toBeLessThanOrEqual(6);
    });

    it('5 MB/s to somebody new is found with the first frame', () => {
      const stolen = () => ({
        flows: [talk({ peerKind: 'outside', port: 8443, address: '198.51.100.9' }, 800, 32_768, 10)],
      });
      const found = delay('new-peer', disturbed(stolen));
      expect(found).toBeGreaterThanOrEqual(0);
      expect(found).toBeLessThanOrEqual(1);
    });

    it.each([
      ['outside', { peerKind: 'outside' as const, port: 8443, address: '198.51.100.9' }],
      ['at a container', { peer: 'other', port: 4444 }],
    ])('a call home in each frame to somebody %s is found within a minute', (_, to) => {
      const found = delay(
        'beacon',
        disturbed(() => ({ flows: [talk(to, 1, 120, 70)] })),
      );
      expect(found).toBeGreaterThanOrEqual(0);
      expect(found).toBeLessThanOrEqual(12);
    });

    it('a call home every 30 s is found with its tenth', () => {
      const home = { peerKind: 'outside' as const, port: 8443, address: '198.51.100.9' };
      const calls = disturbed(n => (n % 6 === 0 ? { flows: [talk(home, 1, 120, 70, 1)] } : {}), 80);
      const found = delay('beacon', calls);
      expect(found).toBeGreaterThanOrEqual(54);
      expect(found).toBeLessThanOrEqual(60);
    });
  },
);
