import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { conclusion, onlyTrouble } from '../../../cli/commands/demo.ts';
import { load } from '../../../cli/context.ts';
import { createLog } from '../../../cli/screen/log.ts';
import { UTC } from '../../../core/time-zone.ts';
import { Course, START_MS, TIMING } from '../../../demo/course.ts';
import { frameOf } from '../../data/frames.ts';
import { incidentOf } from '../../data/incidents.ts';
import { ManualClock } from '../../parts/clock.ts';
import { temporaryFolder } from '../../parts/process.ts';
import { tidegauge } from '../../parts/tidegauge.ts';

const FRAME = frameOf('box', 0);
const LENGTH_MS = 120_000;

it.each(['0s', '59s', '25h', 'soon'])('--for %s is refused before anything is made', async length => {
  const folder = temporaryFolder();
  const child = tidegauge(['demo', '--for', length], { cwd: folder.path });
  await child.ended(2);
  expect(child.output).toMatch(/--for: expected a duration from 1m .* to 1d, found/);
  folder.remove();
});

describe('the course of a demonstration', () => {
  function begin(asked = new AbortController()) {
    const clock = new ManualClock();
    const leaks: number[] = [];
    const course = new Course(clock, () => leaks.push(clock.now()), LENGTH_MS, asked.signal);
    const pass = async (ms: number) => {
      clock.advance(ms);
      await setImmediate();
    };
    return { clock, leaks, course, pass, asked };
  }

  it('is timed from the first stored frame on, however slow the start was', async () => {
    const { clock, leaks, course, pass } = begin();
    await pass(START_MS - 1);
    expect(course.frame(FRAME, 0)).toBeNull();
    const first = clock.now();
    expect(course.frame(FRAME, 1)).toBe(first + TIMING.leakAfterMs);
    expect(course.frame(FRAME, 2)).toBeNull();
    await pass(TIMING.leakAfterMs - 1);
    expect(leaks).toEqual([]);
    await pass(1);
    expect(leaks).toEqual([first + TIMING.leakAfterMs]);
    expect(course.outcome).toMatchObject({ leakAt: leaks[0], isLeakOver: false });
    await pass(TIMING.leakMs);
    expect(course.outcome.isLeakOver).toBe(true);
    await pass(LENGTH_MS - TIMING.leakAfterMs - TIMING.leakMs - 1);
    expect(course.signal.aborted).toBe(false);
    await pass(1);
    expect(course.signal.aborted).toBe(true);
    expect(leaks).toHaveLength(1);
  });

  it('is given up when no frame is stored', async () => {
    const { leaks, course, pass } = begin();
    course.frame(FRAME, 0);
    await pass(START_MS - 1);
    expect(course.signal.aborted).toBe(false);
    await pass(1);
    expect(course.signal.aborted).toBe(true);
    expect(leaks).toEqual([]);
  });

  it('ends when it is asked to, without a leak', async () => {
    const { leaks, course, pass, asked } = begin();
    course.frame(FRAME, 1);
    asked.abort();
    expect(course.signal.aborted).toBe(true);
    await pass(TIMING.leakAfterMs);
    expect(leaks).toEqual([]);
  });
});

it('news of an installation are no news of a demonstration, unless all is asked for', () => {
  const linesOf = (level: 'info' | 'debug' | 'error') => {
    const lines: string[] = [];
    const log = createLog(level, { write: (line: string) => lines.push(JSON.parse(line).msg) });
    const { config } = load({ logLevel: level });
    const heard = onlyTrouble({ config, log });
    heard.info('6 of 6 containers are covered by no rule');
    heard.warn('the store is away');
    return lines;
  };
  expect(linesOf('info')).toEqual(['the store is away']);
  expect(linesOf('error')).toEqual([]);
  expect(linesOf('debug')).toHaveLength(2);
});

describe('the conclusion of a demonstration', () => {
  const leak = incidentOf(0, { container: '/tidegauge-demo-4711/shop-db', title: 'shop-db: much' });
  const other = incidentOf(0, { container: 'shop-web', title: 'shop-web: much' });
  const full = { leakAt: Date.UTC(2026, 0, 31, 22), isLeakOver: true, frames: 75, incomplete: 9 };
  const busy = { wanting: 1, processors: 2 };
  const going = { zone: UTC, signal: new AbortController().signal, busy };
  const ended = { zone: UTC, signal: AbortSignal.abort(), busy };

  it('names what was found', () => {
    expect(conclusion([leak, other], full, going)).toEqual({
      lines: ['found: shop-db: much', 'found: shop-web: much'],
      shown: true,
    });
  });

  it('says when the leak was not seen, and does not blame whoever watched', () => {
    const { lines, shown } = conclusion([other], full, going);
    expect(shown).toBe(false);
    expect(lines).toEqual([
      'found: shop-web: much',
      expect.stringMatching(
        /shop-db .* from 22:00:00Z on, and no alert came. Of 75 frames 9 .*tidegauge doctor/,
      ),
    ]);
    // Asked to end when the alert should have been there.
    expect(conclusion([], full, ended).shown).toBe(false);
  });

  it('names the likely cause, and what to do, on a machine that is too busy', () => {
    const crowded = { ...going, busy: { wanting: 13.7, processors: 2 } };
    const none = { leakAt: null, isLeakOver: false, frames: 0, incomplete: 0 };
    for (const outcome of [none, full])
      expect(conclusion([], outcome, crowded).lines.join()).toMatch(
        /too busy: 14 processes want to run on 2 processors\. Try again when it is idle, or for longer/,
      );
  });

  it('says when there was nothing to see', () => {
    const none = { leakAt: null, isLeakOver: false, frames: 0, incomplete: 0 };
    expect(conclusion([], none, going)).toEqual({
      lines: [expect.stringMatching(/No frame was stored within 3m, .* was not made/)],
      shown: false,
    });
    expect(conclusion([], none, ended)).toEqual({
      lines: ['It was ended before the leak of shop-db was over.'],
      shown: true,
    });
  });
});
