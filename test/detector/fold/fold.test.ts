import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { z } from 'zod';
import { matchSchema } from '../../../core/config/match.ts';
import type { Verdict } from '../../../core/incident/verdict.ts';
import type { Container, Frame } from '../../../core/traffic/frame.ts';
import type { AnyDetector, Detector, FoldState } from '../../../detector/contract.ts';
import { createFold } from '../../../detector/fold/fold.ts';
import { DETECTORS } from '../../../detector/index.ts';
import { container, frame, rules, window } from '../data/frames.ts';

const ABOVE = { use: 'threshold', name: 'limit', direction: 'send', above: '1kB/s', for: '0s' };
const SCORE = { use: 'rolling-zscore', name: 'score', warm_up: '20s', min_samples: 4 };

const foldOf = (
  written: readonly Record<string, unknown>[],
  limits?: { subjects: number; forgetMs: number },
) => createFold({ rules: rules(written), detectors: DETECTORS, ...(limits ? { limits } : {}) });

/** All verdicts of a run, frame by frame. */
function verdictsOf(fold: ReturnType<typeof foldOf>, frames: readonly Frame[]): Verdict[][] {
  let state = fold.init();
  return frames.map(one => {
    const result = fold.step(state, one);
    state = result.state;
    return result.verdicts;
  });
}

const names = (verdicts: readonly Verdict[] | undefined) => verdicts?.map(one => one.scope.container);
const web = container('web');
const busy = (i: number, who: Container = web) => frame(i, [who], [window(who.name, 'send', 100, 1000)]);

describe('overrides', () => {
  const batch = container('batch', { labels: { team: 'reports' } });
  const LIFTED = { ...ABOVE, overrides: [{ match: { label: { team: 'reports' } }, above: '1MB/s' }] };

  it('give their containers other limits', () => {
    const both = [window('batch', 'send', 100, 1000), window('web', 'send', 100, 1000)];
    const [verdicts] = verdictsOf(foldOf([LIFTED]), [frame(0, [web, batch], both)]);
    expect(
      verdicts?.map(one => one.kind === 'judged' && [one.scope.container, one.score, one.evidence.high]),
    ).toEqual([
      ['batch', 0.02, 1e6],
      ['web', 20, 1000],
    ]);
  });

  it('do not continue what was learned under the options of the rule', () => {
    const fold = foldOf([{ ...LIFTED, for: '10s' }]);
    const loud = (i: number, who: Container) => frame(i, [who], [window('batch', 'send', 1000, 10_000)]);
    const unlabelled = container('batch');
    const scores = (...frames: Frame[]) =>
      verdictsOf(fold, frames).map(([one]) => one?.kind === 'judged' && one.score >= 1);
    expect(scores(loud(0, unlabelled), loud(1, unlabelled))).toEqual([false, true]);
    expect(scores(loud(0, unlabelled), loud(1, batch), loud(2, batch))).toEqual([false, false, true]);
  });
});

it('a rule on services follows an override that is in force for all of its containers', () => {
  const seen: unknown[] = [];
  const odd: Detector<'service', { limit: number }, number> = {
    name: 'odd',
    summary: '',
    scope: 'service',
    input: 'traffic',
    options: z.strictObject({ limit: z.number() }),
    series: () => [],
    examples: [],
    stateBytes: () => 10,
    init: () => 0,
    step(state, { members }, { limit }) {
      seen.push([members.map(({ container }) => container.name), limit, state]);
      return { state: state + 1, opinion: { abstain: 'no value' } };
    },
  };
  const detectors = [odd] as readonly AnyDetector[];
  const overrides = [
    { match: { container: 'a-1' }, limit: 2 },
    { match: { service: 'b' }, limit: 3 },
  ];
  const written = rules([{ use: 'odd', name: 'odd', limit: 1, overrides }], detectors);
  const fold = createFold({ rules: written, detectors });
  const of = (service: string, ...numbers: number[]) =>
    numbers.map(n => container(`${service}-${n}`, { service }));
  verdictsOf(fold, [
    frame(0, [...of('a', 1, 2), ...of('b', 1, 2)], []),
    frame(1, [...of('a', 1), ...of('b', 1, 2)], []),
  ]);
  expect(seen).toEqual([
    [['a-1', 'a-2'], 1, 0],
    [['b-1', 'b-2'], 3, 0],
    [['a-1'], 2, 0],
    [['b-1', 'b-2'], 3, 1],
  ]);
});

it('a rule with single patterns has the fingerprint that it has without lists', () => {
  const match = matchSchema.parse({ container: 'web-*' });
  const table = [{ name: 'x', scope: 'host' }] as unknown as AnyDetector[];
  const { fingerprint } = createFold({
    rules: [{ use: 'x', name: 'limit', match, options: { above: 1 } }],
    detectors: table,
    limits: { subjects: 10, forgetMs: 1000 },
  });
  // Of version 15 of the fold; checkpoints of an older tidegauge are continued only with the same.
  expect(fingerprint).toBe('7fee793c2917e260');
});

describe('verdicts', () => {
  it('judges silence as rate 0 and traffic as its rate', () => {
    const [silent, loud] = verdictsOf(foldOf([ABOVE]), [frame(0, [web], []), busy(1)]);
    expect(silent).toEqual([
      {
        kind: 'judged',
        rule: 'limit',
        scope: { service: 'web', container: 'web', direction: 'send', metric: 'bytes' },
        score: 0,
        evidence: { seen: 0, low: null, high: 1000, unit: 'B/s', text: '0 B/s, expected below 1000 B/s' },
      },
    ]);
    expect(loud?.[0]).toMatchObject({ score: 20, evidence: { seen: 20_000 } });
  });

  it('come by container, then rule, then direction', () => {
    const fold = foldOf([SCORE, ABOVE]);
    const [verdicts] = verdictsOf(fold, [frame(0, [container('b'), container('a')], [])]);
    const label = (v: Verdict) => `${v.scope.container} ${v.rule} ${v.scope.direction}`;
    expect(verdicts?.map(label)).toEqual([
      'a score send',
      'a score receive',
      'a limit send',
      'b score send',
      'b score receive',
      'b limit send',
    ]);
  });

  it('abstain on an incomplete frame, which teaches nothing', () => {
    const fold = foldOf([SCORE]);
    const before = verdictsOf(fold, [busy(0), busy(1), busy(2), busy(3), busy(4)]);
    const broken = {
      ...busy(3),
      faults: ['saturated' as const],
      windows: [window('web', 'send', 1e6, 1000)],
    };
    const state = [busy(0), busy(1), busy(2)].reduce((s, f) => fold.step(s, f).state, fold.init());
    const seen = fold.step(state, broken);
    expect(seen.verdicts.map(v => v.kind === 'abstained' && v.reason)).toEqual([
      'incomplete frame',
      'incomplete frame',
    ]);
    const next = fold.step(seen.state, busy(4));
    // The same as without the frame that taught nothing, but for the time that was lost.
    const later = (verdict: Verdict): Verdict =>
      verdict.kind === 'abstained' && verdict.until !== null
        ? { ...verdict, until: verdict.until + 5000 }
        : verdict;
    expect(next.verdicts).toEqual(before[3]?.map(later));
  });

  it('are none for a repeated or older frame, which changes nothing', () => {
    const fold = foldOf([SCORE]);
    const { state } = fold.step(fold.step(fold.init(), busy(4)).state, busy(5));
    const text = JSON.stringify(state);
    for (const old of [busy(5), busy(4), busy(0)]) {
      const again = fold.step(state, old);
      expect(again.verdicts).toEqual([]);
      expect(JSON.stringify(again.state)).toBe(text);
    }
  });
});

describe('matching', () => {
  const cgroup = container('/system.slice/ssh', { kind: 'cgroup' });
  const other = container('other', { kind: 'other' });

  it('takes cgroups until the host shows its first container, then never again', () => {
    const all = verdictsOf(foldOf([ABOVE]), [
      frame(0, [cgroup, other], []),
      frame(1, [cgroup, web], []),
      frame(2, [cgroup], []),
    ]);
    expect(all.map(names)).toEqual([['/system.slice/ssh'], ['web'], []]);
  });

  it('takes what kind and globs say', () => {
    const matched = (match: Record<string, unknown>) =>
      names(
        verdictsOf(foldOf([{ ...ABOVE, match }]), [
          frame(0, [cgroup, other, web, container('db', { image: 'pg:1' })], []),
        ])[0],
      );
    expect(matched({ kind: 'any' })).toEqual(['/system.slice/ssh', 'db', 'other', 'web']);
    expect(matched({ kind: 'cgroup' })).toEqual(['/system.slice/ssh']);
    expect(matched({ container: 'w*' })).toEqual(['web']);
    expect(matched({ image: 'pg:*' })).toEqual(['db']);
    expect(matched({ service: 'w??', image: 'pg*' })).toEqual([]);
  });
});

describe('baselines', () => {
  const reasons = (verdicts: readonly Verdict[] | undefined) =>
    verdicts?.map(v => (v.kind === 'abstained' ? v.reason : 'judged'));

  it('are inherited by a redeployed replica of the same service', () => {
    const v1 = container('shop-web-1', { service: 'shop/web', replica: '1', id: 'a' });
    const v2 = container('shop-web-1-new', { service: 'shop/web', replica: '1', id: 'b' });
    const all = verdictsOf(foldOf([SCORE]), [0, 1, 2, 3, 4].map(i => busy(i, v1)).concat(busy(5, v2)));
    expect(reasons(all[0])).toEqual(['warming up', 'warming up']);
    expect(reasons(all[5])).toEqual(['judged', 'judged']);
  });

  it('are apart for replicas, and for two containers that claim to be the same one', () => {
    const a = container('a', { service: 's', replica: '1' });
    const b = container('b', { service: 's', replica: '1' });
    const c = container('c', { service: 's', replica: '2' });
    const fold = foldOf([SCORE]);
    const { state } = fold.step(fold.init(), frame(0, [a, b, c], []));
    expect(Object.values(state.subjects.byKey).filter(({ holder }) => holder)).toHaveLength(3);
    const alone = [0, 1, 2, 3, 4].map(i => busy(i, a));
    const crowd = alone.map((f, i) => frame(i, [a, b, c], [...f.windows, window('b', 'send', 1e5, 1000)]));
    const ofA = (verdicts: Verdict[]) => verdicts.filter(v => v.scope.container === 'a');
    expect(verdictsOf(fold, crowd).map(ofA)).toEqual(verdictsOf(fold, alone));
  });

  it('are forgotten when not seen for long', () => {
    const fold = foldOf([SCORE], { subjects: 100, forgetMs: 60_000 });
    let state = fold.step(fold.init(), busy(0, container('gone'))).state;
    for (let i = 1; i < 16; i++) state = fold.step(state, busy(i)).state;
    expect(Object.keys(state.subjects.byKey)).toEqual(['["replica","web","web"]']);
    expect(state.subjects).toMatchObject({ count: 1, dropped: 0 });
  });

  it('are capped: the least recently seen go, and are counted', () => {
    const fold = foldOf([ABOVE], { subjects: 3, forgetMs: 1e9 });
    let state: FoldState = fold.init();
    for (let i = 0; i < 10; i++) state = fold.step(state, busy(i, container(`c${i}`))).state;
    const kept = Object.keys(state.subjects.byKey);
    expect(kept).toEqual(['c7', 'c8', 'c9'].map(n => JSON.stringify(['replica', n, n])));
    expect(state.subjects).toMatchObject({ count: 3, dropped: 7 });
  });

  it('of the current frame stay, however many there are', () => {
    const fold = foldOf([ABOVE], { subjects: 3, forgetMs: 1e9 });
    const crowd = Array.from({ length: 5 }, (_, i) => container(`c${i}`));
    const old = fold.step(fold.init(), frame(0, [container('old')], [])).state;
    let { state } = fold.step(old, frame(1, crowd, []));
    expect(state.subjects).toMatchObject({ count: 5, dropped: 1 });
    ({ state } = fold.step(state, frame(2, crowd, [])));
    expect(state.subjects).toMatchObject({ count: 5, dropped: 1 });
    expect(Object.values(state.subjects.byKey).every(one => one.seen === frame(2, [], []).start)).toBe(true);
  });
});

describe('other scopes', () => {
  const groupOptions = z.strictObject({});
  /** Says how many members it was given, and how many of them sent something. */
  const counting = <K extends 'service' | 'host'>(scope: K): Detector<K, object, { n: number }> => ({
    name: `count-${scope}`,
    summary: 'Counts.',
    scope,
    input: 'traffic',
    options: groupOptions,
    series: () => [],
    examples: [],
    stateBytes: () => 50,
    init: () => ({ n: 0 }),
    step(state, input) {
      const sending = input.members.filter(member => member.send).length;
      const evidence = { seen: input.members.length, low: null, high: null, unit: 'B', text: `${state.n}` };
      return { state: { n: state.n + 1 }, opinion: { score: sending, evidence } };
    },
  });
  const bytes: Detector<'container', object, null> = {
    ...counting('host'),
    name: 'container-bytes',
    scope: 'container',
    examples: [],
    init: () => null,
    whenEmpty: () => false,
    normal: () => [],
    expects: () => [],
    step: (state, { send, receive }) => ({
      state,
      opinion: {
        score: (send?.bytes ?? 0) + (receive?.bytes ?? 0),
        evidence: { seen: 0, low: null, high: null, unit: 'B', text: '' },
      },
    }),
  };
  const table: AnyDetector[] = [counting('service'), counting('host'), bytes];

  it('are fed all members, sorted, and come after the containers', () => {
    const fold = createFold({
      rules: rules(
        [
          { use: 'count-host', name: 'h' },
          { use: 'count-service', name: 's' },
          { use: 'container-bytes', name: 'c', match: { container: 'b' } },
        ],
        table,
      ),
      detectors: table,
    });
    const all = [
      container('b', { service: 'y' }),
      container('a', { service: 'y' }),
      container('z', { service: 'x' }),
    ];
    const one = (i: number) => frame(i, all, [window('b', 'send', 2, 10), window('b', 'receive', 1, 5)]);
    let state = fold.init();
    state = fold.step(state, one(0)).state;
    const said = fold
      .step(state, one(1))
      .verdicts.map(v => [
        v.rule,
        v.scope.service,
        v.scope.container,
        v.kind === 'judged' && [v.score, v.evidence.seen, v.evidence.text],
      ]);
    expect(said).toEqual([
      ['c', 'y', 'b', [25, 0, '']],
      ['s', 'x', null, [0, 1, '1']],
      ['s', 'y', null, [1, 2, '1']],
      ['h', null, null, [1, 3, '1']],
    ]);
  });
});

describe('purity', () => {
  const hostile = fc.oneof(
    fc.constantFrom(
      'web',
      '__proto__',
      'constructor',
      'a"b',
      "it's",
      'line\nbreak',
      'end\\',
      'a,b=c',
      '1',
      '',
      'x'.repeat(300),
    ),
    fc.string({ unit: 'grapheme' }),
  );
  const someFrames = fc
    .array(
      fc.record({
        containers: fc.uniqueArray(
          fc.record({
            name: hostile,
            service: hostile,
            kind: fc.constantFrom('container' as const, 'cgroup' as const),
          }),
          { selector: c => c.name, maxLength: 4 },
        ),
        messages: fc.nat(3000),
        faulty: fc.boolean(),
        skipped: fc.constantFrom(1, 1, 1, 40),
      }),
      { maxLength: 40 },
    )
    .map(list => {
      let i = 0;
      return list.map(({ containers, messages, faulty, skipped }) => {
        i += skipped;
        const all = containers.map(({ name, service, kind }) => container(name, { service, kind }));
        const windows = messages === 0 ? [] : all.map(c => window(c.name, 'send', messages, 700));
        return frame(i, all, windows, faulty && messages % 4 === 0 ? { faults: ['lost-events'] } : {});
      });
    });

  it('a state that went through JSON at any frame continues identically, whatever the names', () => {
    const fold = foldOf(
      [
        ABOVE,
        SCORE,
        { use: 'threshold', name: 'change', rises_by: '2x', at_least: '10B/s', within: '20s', for: '5s' },
      ],
      { subjects: 6, forgetMs: 100_000 },
    );
    fc.assert(
      fc.property(someFrames, frames => {
        const straight = verdictsOf(fold, frames);
        let text = JSON.stringify(fold.init());
        const through = frames.map(one => {
          const result = fold.step(JSON.parse(text), one);
          text = JSON.stringify(result.state);
          return result.verdicts;
        });
        expect(through).toEqual(straight);
        const state = JSON.parse(text) as FoldState;
        expect(Object.keys(state.subjects.byKey)).toHaveLength(state.subjects.count);
        // Those of the last frame are kept in any case: at most 4 containers, and the lists of their slots.
        expect(state.subjects.count).toBeLessThanOrEqual(8);
      }),
      { numRuns: 60 },
    );
  });
});

describe('fingerprint', () => {
  it('is that of the settings, not of the order they were written in', () => {
    const a = foldOf([{ ...ABOVE, metric: 'bytes' }]).fingerprint;
    const { use, name, ...rest } = ABOVE;
    expect(foldOf([{ metric: 'bytes', ...rest, name, use }]).fingerprint).toBe(a);
    expect(foldOf([{ ...ABOVE, above: '2kB/s' }]).fingerprint).not.toBe(a);
    expect(foldOf([ABOVE], { subjects: 1, forgetMs: 1 }).fingerprint).not.toBe(a);
  });

  it('refuses a rule whose detector does not exist', () => {
    const rule = { use: 'oracle', name: 'x', match: rules([ABOVE])[0]?.match ?? ({} as never), options: {} };
    expect(() => createFold({ rules: [rule], detectors: DETECTORS })).toThrow(
      /detectors\.0\.use: expected one of threshold, .* found oracle/,
    );
  });
});
