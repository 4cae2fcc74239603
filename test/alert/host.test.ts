import { describe, expect, it } from '@jest/globals';
import { createHostFold } from '../../alert/host.ts';
import { createPipeline } from '../../alert/pipeline.ts';
import { createFold } from '../../detector/fold/fold.ts';
import { DETECTORS } from '../../detector/index.ts';
import { container, frame, rules, window } from '../detector/data/frames.ts';

const RULES = [
  { use: 'rolling-zscore', name: 'bytes', warm_up: '1m' },
  { use: 'rolling-zscore', name: 'messages', metric: 'messages', warm_up: '1m' },
];
const hostFold = (
  alert = { resolve_after: 60_000, critical_score: 3 },
  written: Record<string, unknown>[] = RULES,
) =>
  createHostFold({
    fold: createFold({ rules: rules(written), detectors: DETECTORS }),
    pipeline: createPipeline({ alert, receivers: ['ops'] }),
  });

/** Three containers for ten minutes; `web` sends and receives ten times as much for half a minute. */
const frames = Array.from({ length: 120 }, (_, i) => {
  const all = ['cache', 'db', 'web'].map(name => container(name));
  const burst = i >= 60 && i < 66 ? 10 : 1;
  const base = 500 + (i % 7) * 20;
  const windows = all.flatMap(({ name }) => {
    const n = name === 'web' ? base * burst : base;
    return [window(name, 'send', n, 1000), window(name, 'receive', n, 900)];
  });
  return frame(i, all, windows);
});

function runAll(fold: ReturnType<typeof hostFold>, throughText: (i: number) => boolean) {
  let state = fold.init();
  return frames.map((one, i) => {
    const { state: next, ...output } = fold.step(state, one);
    state = throughText(i) ? fold.decode(fold.encode(next)) : next;
    return output;
  });
}

describe('the fold of a host', () => {
  const outputs = runAll(hostFold(), () => false);

  it('makes one incident, one region, two messages of a burst in two directions and metrics', () => {
    expect(new Set(outputs.flatMap(o => o.incidents).map(i => i.id)).size).toBe(1);
    expect(new Set(outputs.flatMap(o => o.annotations).map(a => a.id)).size).toBe(1);
    expect(outputs.flatMap(o => o.notifications).map(n => n.status)).toEqual(['firing', 'resolved']);
    const last = outputs.flatMap(o => o.incidents).at(-1);
    expect(last).toMatchObject({ container: 'web', severity: 'critical' });
    expect(last?.findings).toHaveLength(4);
    expect(last?.title).toMatch(/^web: (bytes|messages) (sent|received) .*, expected up to /);
    // The second window of the burst alarms.
    expect(outputs.findIndex(o => o.notifications.length > 0)).toBe(61);
    const quiet = outputs.flatMap(o => o.detections).filter(d => d.container !== 'web');
    expect(Math.max(...quiet.map(d => d.score))).toBeLessThan(1);
  });

  it('continues identically from its text at any frame', () => {
    expect(runAll(hostFold(), () => true)).toEqual(outputs);
    expect(runAll(hostFold(), i => i % 13 === 0)).toEqual(outputs);
  });

  it('knows from its text who was there, also when nobody tells names after a restart', () => {
    const id = 'a'.repeat(64);
    const worker = { use: 'threshold', name: 'worker', metric: 'bytes', above: '1GB/s' };
    const fold = hostFold(undefined, [{ ...worker, match: { container: 'worker' }, absent_after: '5s' }]);
    const named = fold.step(fold.init(), frame(0, [container('worker', { id })], []));
    const restarted = fold.decode(fold.encode(named.state));
    expect(restarted).toEqual(named.state);
    const nameless = container(`docker:${id.slice(0, 12)}`, { id });
    expect(fold.step(restarted, frame(1, [nameless], [])).incidents).toEqual([]);
    expect(fold.step(fold.decode(fold.encode(named.state)), frame(1, [], [])).incidents).toHaveLength(1);
  });

  it('names open incidents, and what closing them tells', () => {
    const fold = hostFold();
    const state = frames.slice(0, 63).reduce((s, one) => fold.step(s, one).state, fold.init());
    const [open] = outputs.flatMap(o => o.incidents);
    expect([...fold.openIncidents(state)]).toEqual([open?.id]);
    expect(fold.close(open ? [{ ...open, resolvedAt: open.end }] : []).notifications[0]?.status).toBe(
      'resolved',
    );
  });

  it('has a fingerprint of rules and alert settings', () => {
    const same = hostFold().fingerprint;
    expect(hostFold({ resolve_after: 1, critical_score: 3 }).fingerprint).not.toBe(same);
    expect(hostFold(undefined, RULES.slice(1)).fingerprint).not.toBe(same);
    expect(hostFold().fingerprint).toBe(same);
  });

  it.each(['', 'null', '{}', '[1]', '{"fold":{"last":"x"}}'])('refuses the state %j', text => {
    expect(() => hostFold().decode(text)).toThrow(/checkpoint: expected the state of a host, found /);
  });

  it.each([
    ['the pipeline', 'pipeline'],
    ['the fold', 'fold'],
  ])('refuses a key in %s that it would lose', (_, part) => {
    const fold = hostFold();
    const state = JSON.parse(
      fold.encode(frames.slice(0, 3).reduce((s, one) => fold.step(s, one).state, fold.init())),
    );
    state[part].later = 1;
    expect(() => fold.decode(JSON.stringify(state))).toThrow(/checkpoint: .*later/);
  });
});

it.each([
  { use: 'threshold', direction: 'send', above: '500kB/s' },
  { use: 'rolling-zscore', direction: 'send', warm_up: '1m' },
])('an incident begins when the limit of $use was first crossed, not when `for` had passed', rule => {
  const fold = hostFold(undefined, [{ ...rule, name: 'limit', metric: 'bytes', for: '20s' }]);
  const opened = runAll(fold, () => false).flatMap(({ incidents }, i) =>
    incidents.map(({ start }) => ({ i, start })),
  );
  expect(opened[0]).toEqual({ i: 63, start: frames[60]?.start });
});
