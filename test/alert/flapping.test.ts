import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createPipeline, type PipelineResult } from '../../alert/pipeline.ts';
import { flappingText } from '../../core/incident/evidence-text.ts';
import type { Incident } from '../../core/incident/incident.ts';
import { incidentFromJson } from '../../core/incident/incident-from-json.ts';
import { incidentJson } from '../../core/incident/incident-json.ts';
import type { Judged } from '../../core/incident/verdict.ts';
import { messageOf, plainText } from '../../notify/shared/message.ts';
import { container, frame } from '../detector/data/frames.ts';

/** Length of the frames, s. */
const FRAME = frame(1, [], []).durationMs / 1000;
const ZERO = frame(0, [], []).start;
const MINUTE = 60_000;
const HOUR = 3600;
/** As they are unless configured otherwise. */
const DEFAULTS = { resolve_after: MINUTE, critical_score: 3, reopen_within: MINUTE };

const alarm = (score: number): Judged => ({
  kind: 'judged',
  rule: 'bytes',
  scope: { service: 'shop/web', container: 'web', direction: 'send', metric: 'bytes' },
  score,
  evidence: { seen: score, low: null, high: 1, unit: 'B/s', text: 'much' },
});

/** The results of frames until `seconds`, at each of which `scoreAt` gives the score; the state goes through JSON each time. */
function results(
  seconds: number,
  scoreAt: (second: number) => number,
  alert: typeof DEFAULTS = DEFAULTS,
): PipelineResult[] {
  const pipeline = createPipeline({ alert, receivers: ['chat'] });
  let state = pipeline.init();
  return Array.from({ length: Math.ceil(seconds / FRAME) }, (_, i) => {
    const now = frame(i, [container('web', { service: 'shop/web' })], []);
    const result = pipeline.step(state, { frame: now, verdicts: [alarm(scoreAt(i * FRAME))] });
    state = JSON.parse(JSON.stringify(result.state));
    return result;
  });
}

/** `t=240 s: flapping warning`. */
const toldIn = (all: readonly PipelineResult[]): string[] =>
  all.flatMap(({ notifications }, i) =>
    notifications.map(
      ({ occasion, status, incident }) => `t=${i * FRAME} s: ${occasion ?? status} ${incident.severity}`,
    ),
  );

const lastOf = (all: readonly PipelineResult[]): Incident | undefined =>
  all.flatMap(({ incidents }) => incidents).at(-1);

/** Up for the first half minute of each `period`, s, until `end`. */
const upEvery =
  (period: number, end: number, score = 2) =>
  (t: number): number =>
    t < end && t % period < 30 ? score : 0;

describe('an incident that goes up and down', () => {
  it('every 30 s for an hour is told three times: it begins, it flaps, it is over', () => {
    const all = results(2 * HOUR, upEvery(60, HOUR));
    expect(toldIn(all)).toEqual([
      't=0 s: firing warning',
      't=240 s: flapping warning',
      // The last time ended at 3570 s; five times `reopen_within` later it is over.
      `t=${3570 + 300 - FRAME} s: resolved critical`,
    ]);
    expect(lastOf(all)?.flapping).toEqual({ times: 60, since: ZERO, last: ZERO + 59 * MINUTE });
  });

  it('and is critical from the start, or becomes so by its length, is told no more often', () => {
    for (const score of [1.2, 2, 5])
      expect(toldIn(results(2 * HOUR, upEvery(60, HOUR, score)))).toHaveLength(3);
  });

  it('is told to be critical when it goes further beyond its limit, also when its length has made it that', () => {
    for (const further of [300, 1200]) {
      const all = results(2 * HOUR, t => upEvery(60, HOUR, t < further ? 2 : 5)(t));
      expect(toldIn(all).map(text => text.split(' ')[2])).toEqual([
        'firing',
        'flapping',
        'worse',
        'resolved',
      ]);
      expect(toldIn(all)[2]).toBe(`t=${further} s: worse critical`);
    }
  });

  it('after it became critical is not told to flap as well', () => {
    const all = results(HOUR, t => upEvery(60, 1200, t < 100 ? 2 : 5)(t));
    expect(toldIn(all).map(text => text.split(' ')[2])).toEqual(['firing', 'worse', 'resolved']);
    expect(lastOf(all)?.flapping?.times).toBe(20);
  });

  it('is none when its score is below the limit for a frame now and then', () => {
    const all = results(HOUR, t => (t < 1800 && t % 60 >= FRAME ? 2 : 0));
    expect(lastOf(all)).toMatchObject({ resolvedAt: expect.any(Number) });
    expect(lastOf(all)?.flapping).toBeUndefined();
  });

  it('every three minutes for an hour is one incident from the third time on', () => {
    const all = results(3 * HOUR, upEvery(180, HOUR));
    expect(toldIn(all)).toEqual([
      't=0 s: firing warning',
      `t=${30 + 60 - FRAME} s: resolved warning`,
      't=180 s: firing warning',
      `t=${210 + 60 - FRAME} s: resolved warning`,
      't=360 s: firing info',
      // Quiet for twice as long as from one time to the next.
      `t=${3420 + 30 + 360 - FRAME} s: resolved warning`,
    ]);
    expect(lastOf(all)?.flapping).toEqual({ times: 20, since: ZERO, last: ZERO + 19 * 180_000 });
  });

  it('every three minutes, within the time in which it is the same, fires again once, and is known by its fifth time', () => {
    const all = results(2 * HOUR, upEvery(180, HOUR), { ...DEFAULTS, reopen_within: 5 * MINUTE });
    expect(toldIn(all).map(text => text.split(' ')[2])).toEqual([
      'firing',
      'resolved',
      'reopened',
      'resolved',
    ]);
    expect(lastOf(all)?.flapping).toEqual({ times: 20, since: ZERO, last: ZERO + 19 * 180_000 });
    const known = all.findIndex(({ incidents }) => incidents.some(({ flapping }) => flapping));
    expect(known * FRAME).toBe(4 * 180);
  });

  it('once in twenty minutes is an incident each time', () => {
    const all = results(2 * HOUR, upEvery(1200, 2 * HOUR));
    expect(toldIn(all).filter(text => text.includes('firing'))).toHaveLength(6);
    expect(all.flatMap(({ incidents }) => incidents).every(({ flapping }) => !flapping)).toBe(true);
  });

  it('counts no time in which nobody could look as a pause', () => {
    const pipeline = createPipeline({ alert: DEFAULTS, receivers: ['chat'] });
    let state = pipeline.init();
    for (let i = 0; i * FRAME < 1200; i++) {
      const isUp = upEvery(60, 1200)(i * FRAME) > 0;
      const now = frame(
        i,
        [container('web', { service: 'shop/web' })],
        [],
        isUp ? {} : { faults: ['garbage'] },
      );
      state = pipeline.step(state, { frame: now, verdicts: isUp ? [alarm(2)] : [] }).state;
    }
    expect(
      state.open.find(({ incident }) => incident.container === 'web')?.incident.flapping,
    ).toBeUndefined();
  });

  it('says so in words, and in JSON that is read back as it was', () => {
    const all = results(300, upEvery(60, HOUR));
    const told = all.flatMap(({ notifications }) => notifications).at(-1);
    if (!told) throw new Error('nothing was told');
    expect(told.key).toBe(`${told.incident.id}-chat-flapping`);
    expect(flappingText(told.incident)).toBe('goes up and down: 5 times in 4m');
    expect(flappingText({ ...told.incident, resolvedAt: ZERO })).toMatch(/^went up and down: /);
    expect(plainText(messageOf(told))).toContain('Flapping: goes up and down: 5 times in 4m');
    const json = incidentJson(told.incident);
    expect(json.flapping).toMatchObject({ times: 5 });
    expect(incidentFromJson(JSON.parse(JSON.stringify(json))).flapping).toEqual(told.incident.flapping);
    const { flapping: _, ...older } = json;
    expect(incidentFromJson(older).flapping).toBeUndefined();
  });
});

it('whatever it does, it is told at most four times an incident, and all again gives the same', () => {
  const spans = fc.array(
    fc.record({ frames: fc.integer({ min: 1, max: 20 }), score: fc.constantFrom(0, 0, 1.2, 2, 5) }),
    {
      minLength: 1,
      maxLength: 40,
    },
  );
  fc.assert(
    fc.property(spans, fc.nat(), (all, cut) => {
      const scores = all.flatMap(({ frames, score }) => Array.from({ length: frames }, () => score));
      const pipeline = createPipeline({ alert: DEFAULTS, receivers: ['chat'] });
      const run = (from: ReturnType<typeof pipeline.init>, start: number) => {
        let state = from;
        const states = [state];
        const out = scores.slice(start).map((score, i) => {
          const now = frame(start + i, [container('web', { service: 'shop/web' })], []);
          const { state: next, ...result } = pipeline.step(state, { frame: now, verdicts: [alarm(score)] });
          state = next;
          states.push(state);
          return result;
        });
        return { out, states };
      };
      const whole = run(pipeline.init(), 0);
      const at = cut % (scores.length + 1);
      // What a checkpoint keeps, and the frames after it once more.
      const resumed = run(JSON.parse(JSON.stringify(whole.states[at])), at);
      expect(resumed.out).toEqual(whole.out.slice(at));
      const told = Map.groupBy(
        whole.out.flatMap(({ notifications }) => notifications),
        ({ incident }) => incident.id,
      );
      for (const one of told.values()) {
        // A key is told once.
        expect(new Set(one.map(({ key }) => key)).size).toBeLessThanOrEqual(4);
        expect(one.filter(({ occasion }) => occasion === 'flapping').length).toBeLessThanOrEqual(1);
      }
    }),
    { numRuns: 50 },
  );
});
