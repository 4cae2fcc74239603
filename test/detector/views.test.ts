import { describe, expect, it } from '@jest/globals';
import { bucketOf } from '../../core/traffic/histogram.ts';
import type { ContainerInput } from '../../detector/contract.ts';
import type { ViewName } from '../../detector/dynamic/views/view.ts';
import { dynamicThreshold } from '../../detector/dynamic-threshold.ts';
import { type Both, frames } from './data/containers.ts';
import { alarmsOf, run } from './data/examples.ts';
import { random } from './data/traffic.ts';

/** What each view sees beside jobs that are larger. Frames of 5 s. */

const HOUR = 720;
const START = 5 * HOUR;

/** Alarms of some views alone on traffic of which `make` says what each frame holds. */
function alarms(views: readonly ViewName[], n: number, make: (i: number) => Both): number[] {
  return alarmsOf(run(dynamicThreshold, { views }, frames(n, make)));
}

/** A job of 40 s each ten minutes, 45 times what is there besides. */
const isJob = (i: number): boolean => i % 120 < 8;

describe('burst', () => {
  const traffic = (i: number, burst: (i: number) => boolean): Both => {
    const n = isJob(i) ? 900 : burst(i) ? 250 : 20;
    return { sent: n, received: n };
  };

  it('finds 5 s that stand out, below what a job sends, in the frame after', () => {
    expect(alarms(['burst'], START + 100, i => traffic(i, at => at === START + 60))).toEqual([START + 61]);
  });

  it('takes the beginning of a job of 40 s for none', () => {
    const early = (at: number) => at >= START + 60 && at < START + 68;
    expect(alarms(['burst'], START + 100, i => traffic(i, early))).toEqual([]);
  });
});

describe('base', () => {
  const traffic = (i: number, usual: number, r: () => number): Both => {
    const n = Math.round((isJob(i) ? 900 : usual) * (0.8 + 0.4 * r()));
    return { sent: n, received: n };
  };

  it('finds that everything but the jobs is three times as much, within a quarter of an hour', () => {
    const r = random(1);
    const [first] = alarms(['base'], START + HOUR, i => traffic(i, i < START ? 20 : 60, r));
    expect(first).toBeGreaterThan(START);
    expect(first).toBeLessThan(START + HOUR / 4);
  });

  it('takes a job that goes on for half an hour for none', () => {
    const r = random(2);
    const isLong = (i: number) => i >= START && i < START + HOUR / 2;
    expect(alarms(['base'], START + 2 * HOUR, i => traffic(i, isLong(i) ? 900 : 20, r))).toEqual([]);
  });
});

describe('by-size', () => {
  const job = (i: number): Both => ({ sent: isJob(i) ? 900 : 0, received: isJob(i) ? 900 : 0 });

  it('finds messages of a size that jobs do not have, far fewer than theirs', () => {
    const seen = alarms(['by-size'], START + 100, i =>
      i === START + 60 ? { sent: 60, received: 0, sentSize: 100 } : job(i),
    );
    expect(seen[0]).toBe(START + 60);
  });

  it('finds one message in each frame between the jobs, and names its size', () => {
    const inputs = frames(START + HOUR / 2, i =>
      i >= START && !isJob(i) ? { sent: 1, received: 0, sentSize: 100 } : job(i),
    );
    const opinions = run(dynamicThreshold, { views: ['by-size'] }, inputs);
    const [first] = alarmsOf(opinions);
    expect(first).toBeGreaterThan(START);
    expect(opinions[first ?? 0]).toMatchObject({
      evidence: { text: expect.stringMatching(/sent of 64 to 127 B/) },
    });
  });

  it('finds four times as many of what machines send all the time, between the jobs', () => {
    const check = (i: number, n: number): Both =>
      isJob(i) ? job(i) : { sent: n, received: n, sentSize: 100 };
    const seen = alarms(['by-size'], START + 30, i => check(i, i === START + 20 ? 16 : i % 2 === 0 ? 2 : 3));
    expect(seen[0]).toBe(START + 20);
  });

  it('takes as many of what comes now and then for none', () => {
    const some = (i: number, n: number): Both =>
      isJob(i) ? job(i) : { sent: n, received: n, sentSize: 100 };
    const seen = alarms(['by-size'], START + 30, i => some(i, i === START + 20 ? 16 : i % 9 === 0 ? 3 : 0));
    expect(seen).toEqual([]);
  });

  it('finds as many of what has come thousands of times, and never more than three at once', () => {
    const known = 12 * HOUR;
    const poll = (i: number): Both => {
      const n = i === known + 21 ? 16 : i % 3 === 0 ? 3 : 0;
      return { sent: n, received: n, sentSize: 100 };
    };
    expect(alarms(['by-size'], known + 30, poll)[0]).toBe(known + 21);
  });

  it('takes nothing that recurs for news', () => {
    expect(alarms(['by-size'], START + 2 * HOUR, job)).toEqual([]);
  });
});

describe('balance', () => {
  const busy = (i: number): Both => ({ sent: isJob(i) ? 900 : 20, received: isJob(i) ? 900 : 20 });
  /** Received besides, and not answered: a third of what a job receives. */
  const flooded = (i: number): Both => ({ ...busy(i), received: busy(i).received + 300 });

  it('finds what is asked and not answered, below the peaks of jobs, within a minute', () => {
    const [first] = alarms(['balance'], START + 24, i => (i < START + 60 - 48 ? busy(i) : flooded(i)));
    expect(first).toBeGreaterThanOrEqual(START + 12);
    expect(first).toBeLessThan(START + 24);
  });

  it('takes ten times as much, all answered, for none', () => {
    expect(
      alarms(['balance'], START + 60, i => (i < START ? busy(i) : { sent: 300, received: 300 })),
    ).toEqual([]);
  });

  it('takes less of what needs no answer for none', () => {
    const stream = (sent: number): Both => ({ sent, received: 4 });
    expect(alarms(['balance'], START + HOUR, i => stream(i < START ? 40 : 2))).toEqual([]);
  });
});

describe('ratio', () => {
  /** Answers of 20 kB to four scrapes a minute, besides work that gets an answer for each message; frames of a minute. */
  const scraped = (work: (minute: number) => { sent: number; received: number; size: number }) =>
    frames(330, () => ({ sent: 4, received: 4, sentSize: 20_000 }), 60_000).map(
      (input, minute): ContainerInput => {
        const { send, receive } = input;
        const { sent, received, size } = work(minute);
        if (!send || !receive || sent + received === 0) return input;
        const sizes = [[bucketOf(size), sent] as const, ...send.sizes];
        return {
          ...input,
          send: { ...send, messages: 4 + sent, bytes: send.bytes + sent * size, sizes },
          receive: { ...receive, messages: 4 + received, sizes: [[bucketOf(150), 4 + received]] },
        };
      },
    );
  const seen = (inputs: readonly ContainerInput[]) =>
    alarmsOf(run(dynamicThreshold, { views: ['ratio'] }, inputs));

  it('takes work that rests for none: what is received is less, and no more is sent', () => {
    const n = (minute: number) => (minute < 300 ? 200 : 0);
    expect(seen(scraped(minute => ({ sent: n(minute), received: n(minute), size: 100 })))).toEqual([]);
  });

  it('finds what leaves besides, as much again and more', () => {
    const leaving = (minute: number) => ({ sent: minute < 300 ? 200 : 800, received: 200, size: 1000 });
    expect(seen(scraped(leaving))[0]).toBe(300);
  });
});

describe('sizes', () => {
  const file = (size: number): Both => ({ sent: 15, received: 15, sentSize: size });

  it('finds that most messages have another size within two minutes, twenty minutes after the start', () => {
    const [first] = alarms(['sizes'], HOUR / 3 + 36, i => file(i < HOUR / 3 ? 9000 : 4500));
    expect(first).toBeGreaterThanOrEqual(HOUR / 3);
    expect(first).toBeLessThan(HOUR / 3 + 24);
  });

  it('takes messages of another size for none that come besides, while the usual ones are all there', () => {
    const inputs = frames(HOUR + 60, () => file(300)).map((input, i): ContainerInput => {
      const { send } = input;
      if (!send || i < HOUR) return input;
      const sizes = [...send.sizes, [bucketOf(9000), 15] as const];
      return { ...input, send: { ...send, messages: 30, bytes: send.bytes + 15 * 9000, sizes } };
    });
    expect(alarmsOf(run(dynamicThreshold, { views: ['sizes'] }, inputs))).toEqual([]);
  });

  it('takes one who comes back after hours for none, while what is always there stays as it is', () => {
    const back = 630;
    const inputs = frames(back + 30, () => ({ sent: 30, received: 30, sentSize: 200 }), 60_000).map(
      (input, minute): ContainerInput => {
        const { send } = input;
        const isAway = minute >= 480 && minute < back;
        if (!send || isAway) return input;
        const sizes = [...send.sizes, [bucketOf(1200), 90] as const];
        return { ...input, send: { ...send, messages: 120, bytes: send.bytes + 90 * 1200, sizes } };
      },
    );
    expect(alarmsOf(run(dynamicThreshold, { views: ['sizes'] }, inputs))).toEqual([]);
  });

  it('takes a backup in large messages each night for none from the third on', () => {
    const day = 24 * 60;
    const nightly = (i: number) => i % day >= 120 && i % day < 140;
    const inputs = frames(
      5 * day,
      i => ({ sent: 200, received: 200, sentSize: nightly(i) ? 32_768 : 300 }),
      60_000,
    );
    const seen = alarmsOf(run(dynamicThreshold, { views: ['sizes'] }, inputs));
    expect(new Set(seen.map(i => Math.floor(i / day))).size).toBeLessThanOrEqual(2);
  });
});

describe('several views', () => {
  it('do not each have to learn what the level has seen twice', () => {
    const r = random(3);
    // Runs of half an hour, each a little larger than the one before.
    const runs = [2, 5, 8].map(hour => START + hour * HOUR);
    const rate = (i: number) => {
      const at = runs.findIndex(from => i >= from && i < from + HOUR / 2);
      return Math.round((at < 0 ? 2 : 60 * 1.15 ** at) * (0.8 + 0.4 * r()));
    };
    const seen = alarms(['level', 'burst', 'base', 'by-size'], START + 9 * HOUR, i => ({
      sent: rate(i),
      received: rate(i),
    }));
    expect(seen.filter(i => i >= START + 8 * HOUR)).toEqual([]);
  });
});

it('goes on judging one whose work comes and goes after each pause', () => {
  // Ten seconds of work in each half minute, and nothing else.
  const work = (i: number): Both => ({ sent: i % 6 < 2 ? 200 : 0, received: i % 6 < 2 ? 200 : 0 });
  const opinions = run(dynamicThreshold, {}, frames(START, work));
  expect(opinions.slice(HOUR).filter(opinion => 'abstain' in opinion)).toEqual([]);
});
