import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createHostFold } from '../../../alert/host.ts';
import { createPipeline } from '../../../alert/pipeline.ts';
import type { Incident } from '../../../core/incident/incident.ts';
import type { Verdict } from '../../../core/incident/verdict.ts';
import { type Container, compareText, type Frame } from '../../../core/traffic/frame.ts';
import type { FoldState } from '../../../detector/contract.ts';
import { createFold } from '../../../detector/fold/fold.ts';
import { identify } from '../../../detector/fold/identity.ts';
import { noSubjects } from '../../../detector/fold/subjects.ts';
import { DETECTORS } from '../../../detector/index.ts';
import { container, frame, rules, window } from '../data/frames.ts';

/** A container that only its image connects with others. */
const job = (name: string): Container => container(name, { service: 'job', image: 'job:1', id: name });

/** The key of everyone's memory, frame by frame. */
function keysIn(crowds: readonly (readonly Container[])[]): Record<string, string>[] {
  const subjects = noSubjects();
  return crowds.map((crowd, i) =>
    Object.fromEntries(
      identify(frame(i, crowd, []), subjects).map(({ container, key }) => [container.name, key]),
    ),
  );
}

const slot = (n: number) => JSON.stringify(['replica', 'job', n]);

describe('the memory of a container without a number', () => {
  it('is that of the container of its service before it', () => {
    expect(keysIn([[job('a')], [], [job('b')], [job('c')]])).toEqual([
      { a: slot(0) },
      {},
      { b: slot(0) },
      { c: slot(0) },
    ]);
  });

  it('stays its own while it lives, and is found again when it comes back', () => {
    expect(
      keysIn([
        [job('a'), job('b')],
        [job('b'), job('c')],
        [job('b'), job('d')],
        [job('d')],
        [job('b'), job('d')],
      ]),
    ).toEqual([
      { a: slot(0), b: slot(1) },
      { b: slot(1), c: slot(0) },
      { b: slot(1), d: slot(0) },
      { d: slot(0) },
      { b: slot(1), d: slot(0) },
    ]);
  });

  it('is not shared by two at once, and there are no more than were ever there at once', () => {
    const crowd = fc.uniqueArray(
      fc.integer({ min: 0, max: 40 }).map(n => `job-${n}`),
      { maxLength: 6 },
    );
    fc.assert(
      fc.property(fc.array(crowd, { maxLength: 60 }), crowds => {
        const most = Math.max(0, ...crowds.map(({ length }) => length));
        const seen = keysIn(crowds.map(names => [...names].sort(compareText).map(job)));
        for (const keys of seen) expect(new Set(Object.values(keys)).size).toBe(Object.keys(keys).length);
        expect(new Set(seen.flatMap(keys => Object.values(keys))).size).toBeLessThanOrEqual(most);
      }),
    );
  });
});

describe('the memory of a numbered replica', () => {
  const web = (name: string) => container(name, { service: 'shop/web', replica: '1', id: name });
  const key = JSON.stringify(['replica', 'shop/web', '1']);
  const extra = JSON.stringify(['replica', 'shop/web', '1', 0]);

  it('stays with who has it, and goes to who is left', () => {
    expect(keysIn([[web('web')], [web('a-new-web'), web('web')], [web('a-new-web')]])).toEqual([
      { web: key },
      { web: key, 'a-new-web': extra },
      { 'a-new-web': key },
    ]);
  });

  it('is apart from that of commands run beside it, which have one for all', () => {
    const crowds = ['x', 'y', 'z'].map(name => [web('web'), web(`web-run-${name}`)]);
    const keys = keysIn([[web('web')], ...crowds]);
    expect(new Set(keys.flatMap(one => Object.values(one)))).toEqual(new Set([key, extra]));
  });
});

describe('a container with a new name each minute', () => {
  const EACH_MINUTE = { use: 'rolling-zscore', name: 'score', direction: 'send' };

  /** Frame `i` of a host on which a job of 20 s starts each minute under a new name. */
  function minuteJob(i: number, messages: number, more: Partial<Frame> = {}): Frame {
    if (i % 12 >= 4) return frame(i, [], [], more);
    const name = `job-${String(Math.floor(i / 12)).padStart(5, '0')}`;
    const started = i % 12 === 0 ? [name] : [];
    return frame(i, [job(name)], [window(name, 'send', messages, 1000)], { started, ...more });
  }

  function fold(frames: readonly Frame[]): { verdicts: Verdict[][]; state: FoldState } {
    const { init, step } = createFold({ rules: rules([EACH_MINUTE]), detectors: DETECTORS });
    let state = init();
    const verdicts = frames.map(one => {
      const result = step(state, one);
      state = result.state;
      return result.verdicts;
    });
    return { verdicts, state };
  }

  const calm = Array.from({ length: 12 * 120 }, (_, i) => minuteJob(i, 900 + ((i * 37) % 200)));

  it('is judged by what those before it have done', () => {
    const { verdicts, state } = fold(calm);
    const late = verdicts.slice(12 * 20).flat();
    expect(late.length).toBeGreaterThan(300);
    expect(late.every(verdict => verdict.kind === 'judged' && verdict.score < 1)).toBe(true);
    expect(Object.keys(state.subjects.byKey)).toHaveLength(2);
  });

  it('is spoken of as its service from the fourth on, naming the container', () => {
    const { verdicts } = fold([...calm, ...[0, 1, 2, 3].map(n => minuteJob(1440 + n, 50_000))]);
    const scopes = verdicts.map(([verdict]) => verdict?.scope);
    expect(scopes[0]).toMatchObject({ service: 'job', container: 'job-00000' });
    expect(scopes[12 * 3]).toMatchObject({ service: 'job', container: null });
    const last = verdicts.at(-9)?.[0] ?? verdicts.at(-1)?.[0];
    expect(last).toMatchObject({ kind: 'judged', scope: { container: null } });
    const [verdict] = verdicts[1443] ?? [];
    expect(verdict).toMatchObject({
      kind: 'judged',
      evidence: { text: expect.stringContaining('(job-00120)') },
    });
    expect(verdict?.kind === 'judged' && verdict.score).toBeGreaterThanOrEqual(1);
  });

  it('sends fifty times as much for five minutes: that is one incident, of its service', () => {
    const host = createHostFold({
      fold: createFold({ rules: rules([EACH_MINUTE]), detectors: DETECTORS }),
      pipeline: createPipeline({ alert: { resolve_after: 60_000, critical_score: 3 }, receivers: [] }),
    });
    const loud = Array.from({ length: 60 }, (_, n) => minuteJob(1440 + n, 50_000));
    const after = Array.from({ length: 60 }, (_, n) => minuteJob(1500 + n, 1000));
    let state = host.init();
    const incidents = new Map<string, Incident>();
    for (const one of [...calm, ...loud, ...after]) {
      const step = host.step(state, one);
      state = step.state;
      for (const incident of step.incidents) incidents.set(incident.id, incident);
    }
    expect([...incidents.values()]).toMatchObject([
      {
        service: 'job',
        container: '',
        resolvedAt: expect.any(Number),
        title: expect.stringContaining('service job'),
      },
    ]);
  });

  it('keeps its own name in a service of containers that live long', () => {
    const long = Array.from({ length: 1500 }, (_, i) => frame(i, [job(i < 740 ? 'first' : 'second')], []));
    expect(fold(long).verdicts.at(-1)?.[0]?.scope.container).toBe('second');
  });
});
