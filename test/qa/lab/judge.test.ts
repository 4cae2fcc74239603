import { describe, expect, it } from '@jest/globals';
import { makeFold, SCHEMA } from '../../../app/wire.ts';
import { type Judgement, judgeRecording } from '../../../qa/lab/judge.ts';
import type { Done, Truth } from '../../../qa/lab/recording.ts';
import { container, frame, window } from '../../detector/data/frames.ts';

/** Start of frame `n`, epoch ms. */
const startOf = (n: number): number => frame(n, [], []).start;

/** Whatever sends in a frame alarms in it, and its incident is over a minute later. */
const fold = makeFold(
  SCHEMA.parse({
    detectors: [
      { use: 'threshold', name: 'sends', metric: 'messages', direction: 'send', above: '1msg/s', for: '0s' },
    ],
  }),
);

const LEARNT = 20;
const FRAMES = 200;

/** Something that happened to `db` in frames 40 to 51. */
const done = (more: Partial<Done> = {}): Done => ({
  kind: 'leak',
  about: 'the database sends',
  from: startOf(40),
  until: startOf(52),
  full: startOf(40),
  expected: 'abrupt',
  services: ['db'],
  touched: ['web'],
  ...more,
});

/** Judges a host of which `sends` says who sends in which frames. */
function judge(sends: Record<string, readonly number[]>, happened: readonly Done[] = [done()]): Judgement {
  const names = ['db', 'web', 'queue'];
  const frames = Array.from({ length: FRAMES }, (_, n) =>
    frame(
      n,
      names.map(name => container(name)),
      names.filter(name => sends[name]?.includes(n)).map(name => window(name, 'send', 100, 100)),
    ),
  );
  const truth: Truth = {
    begun: startOf(0),
    learnt: startOf(LEARNT),
    ended: startOf(FRAMES),
    done: [...happened],
  };
  return judgeRecording({ truth, frames }, fold);
}

const delays = ({ outcomes }: Judgement) => outcomes.map(({ delay, inTime }) => [delay, inTime]);
const phases = ({ falseAlerts }: Judgement) =>
  falseAlerts.map(({ alert, phase }) => [alert.container, phase]);

describe('laboratory: what was found', () => {
  it('an alert in the second frame is in time for what is abrupt, one in the third is late', () => {
    expect(delays(judge({ db: [41] }))).toEqual([[2, true]]);
    expect(delays(judge({ db: [42] }))).toEqual([[3, false]]);
  });

  it('what grows has a minute from its full size on', () => {
    const slow = done({ expected: 'gradual', until: startOf(70), full: startOf(45) });
    expect(delays(judge({ db: [57] }, [slow]))).toEqual([[18, true]]);
    expect(delays(judge({ db: [58] }, [slow]))).toEqual([[19, false]]);
  });

  it('an alert of an innocent, or one that comes long after, finds nothing', () => {
    expect(delays(judge({ web: [41] }))).toEqual([[null, false]]);
    expect(delays(judge({ db: [60] }))).toEqual([[null, false]]);
  });
});

describe('laboratory: false alerts', () => {
  it('are those that nothing explains, by when they came', () => {
    const judgement = judge({ db: [5, 100], queue: [45] });
    expect(phases(judgement)).toEqual([
      ['db', 'learning'],
      ['queue', 'incident'],
      ['db', 'clean'],
    ]);
  });

  it('are not what an incident does to others, nor what goes on after the first alert', () => {
    const judgement = judge({ db: [41, 42], web: [44] });
    expect(phases(judgement)).toEqual([]);
    expect(judgement.explained.map(alert => alert.container)).toEqual(['web']);
  });

  it('are all that a deploy raises', () => {
    const judgement = judge({ db: [43], web: [62] }, [done({ expected: 'nothing' })]);
    expect(phases(judgement)).toEqual([
      ['db', 'deploy'],
      ['web', 'deploy'],
    ]);
    expect(judgement.outcomes).toEqual([]);
  });

  it('are seen in the time in which nothing is done, and was a minute before', () => {
    expect(judge({}).cleanMs).toBe(5000 * (FRAMES - LEARNT - 24));
  });
});
