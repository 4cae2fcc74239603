import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createPipeline } from '../../alert/pipeline.ts';
import { rulesList } from '../../core/config/uses.ts';
import { sentenceOf } from '../../core/incident/evidence-text.ts';
import type { Judged } from '../../core/incident/verdict.ts';
import { DETECTORS } from '../../detector/index.ts';
import { Records } from '../../state/records.ts';
import { container, frame } from '../detector/data/frames.ts';

const ALERT = { resolve_after: 10_000, critical_score: 3 };
const web = container('web', { service: 'shop/web' });
const T0 = frame(0, [web], []).start;

function alarm(rule: string): Judged {
  return {
    kind: 'judged',
    ...{ rule, score: 2 },
    scope: { service: 'shop/web', container: 'web', direction: 'send', metric: 'bytes' },
    evidence: { seen: 2e6, low: null, high: 1e6, unit: 'B/s', text: '2 MB/s, expected up to 1 MB/s' },
  };
}

/** `bytes` needs two alarms in three frames, `other` one. */
const pipelineOf = (alarms = 2, frames = 3) =>
  createPipeline({ alert: ALERT, receivers: ['ops'], confirmations: { bytes: { alarms, frames } } });

interface Given {
  readonly rules: readonly string[];
  readonly isIncomplete?: boolean;
}

/** The result of each frame; the state goes through JSON in between. A text: its rules, `!` where the frame is incomplete. */
function run(texts: readonly string[], pipeline = pipelineOf()) {
  let state = pipeline.init();
  return texts.map((text, i) => {
    const given: Given = {
      rules: text.split(' ').filter(word => /\w/.test(word)),
      isIncomplete: text.includes('!'),
    };
    const faults = given.isIncomplete ? (['saturated'] as const) : [];
    const result = pipeline.step(state, {
      frame: frame(i, [web], [], { faults }),
      verdicts: given.rules.map(alarm),
    });
    state = JSON.parse(JSON.stringify(result.state));
    return result;
  });
}
const opened = (results: ReturnType<typeof run>) =>
  results.flatMap(({ incidents }, i) => incidents.filter(one => one.start === T0 + i * 5000).map(() => i));

describe('a rule that wants its alarms confirmed (2 of 3)', () => {
  it('is pending with the first, and says so; fires with the second, and says since when', () => {
    const results = run(['bytes', '', 'bytes']);
    expect(results.map(({ stopped }) => stopped)).toEqual([
      [{ stage: 'pending', what: 'bytes: web bytes sent', reason: 'pending: 1 of 2 alarms' }],
      [],
      [],
    ]);
    expect(results.map(({ incidents, notifications }) => [incidents.length, notifications.length])).toEqual([
      [0, 0],
      [0, 0],
      [1, 1],
    ]);
    const [finding] = results[2]?.incidents[0]?.findings ?? [];
    expect(finding?.first).toBe(T0 + 10_000);
    expect(finding && sentenceOf(finding)).toContain(
      `confirmed by 2 alarms in 3 frames, the first at ${new Date(T0).toISOString()}`,
    );
  });

  it('hears nothing of what is too seldom', () => {
    expect(opened(run(['bytes', '', '', 'bytes', '', '', 'bytes']))).toEqual([]);
  });

  it('is kept in the state of the incident', () => {
    const incident = run(['bytes', 'bytes'])[1]?.incidents[0];
    expect(new Records('test').incident(JSON.stringify(incident))).toEqual(incident);
    expect(incident?.findings[0]?.confirmed).toEqual({ alarms: 2, frames: 3, since: T0 });
  });

  it('is no part of the default rules, of which some alarm once', () => {
    const rules = rulesList(DETECTORS, []);
    const rule = { use: 'threshold', name: 'bytes', metric: 'bytes', above: '1MB/s', confirm: '2 of 3' };
    expect(rules.parse([rule])).toMatchObject([{ confirm: { alarms: 2, frames: 3 } }]);
    expect(rules.safeParse([{ use: 'auto', confirm: '2 of 3' }]).error?.issues).toMatchObject([
      { code: 'unrecognized_keys', keys: ['confirm'] },
    ]);
  });

  it('goes on with every alarm once it fires', () => {
    const results = run(['bytes', 'bytes', '', 'bytes', '', 'bytes']);
    expect(opened(results)).toEqual([1]);
    expect(results[5]?.incidents[0]?.end).toBe(T0 + 30_000);
    expect(results.flatMap(({ stopped }) => stopped).filter(({ stage }) => stage === 'pending')).toHaveLength(
      1,
    );
  });

  it('leaves other rules alone', () => {
    expect(opened(run(['other']))).toEqual([0]);
    expect(opened(run(['bytes other']))).toEqual([0]);
  });

  it('counts no frame of which not all is known', () => {
    expect(opened(run(['bytes', '!', '!', '!', 'bytes'])).at(-1)).toBe(4);
  });

  it('keeps nothing of what is over', () => {
    expect(run(['bytes', '', '', '', '']).at(-1)?.state.pending?.alarms).toEqual({});
    expect(createPipeline({ alert: ALERT, receivers: [] }).init()).not.toHaveProperty('pending');
  });

  it('fires in the first frame up to which it has alarmed often enough, for any numbers', () => {
    const story = fc.record({
      said: fc.array(fc.boolean(), { maxLength: 30 }),
      frames: fc.integer({ min: 1, max: 6 }),
      part: fc.nat(5),
    });
    fc.assert(
      fc.property(story, ({ said, frames, part }) => {
        const alarms = 1 + (part % frames);
        const enough = said.findIndex(
          (is, i) => is && said.slice(Math.max(0, i - frames + 1), i + 1).filter(Boolean).length >= alarms,
        );
        const results = run(
          said.map(is => (is ? 'bytes' : '')),
          pipelineOf(alarms, frames),
        );
        expect(results.findIndex(({ incidents }) => incidents.length > 0)).toBe(enough);
      }),
    );
  });
});
