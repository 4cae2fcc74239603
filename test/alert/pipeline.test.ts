import { describe, expect, it } from '@jest/globals';
import { createPipeline, STAGES } from '../../alert/pipeline.ts';
import { incidentId } from '../../core/incident/incident.ts';
import type { Judged, Verdict } from '../../core/incident/verdict.ts';
import type { Frame } from '../../core/traffic/frame.ts';
import { container, frame } from '../detector/data/frames.ts';

const ALERT = { resolve_after: 10_000, critical_score: 3 };
const web = container('web', { service: 'shop/web' });
const db = container('db');

/** A verdict of one rule on what a container sends. */
function said(score: number, more: Partial<Judged['scope']> & { rule?: string; seen?: number } = {}): Judged {
  const { rule = 'bytes', seen = score * 1e6, ...scope } = more;
  return {
    kind: 'judged',
    rule,
    scope: { service: 'shop/web', container: 'web', direction: 'send', metric: 'bytes', ...scope },
    score,
    evidence: { seen, low: null, high: 1e6, unit: 'B/s', text: `${score} MB/s, expected up to 1 MB/s` },
  };
}

const pipelineOf = (receivers: string[] = ['ops'], alert = ALERT) => createPipeline({ alert, receivers });

/** Runs frames with their verdicts; the result of each, the state having gone through JSON in between. */
function runAll(steps: readonly (readonly [Frame, readonly Verdict[]])[], pipeline = pipelineOf()) {
  let state = pipeline.init();
  return steps.map(([one, verdicts]) => {
    const result = pipeline.step(state, { frame: one, verdicts });
    state = JSON.parse(JSON.stringify(result.state));
    return result;
  });
}

const at = (i: number, more: Partial<Frame> = {}) => frame(i, [web, db], [], more);

describe('a pipeline whose detections nobody writes', () => {
  it('says all the rest as any other does', () => {
    const steps = [0, 1, 2, 3, 4].map(i => [at(i), [said(i === 1 ? 4 : 0.2)]] as const);
    const whole = runAll(steps);
    const bare = runAll(steps, createPipeline({ alert: ALERT, receivers: ['ops'], detections: false }));
    expect(whole.every(({ detections }) => detections.length > 0)).toBe(true);
    expect(bare).toEqual(whole.map(one => ({ ...one, detections: [] })));
  });
});

describe('an incident', () => {
  it('opens with the first alarm, grows, and is over after a quiet time', () => {
    const results = runAll([
      [at(0), [said(0.9)]],
      [at(1), [said(1)]],
      [at(2), [said(4)]],
      [at(3), [said(0.2)]],
      [at(4), [said(0.2)]],
      [at(5), [said(0.2)]],
    ]);
    const id = incidentId('host-a', 'web', at(1).start);
    expect(results.map(r => r.incidents.length)).toEqual([0, 1, 1, 0, 1, 0]);
    expect(results[1]?.incidents[0]).toEqual({
      id,
      host: 'host-a',
      service: 'shop/web',
      container: 'web',
      severity: 'info',
      start: at(1).start,
      end: at(2).start,
      resolvedAt: null,
      score: 1,
      findings: [
        {
          rule: 'bytes',
          scope: said(1).scope,
          first: at(1).start,
          last: at(1).start,
          peak: 1,
          evidence: said(1).evidence,
          window: { from: at(1).start, to: at(2).start },
          before: { times: 0, inWeek: 0, last: null, since: at(0).start },
        },
      ],
      title: 'web: bytes sent 1 MB/s, expected up to 1 MB/s',
    });
    expect(results[2]?.incidents[0]).toMatchObject({ id, severity: 'critical', score: 4, end: at(3).start });
    expect(results[2]?.incidents[0]?.escalation).toEqual({ from: 'info', at: at(2).start });
    expect(results[4]?.incidents[0]).toMatchObject({ id, end: at(3).start, resolvedAt: at(5).start });
    expect(results.map(r => r.detections[0]?.open)).toEqual([false, true, true, true, false, false]);
    expect(results[5]?.state.open).toEqual([]);
  });

  it('is one for all rules, directions and metrics of a container, the highest finding first', () => {
    const [result] = runAll([
      [
        at(0),
        [
          said(2),
          said(3, { direction: 'receive' }),
          said(5, { rule: 'messages', metric: 'messages' }),
          said(0.5, { rule: 'calm' }),
        ],
      ],
    ]);
    expect(result?.incidents).toHaveLength(1);
    expect(result?.incidents[0]?.findings.map(f => [f.rule, f.scope.direction, f.peak])).toEqual([
      ['messages', 'send', 5],
      ['bytes', 'receive', 3],
      ['bytes', 'send', 2],
    ]);
    expect(result?.notifications).toHaveLength(1);
    expect(result?.stopped.map(s => [s.stage, s.reason.replace(/ [0-9a-f]{16}$/, '')])).toEqual([
      ['correlate', 'part of open incident'],
      ['correlate', 'part of open incident'],
    ]);
  });

  it('is one for each container, service and host that have nothing to do with each other', () => {
    const whole = { direction: null, metric: null };
    const results = runAll([
      [at(0), [said(2), said(2, { container: 'db', service: 'db' })]],
      [at(100), [said(2, { container: null, service: 'shop/api', ...whole })]],
      [at(200), [said(2, { container: null, service: null, ...whole })]],
    ]);
    const opened = results.flatMap(({ incidents }) =>
      incidents.filter(({ resolvedAt }) => resolvedAt === null),
    );
    expect(opened.map(i => i.title.split(':')[0])).toEqual(['web', 'db', 'service shop/api', 'host host-a']);
    expect(new Set(opened.map(i => i.id)).size).toBe(4);
    expect(results[2]?.detections.map(d => [d.container, d.service, d.open])).toEqual([
      ['', '', true],
      ['db', 'db', false],
      ['web', 'shop/web', false],
    ]);
  });

  it('carries image and labels of its container from when it opened, and of a service what its containers share', () => {
    const one = container('web', { service: 'web', image: 'web:1', labels: { team: 'shop', tier: 'a' } });
    const two = { ...one, name: 'web-2', labels: { team: 'shop', tier: 'b' } };
    const third = { ...two, name: 'web-3', image: 'web:2' };
    const scope = { service: 'web', container: null };
    const opened = (...containers: (typeof one)[]) => {
      const all = [said(1, { service: 'web' }), said(1, scope)].map(
        one => runAll([[frame(0, containers, []), [one]]])[0]?.incidents[0],
      );
      return all.map(incident => [incident?.container, incident?.image, incident?.labels]);
    };
    expect(opened(one, two)).toEqual([
      ['web', 'web:1', { team: 'shop', tier: 'a' }],
      ['', 'web:1', { team: 'shop' }],
    ]);
    expect(opened(one, third)?.[1]).toEqual(['', undefined, { team: 'shop' }]);
    expect(opened(container('web'))).toEqual([
      ['web', undefined, undefined],
      ['', undefined, undefined],
    ]);
    const later = runAll([
      [frame(0, [one], []), [said(1, { service: 'web' })]],
      [frame(1, [container('web')], []), [said(1, { service: 'web' })]],
    ]);
    expect(later[1]?.incidents[0]).toMatchObject({ image: 'web:1', labels: { team: 'shop' } });
  });

  it('keeps the evidence of the peak while it grows', () => {
    const results = runAll([
      [at(0), [said(2)]],
      [at(1), [said(7)]],
      [at(2), [said(3)]],
    ]);
    const finding = results[2]?.incidents[0]?.findings[0];
    expect(finding).toMatchObject({
      first: at(0).start,
      last: at(2).start,
      peak: 7,
      evidence: said(7).evidence,
    });
    expect(results[2]?.incidents[0]?.title).toContain('7 MB/s');
  });

  it('is neither ended by incomplete frames nor by a gap, and quiet time starts again after an alarm', () => {
    const blind = { faults: ['garbage' as const] };
    const open = runAll([
      [at(0), [said(2)]],
      [at(1), [said(0)]],
      [at(2, blind), []],
      [at(3, blind), []],
      [at(500, blind), []],
      [at(501), [said(2)]],
      [at(502), [said(0)]],
      [at(503), [said(0)]],
    ]).map(r => r.state.open.length);
    expect(open).toEqual([1, 1, 1, 1, 1, 1, 1, 0]);
  });

  it('ends when its container is gone, even when the frames know little', () => {
    const blind = { faults: ['garbage' as const] };
    const gone = (i: number) => frame(i, [db], [], blind);
    const results = runAll([
      [at(0), [said(2)]],
      [gone(1), []],
      [gone(2), []],
    ]);
    expect(results.map(r => r.state.open.length)).toEqual([1, 1, 0]);
    const [over] = results[2]?.incidents ?? [];
    expect(over?.ended).toBe('the container is gone');
    expect(results[2]?.annotations[0]).toMatchObject({
      state: 'ended',
      text: expect.stringContaining('; the container is gone'),
    });
  });

  it('says how its container ended, in whichever frame that was told', () => {
    const killed = { exits: [{ container: 'web', code: 137, oom: false }] };
    const gone = (i: number, more: Partial<Frame> = {}) => frame(i, [db], [], more);
    const why = (...frames: [first: Frame, ...Frame[]]) =>
      runAll(frames.map((one, i) => [one, i === 0 ? [said(2)] : []] as const)).at(-1)?.incidents[0]?.ended;
    const text = 'the container is gone: killed by signal 9 (exit code 137)';
    expect(why(at(0, killed), gone(1), gone(2))).toBe(text);
    expect(why(at(0), gone(1, killed), gone(2))).toBe(text);
    expect(why(at(0), gone(1), gone(2, killed))).toBe(text);
    // Started anew, it went away for another reason.
    expect(why(at(0, killed), at(1, { started: ['web'] }), gone(2))).toBe('the container is gone');
  });

  it('is resolved, not ended, when its container is there again', () => {
    const gone = frame(1, [db], []);
    const results = runAll([
      [at(0), [said(2)]],
      [gone, []],
      [at(2), [said(0)]],
    ]);
    expect(results[2]?.incidents[0]?.resolvedAt).toBe(at(3).start);
    expect(results[2]?.incidents[0]).not.toHaveProperty('ended');
  });

  it('of a service ends when no container of it was seen since, and is resolved when one was', () => {
    const ofService = said(2, { container: null });
    const gone = (i: number) => frame(i, [db], []);
    const last = (frames: Frame[]) =>
      runAll([[at(0), [ofService]], ...frames.map(one => [one, []] as const)]).at(-1)?.incidents[0];
    expect(last([gone(1), gone(2)])?.ended).toBe('no container of the service is left');
    expect(last([at(1), gone(2)])).not.toHaveProperty('ended');
  });

  it('is not opened by an incomplete frame', () => {
    const [result] = runAll([[at(0, { faults: ['late-flip'] }), [said(9)]]]);
    expect(result?.incidents).toEqual([]);
    expect(result?.stopped).toEqual([
      { stage: 'confirm', what: 'bytes: web bytes sent', reason: 'incomplete frame' },
    ]);
  });

  it('ends at once when resolve_after is 0, and a new one has a new id', () => {
    const pipeline = pipelineOf(['ops'], { ...ALERT, resolve_after: 0 });
    const results = runAll(
      [
        [at(0), [said(2)]],
        [at(1), [said(0)]],
        [at(2), [said(2)]],
      ],
      pipeline,
    );
    expect(results[1]?.incidents[0]?.resolvedAt).toBe(at(2).start);
    expect(results[2]?.incidents[0]?.id).not.toBe(results[0]?.incidents[0]?.id);
  });
});

describe('messages and regions', () => {
  const results = runAll(
    [
      [at(0), [said(2)]],
      [at(1), [said(2)]],
      [at(2), [said(0)]],
      [at(3), [said(0)]],
    ],
    pipelineOf(['ops', 'chat']),
  );
  const id = incidentId('host-a', 'web', at(0).start);

  it('each receiver hears of it when it opens and when it is over', () => {
    expect(results.map(r => r.notifications.map(n => n.key))).toEqual([
      [`${id}-ops-firing`, `${id}-chat-firing`],
      [],
      [],
      [`${id}-ops-resolved`, `${id}-chat-resolved`],
    ]);
    expect(results[1]?.stopped).toContainEqual({
      stage: 'address',
      what: `incident ${id}`,
      reason: 'told when it opened',
    });
  });

  it('says when nobody is there to hear', () => {
    const [result] = runAll([[at(0), [said(2)]]], pipelineOf([]));
    expect(result?.stopped).toEqual([
      { stage: 'address', what: `incident ${id}`, reason: 'no receiver is told of it' },
    ]);
  });

  it('a region carries the numbers of its worst finding, and none that no database holds', () => {
    expect(results[0]?.annotations[0]?.peak).toEqual({
      ...{ rule: 'bytes', direction: 'send', metric: 'bytes', seen: 2e6, expected: 1e6, unit: 'B/s' },
    });
    const [endless] = runAll([[at(0), [said(2, { seen: Number.POSITIVE_INFINITY })]]]);
    expect(endless?.annotations).toHaveLength(1);
    expect(endless?.annotations[0]).not.toHaveProperty('peak');
  });

  it('one region grows until it is resolved', () => {
    expect(results.flatMap(r => r.annotations).map(a => [a.id, a.start, a.end, a.state])).toEqual([
      [id, at(0).start, at(1).start, 'firing'],
      [id, at(0).start, at(2).start, 'firing'],
      [id, at(0).start, at(2).start, 'resolved'],
    ]);
    expect(results[3]?.annotations[0]?.text).toBe(
      [
        'web (host host-a, service shop/web) warning until 2023-11-14T22:13:30.000Z, from 2023-11-14T22:13:20.000Z',
        'bytes: bytes sent 2 MB/s, expected up to 1 MB/s (score 2.0, 2023-11-14T22:13:20.000Z to 2023-11-14T22:13:25.000Z)',
      ].join('\n'),
    );
  });

  it('closing from outside tells the same as an end', () => {
    const open = results[1]?.state.open[0]?.incident;
    if (!open) throw new Error('nothing is open');
    const closed = pipelineOf(['ops']).close([{ ...open, resolvedAt: open.end }]);
    expect(closed.notifications.map(n => n.key)).toEqual([`${id}-ops-resolved`]);
    expect(closed.annotations[0]).toMatchObject({ id, state: 'resolved' });
  });

  it('hostile names stay as they are in fields, and cannot break a line of text', () => {
    const name = `web\n\u001b[31m"; DROP\\`;
    const [result] = runAll([
      [frame(0, [container(name)], []), [said(2, { container: name, service: name })]],
    ]);
    expect(result?.incidents[0]).toMatchObject({ container: name, service: name });
    expect(result?.incidents[0]?.title).toMatch(/^web\\x0a\\x1b\[31m"; DROP\\: bytes sent/);
    expect(result?.annotations[0]?.text.split('\n')).toHaveLength(2);
    expect(result?.annotations[0]?.container).toBe(name);
  });
});

describe('detections', () => {
  it('are one row for each container that was judged, with the nearer bound', () => {
    const both = { ...said(0.5, { rule: 'both', seen: 12 }).evidence, low: 10, high: 40 };
    const [result] = runAll([
      [
        at(0),
        [
          { ...said(0.4), score: 0.4 },
          { ...said(0.5, { rule: 'constructor' }), evidence: both },
          said(0.1, { rule: 'constructor', direction: 'receive' }),
          { kind: 'abstained', rule: 'x', scope: said(1).scope, reason: 'warming up', until: null },
          {
            kind: 'abstained',
            rule: 'x',
            scope: said(1, { container: 'db' }).scope,
            reason: 'no value',
            until: null,
          },
        ],
      ],
    ]);
    expect(result?.detections).toEqual([
      {
        host: 'host-a',
        service: 'shop/web',
        container: 'web',
        start: at(0).start,
        score: 0.5,
        scores: { bytes: 0.4, constructor: 0.5 },
        seen: 12,
        expected: 10,
        open: false,
      },
    ]);
  });
});

it('does nothing for a repeated or older frame', () => {
  const results = runAll([
    [at(5), [said(2)]],
    [at(5), [said(9)]],
    [at(4), [said(9)]],
  ]);
  for (const result of results.slice(1)) {
    expect(result).toEqual({
      state: results[0]?.state,
      incidents: [],
      annotations: [],
      detections: [],
      notifications: [],
      stopped: [],
    });
  }
});

it('lists its stages', () => {
  expect(STAGES.map(stage => stage.name)).toEqual([
    ...['confirm', 'pending', 'capture', 'attribute', 'correlate', 'annotate', 'address'],
  ]);
});
