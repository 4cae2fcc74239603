import { describe, expect, it } from '@jest/globals';
import type { Verdict } from '../../../core/incident/verdict.ts';
import type { Frame } from '../../../core/traffic/frame.ts';
import { createFold } from '../../../detector/fold/fold.ts';
import { DETECTORS } from '../../../detector/index.ts';
import { container, frame, rules, window } from '../data/frames.ts';

const BELOW = { use: 'threshold', name: 'worker', metric: 'messages', below: '1msg/s', for: '0s' };
const worker = container('worker');
const web = container('web-1', { service: 'shop/web' });

const there = (i: number) => frame(i, [worker, web], [window('worker', 'send', 100, 100)]);
const gone = (i: number, more: Partial<Frame> = {}) => frame(i, [web], [], more);

/** Verdicts on absence, by frame; the state goes through JSON in between. */
function saidOf(rule: Record<string, unknown>, frames: readonly Frame[]): Verdict[][] {
  const fold = createFold({ rules: rules([{ ...BELOW, ...rule }]), detectors: DETECTORS });
  let state = fold.init();
  return frames.map(one => {
    const step = fold.step(JSON.parse(JSON.stringify(state)), one);
    state = step.state;
    return step.verdicts.filter(({ scope }) => scope.direction === null);
  });
}

const alarmed = (all: Verdict[][]): boolean[] =>
  all.map(verdicts => verdicts.some(one => one.kind === 'judged' && one.score >= 1));

describe('a container that a rule names', () => {
  const match = { container: 'worker' };

  it('raises an alarm when it is gone for a minute, and none once it is back', () => {
    const frames = [there(0), ...Array.from({ length: 12 }, (_, i) => gone(i + 1)), there(13), gone(14)];
    const said = saidOf({ match }, frames);
    expect(alarmed(said)).toEqual([...Array(12).fill(false), true, false, false]);
    expect(said[12]?.[0]).toEqual({
      kind: 'judged',
      rule: 'worker',
      scope: { service: 'worker', container: 'worker', direction: null, metric: null },
      score: 1,
      evidence: {
        ...{ seen: 60, low: null, high: 60, unit: 's', view: 'absence' },
        text: 'not running for 1m, expected to be back within 1m',
      },
    });
  });

  it('is there while it runs without its name, as when nobody tells names any more', () => {
    const id = 'a'.repeat(64);
    const named = (i: number) => frame(i, [container('worker', { id }), web], []);
    const nameless = (i: number, of = id) =>
      frame(i, [container(`docker:${of.slice(0, 12)}`, { id: of })], []);
    const frames = [named(0), nameless(1), nameless(2), nameless(3, 'b'.repeat(64)), gone(4)];
    expect(alarmed(saidOf({ match, absent_after: '10s' }, frames))).toEqual([
      ...[false, false, false],
      ...[false, true],
    ]);
  });

  it('is missed with how it ended, until it is there again', () => {
    const died = { exits: [{ container: 'worker', code: 1, oom: false }] };
    const said = saidOf({ match, absent_after: '5s' }, [there(0), gone(1, died), gone(2), there(3), gone(4)]);
    const texts = said.map(([one]) => (one?.kind === 'judged' ? one.evidence.text : null));
    expect(texts).toEqual([
      null,
      'not running for 5s: it failed (exit code 1), expected to be back within 5s',
      'not running for 10s: it failed (exit code 1), expected to be back within 5s',
      null,
      'not running for 5s, expected to be back within 5s',
    ]);
  });

  it('takes as long as the rule allows', () => {
    const frames = [there(0), gone(1), gone(2), gone(3)];
    expect(alarmed(saidOf({ match, absent_after: '10s' }, frames))).toEqual([false, false, true, true]);
  });

  it('may be absent where the rule says so', () => {
    const frames = [there(0), ...Array.from({ length: 20 }, (_, i) => gone(i + 1))];
    expect(saidOf({ match, absent: 'ignore' }, frames).flat()).toEqual([]);
  });

  it('that was never on this host is not missed', () => {
    expect(saidOf({ match, absent_after: '5s' }, [gone(0), gone(1), gone(2)]).flat()).toEqual([]);
  });

  it('is not judged by a frame that does not hold all', () => {
    const said = saidOf({ match, absent_after: '5s' }, [there(0), gone(2, { faults: ['garbage'] })]);
    expect(said[1]).toMatchObject([{ kind: 'abstained', reason: 'incomplete frame' }]);
  });

  it('is one of a list, in which patterns name nobody', () => {
    const said = saidOf({ match: { container: ['worker', 'web-*'] }, absent_after: '5s' }, [
      there(0),
      frame(2, [], []),
    ]);
    expect(said[1]?.map(({ scope }) => scope.container)).toEqual(['worker']);
  });
});

it('a service that a rule names is missed when none of its containers is left', () => {
  const second = container('web-2', { service: 'shop/web' });
  const frames = [frame(0, [web, second], []), frame(1, [second], []), frame(3, [worker], [])];
  const said = saidOf({ match: { service: 'shop/web' }, absent_after: '5s' }, frames);
  expect(alarmed(said)).toEqual([false, false, true]);
  expect(said[2]?.[0]?.scope).toEqual({
    service: 'shop/web',
    container: null,
    direction: null,
    metric: null,
  });
});

it('a rule that names nobody misses nobody', () => {
  expect(saidOf({ match: { container: 'work*' }, absent_after: '5s' }, [there(0), gone(9)]).flat()).toEqual(
    [],
  );
  expect(saidOf({ absent_after: '5s' }, [there(0), gone(9)]).flat()).toEqual([]);
});
