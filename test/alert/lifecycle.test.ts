import { describe, expect, it } from '@jest/globals';
import { createPipeline } from '../../alert/pipeline.ts';
import { routeSchema } from '../../core/config/routes.ts';
import type { Judged } from '../../core/incident/verdict.ts';
import { container, frame } from '../detector/data/frames.ts';

/** Length of the frames, s. */
const FRAME = frame(1, [], []).durationMs / 1000;
const MINUTE = 60_000;

const alarm = (score: number, rule = 'bytes'): Judged => ({
  kind: 'judged',
  rule,
  scope: { service: 'shop/web', container: 'web', direction: 'send', metric: 'bytes' },
  score,
  evidence: { seen: score, low: null, high: 1, unit: 'B/s', text: 'much' },
});

const OPTIONS = { resolve_after: MINUTE, critical_score: 3, reopen_within: 5 * MINUTE };

/** What is told, with the seconds since the beginning, of a container whose score at each time `scoreAt` gives. */
function told(
  seconds: number,
  scoreAt: (second: number) => number,
  routes: readonly object[] = [],
  { otherAt = () => 0 }: { readonly otherAt?: (second: number) => number } = {},
): string[] {
  const pipeline = createPipeline({
    alert: { ...OPTIONS, routes: routes.map(route => routeSchema.parse(route)) },
    receivers: ['chat'],
  });
  let state = pipeline.init();
  const found: string[] = [];
  for (let i = 0; i * FRAME < seconds; i++) {
    const now = frame(i, [container('web', { service: 'shop/web' })], []);
    const verdicts = [alarm(scoreAt(i * FRAME)), alarm(otherAt(i * FRAME), 'other')];
    const result = pipeline.step(state, { frame: now, verdicts });
    state = JSON.parse(JSON.stringify(result.state));
    for (const { occasion, status, receiver, incident } of result.notifications)
      found.push(`t=${i * FRAME} s: ${receiver} ${occasion ?? status} ${incident.severity}`);
  }
  return found;
}

describe('the life of an incident, as a receiver hears it', () => {
  it('begins when its limit was crossed first, where a rule waits before it fires', () => {
    const pipeline = createPipeline({ alert: OPTIONS, receivers: ['chat'] });
    const web = container('web', { service: 'shop/web' });
    const now = frame(5, [web], []);
    const heldMs = 3 * now.durationMs;
    const { notifications } = pipeline.step(pipeline.init(), {
      frame: now,
      verdicts: [{ ...alarm(2), heldMs }, alarm(2, 'other')],
    });
    const [told] = notifications.map(({ incident }) => incident);
    expect(told?.start).toBe(frame(3, [], []).start);
    expect(told?.findings.map(({ first }) => first)).toEqual([now.start, now.start]);
  });

  it('a lasting shift is one alarm, and over a minute after it is learned', () => {
    expect(told(1200, t => (t >= 10 && t < 400 ? 2 : 0))).toEqual([
      't=10 s: chat firing warning',
      `t=${400 + 60 - FRAME} s: chat resolved warning`,
    ]);
  });

  it('what comes and goes every 30 s for an hour is told at most three times', () => {
    const heard = told(2 * 3600, t => (t < 3600 && t % 60 < 30 ? 2 : 0));
    expect(heard.length).toBeLessThanOrEqual(3);
    expect(heard.at(-1)).toMatch(/resolved/);
  });

  it('what comes and goes every three minutes is told to fire again once, and over when it is quiet for long', () => {
    const heard = told(2 * 3600, t => (t < 3600 && t % 180 < 30 ? 2 : 0));
    expect(heard.map(text => text.split(' ')[3])).toEqual(['firing', 'resolved', 'reopened', 'resolved']);
    expect(heard[2]).toBe('t=180 s: chat reopened warning');
  });

  it('has a region for each time it fires, and what was over stays over', () => {
    const pipeline = createPipeline({ alert: OPTIONS, receivers: [] });
    let state = pipeline.init();
    const regions = new Map<string, [start: number, end: number, state: string]>();
    for (let i = 0; i * FRAME < 3600; i++) {
      const now = frame(i, [container('web', { service: 'shop/web' })], []);
      const score = i * FRAME < 300 && (i * FRAME) % 180 < 30 ? 2 : 0;
      const result = pipeline.step(state, { frame: now, verdicts: [alarm(score)] });
      state = JSON.parse(JSON.stringify(result.state));
      for (const one of result.annotations) regions.set(one.id, [one.start, one.end, one.state]);
    }
    const [first, second] = [...regions];
    const zero = frame(0, [], []).start;
    expect(first?.[1]).toEqual([zero, zero + 30_000, 'resolved']);
    expect(second).toEqual([`${first?.[0]}-2`, [zero + 180_000, zero + 210_000, 'resolved']]);
    expect(regions.size).toBe(2);
  });

  it('what fires again later than that is another incident', () => {
    const heard = told(1200, t => (t < 30 || (t >= 600 && t < 630) ? 2 : 0));
    expect(heard.map(text => text.split(' ')[3])).toEqual(['firing', 'resolved', 'firing', 'resolved']);
  });

  it('what becomes critical is told once as that', () => {
    const heard = told(300, t => (t >= 150 ? 0 : t >= 50 ? 5 : t >= 10 ? 2 : 0));
    expect(heard.slice(0, 2)).toEqual(['t=10 s: chat firing warning', 't=50 s: chat worse critical']);
    expect(heard).toHaveLength(3);
  });

  it('who is told of critical ones only is told when it becomes that, and of its end', () => {
    const routes = [
      { match: ['severity=critical'], receivers: ['pager'] },
      { match: ['severity=warning'], receivers: ['chat'] },
    ];
    const heard = told(300, t => (t >= 150 ? 0 : t >= 50 ? 5 : t >= 10 ? 2 : 0), routes);
    expect(heard.map(text => text.replace(/^t=\d+ s: /, '')).sort()).toEqual([
      'chat firing warning',
      'chat resolved critical',
      'pager firing critical',
      'pager resolved critical',
    ]);
  });

  it('who is told of one rule only is told when that joins in, and whoever heard of it hears of its end', () => {
    const routes = [
      { match: ['rule=other'], receivers: ['pager'] },
      { match: ['rule!=other'], receivers: ['chat'] },
    ];
    const heard = told(300, t => (t >= 150 ? 0 : t >= 10 ? 2 : 0), routes, {
      otherAt: t => (t >= 50 && t < 60 ? 2 : 0),
    });
    expect(heard.slice(0, 2)).toEqual(['t=10 s: chat firing warning', 't=50 s: pager firing warning']);
    expect(
      heard
        .slice(2)
        .map(text => text.replace(/^t=\d+ s: /, ''))
        .sort(),
    ).toEqual(['chat resolved warning', 'pager resolved warning']);
  });
});
