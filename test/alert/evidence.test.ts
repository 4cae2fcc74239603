import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { PastNotes } from '../../alert/finding/past.ts';
import { severityReason } from '../../alert/finding/severity.ts';
import { createPipeline } from '../../alert/pipeline.ts';
import { CAPS } from '../../core/caps.ts';
import { circumstancesOf, sentenceOf } from '../../core/incident/evidence-text.ts';
import type { Finding, Incident, Severity, TopPeer } from '../../core/incident/incident.ts';
import { incidentJson } from '../../core/incident/incident-json.ts';
import type { Judged } from '../../core/incident/verdict.ts';
import { TimeZone } from '../../core/time-zone.ts';
import type { Flow } from '../../core/traffic/flow.ts';
import type { Frame } from '../../core/traffic/frame.ts';
import { container, frame } from '../detector/data/frames.ts';

const web = container('web', { service: 'shop/web' });
const db = container('db-1', { service: 'shop/db' });
const FRAME_MS = 5000;
const DAY = (24 * 3_600_000) / FRAME_MS;

function said(score: number, more: Partial<Judged['evidence']> = {}, rule = 'traffic'): Judged {
  return {
    kind: 'judged',
    rule,
    scope: { service: 'shop/web', container: 'web', direction: null, metric: null },
    score,
    evidence: { seen: score, low: null, high: 1, unit: 'B/s', text: 'sent 9 MB/s', ...more },
  };
}

/** Judges frames of these numbers; the incidents of each, the state having gone through JSON in between. */
function judged(
  steps: readonly (readonly [number, readonly Judged[], Partial<Frame>?])[],
  severities: Record<string, Severity> = {},
): Incident[][] {
  const alert = { resolve_after: 10_000, critical_score: 3 };
  const pipeline = createPipeline({ alert, receivers: [], severities });
  let state = pipeline.init();
  return steps.map(([i, verdicts, more]) => {
    const result = pipeline.step(state, { frame: frame(i, [web, db], [], more), verdicts });
    state = JSON.parse(JSON.stringify(result.state));
    return [...result.incidents];
  });
}

/** An alarm in frame `i`, and quiet frames until it is over. */
const event = (i: number, ...alarms: Judged[]): [number, Judged[]][] => [
  [i, alarms],
  [i + 1, []],
  [i + 2, []],
];

const finding = (incidents: readonly Incident[] | undefined): Finding => {
  const [first] = incidents?.[0]?.findings ?? [];
  if (!first) throw new Error('no finding');
  return first;
};

describe('how often before', () => {
  it('counts what the same rule and view noticed about the same container, and says it in words', () => {
    const view = (name: string) => said(2, { view: name });
    const results = judged([
      [0, []],
      ...event(DAY, view('level')),
      ...event(2 * DAY, view('sizes')),
      ...event(3 * DAY, view('level')),
      ...event(4 * DAY, view('level')),
      ...event(14 * DAY, view('level')),
      ...event(15 * DAY, view('level')),
      ...event(50 * DAY, view('level')),
    ]);
    const sentences = [1, 4, 7, 10, 13, 16, 19].map(i => circumstancesOf(finding(results[i])).join());
    expect(sentences).toEqual([
      'first time in 1d',
      'first time in 2d',
      'second time in 3d, last Wed 2023-11-15 22:13Z',
      'third time in 4d, last Fri 2023-11-17 22:13Z',
      'fourth time in 14d, last Sat 2023-11-18 22:13Z',
      'second time in 7d, last Tue 2023-11-28 22:13Z',
      'first time in 31d',
    ]);
    expect(incidentJson(results[10]?.[0] as Incident).findings[0]?.before).toEqual({
      times: 2,
      in_last_7_days: 2,
      last: '2023-11-17T22:13:20.000Z',
      since: '2023-11-14T22:13:20.000Z',
    });
  });

  it('is told in the time zone of the reader', () => {
    const results = judged([[0, []], ...event(DAY, said(2)), ...event(2 * DAY, said(2))]);
    const zone = TimeZone.named('Asia/Tokyo') as TimeZone;
    expect(circumstancesOf(finding(results[4]), zone)).toEqual([
      'second time in 2d, last Thu 2023-11-16 07:13+09:00',
    ]);
  });

  it('is not said where nobody has watched yet, and is kept as it was said', () => {
    const [first, second] = judged([
      [0, [said(2)]],
      [1, [said(4)]],
    ]);
    expect(sentenceOf(finding(first))).toBe('sent 9 MB/s');
    expect(finding(second).before).toEqual(finding(first).before);
  });

  it('takes bounded memory, whoever is noticed by whatever, however often', () => {
    const events = fc.array(
      fc.record({
        wait: fc.nat(20 * 86_400_000),
        key: fc.nat(5),
        by: fc.constantFrom('a', 'b', '__proto__'),
      }),
      { maxLength: 100 },
    );
    fc.assert(
      fc.property(events, list => {
        let past = {};
        let now = 0;
        const heard: { now: number; key: number; by: string }[] = [];
        for (const { wait, key, by } of list) {
          now += wait;
          const notes = new PastNotes(past, 0, now);
          const { times, inWeek, last } = notes.take(`["container","${key}"]`, by);
          const alike = heard.filter(
            one => one.key === key && one.by === by && one.now > now - 31 * 86_400_000,
          );
          expect(times).toBeLessThanOrEqual(alike.length);
          expect(inWeek).toBeLessThanOrEqual(times);
          if (last !== null) expect(last).toBe(alike.at(-1)?.now);
          heard.push({ now, key, by });
          past = JSON.parse(JSON.stringify(notes.result()));
          for (const kept of Object.values<unknown[]>(past)) expect(kept.length).toBeLessThanOrEqual(12);
        }
      }),
    );
    const notes = new PastNotes({}, 0, 1);
    for (let i = 0; i < CAPS.pastSubjects.limit + 10; i++) notes.take(`${i}`, 'a');
    expect(Object.keys(notes.result())).toHaveLength(CAPS.pastSubjects.limit);
  });
});

describe('the peer', () => {
  const flow = (peer: string, sentBytes: number, more: Partial<Flow> = {}): Flow => ({
    container: 'web',
    protocol: 'tcp',
    role: 'client',
    peerKind: 'container',
    peer,
    port: 5432,
    address: '172.18.0.9',
    sentMessages: 1,
    sentBytes,
    receivedMessages: 1,
    receivedBytes: 10,
    connections: 0,
    failures: 0,
    ...more,
  });
  const of = (alarm: Judged, flows: readonly Flow[]) => finding(judged([[0, [alarm], { flows }]])[0]);

  it('is whom most bytes of that direction were exchanged with, in words and in data', () => {
    const flows = [
      flow('db-1', 9200),
      flow('', 800, { peerKind: 'outside', address: '198.51.100.7', port: 443 }),
    ];
    const found = of(said(2, { direction: 'send' }), flows);
    expect(found.peer).toEqual({
      kind: 'container',
      name: 'db-1',
      service: 'shop/db',
      address: '172.18.0.9',
      protocol: 'tcp',
      role: 'client',
      port: 5432,
      bytes: 9200,
      share: 0.92,
    });
    expect(sentenceOf(found)).toBe('sent 9 MB/s; 92% of the bytes to service shop/db on tcp 5432');
  });

  it.each<[string, Partial<Flow>, string]>([
    ['an outside one by its address', { peerKind: 'outside', peer: '' }, 'from 172.18.0.9 on tcp 5432'],
    ['a client by its name', { role: 'server', port: 80 }, 'from service shop/db at its own tcp 80'],
    ['the host by what it is', { peer: '/' }, 'from the host itself on tcp 5432'],
    ['many', { peerKind: 'other', peer: '', port: 0, address: '' }, 'from many peers on several ports'],
    ['a hostile name printable', { peer: '\u001b[2Jx\n@here' }, 'from \\x1b[2Jx\\x0a@here on tcp 5432'],
  ])('is told: %s', (_, more, words) => {
    const found = of(said(2, { direction: 'receive' }), [flow('db-1', 1, more)]);
    expect(sentenceOf(found)).toBe(`sent 9 MB/s; 100% of the bytes ${words}`);
  });

  it('has all of the bytes only if nobody else had any', () => {
    const text = (other: number) =>
      sentenceOf(of(said(2, { direction: 'send' }), [flow('db-1', 1000), flow('db-2', other)]));
    expect(text(3)).toBe('sent 9 MB/s; more than 99% of the bytes to service shop/db on tcp 5432');
    expect(text(0)).toContain('100% of the bytes');
  });

  it('is nobody where there are no flows, or where the finding is about no direction', () => {
    expect(of(said(2, { direction: 'send' }), [])).not.toHaveProperty('peer');
    expect(of(said(2, { direction: 'send' }), [flow('db-1', 0)])).not.toHaveProperty('peer');
    expect(of(said(2), [flow('db-1', 5)])).not.toHaveProperty('peer');
  });

  it('and the time looked back to belong to the highest score', () => {
    const results = judged([
      [0, [said(2, { direction: 'send', overMs: 60_000 })], { flows: [flow('db-1', 5)] }],
      [1, [said(5, { overMs: 300_000 })]],
      [2, [said(1, { direction: 'send' })], { flows: [flow('db-1', 5)] }],
    ]);
    const { start } = frame(0, [], []);
    expect(finding(results[0]).window).toEqual({ from: start + 5000 - 60_000, to: start + 5000 });
    expect(finding(results[0]).peer?.name).toBe('db-1');
    expect(finding(results[2])).toEqual(
      finding(results[1]) && { ...finding(results[1]), last: start + 10_000 },
    );
    expect(finding(results[1])).not.toHaveProperty('peer');
    expect(finding(results[1]).window).toEqual({ from: start + 10_000 - 300_000, to: start + 10_000 });
  });

  it('of a share that is no number cannot be', () => {
    const flows = fc.array(
      fc.record({
        sent: fc.nat(),
        received: fc.nat(),
        port: fc.nat(65_535),
        peer: fc.constantFrom('db-1', 'x'),
      }),
    );
    fc.assert(
      fc.property(flows, fc.constantFrom('send' as const, 'receive' as const), (list, direction) => {
        const all = list.map(({ sent, received, ...one }) =>
          flow(one.peer, sent, { receivedBytes: received, port: one.port }),
        );
        const peer: TopPeer | undefined = of(said(2, { direction }), all).peer;
        if (peer === undefined) return;
        expect(peer.share).toBeGreaterThanOrEqual(0);
        expect(peer.share).toBeLessThanOrEqual(1);
      }),
    );
  });
});

describe('severity', () => {
  const severities = (results: Incident[][]) => results.map(([one]) => one?.severity);

  it('grows with the score', () => {
    expect(severities(judged([[0, [said(1.4)]]]))).toEqual(['info']);
    expect(severities(judged([[0, [said(1.5)]]]))).toEqual(['warning']);
    expect(severities(judged([[0, [said(3)]]]))).toEqual(['critical']);
  });

  it('is what was said of the rule, also of one that is named as what every object has', () => {
    const alarms = [said(4, {}, 'constructor')];
    expect(severities(judged([[0, alarms]], { traffic: 'info' }))).toEqual(['critical']);
    expect(severities(judged([[0, alarms]], { constructor: 'info' } as never))).toEqual(['info']);
  });

  it('is a grade higher after ten minutes, and never falls while it is firing', () => {
    const results = judged(Array.from({ length: 121 }, (_, i) => [i, [said(i === 0 ? 1.6 : 1.1)]] as const));
    expect(severities(results).indexOf('critical')).toBe(119);
    expect(results[119]?.[0]?.escalation).toEqual({ from: 'warning', at: frame(119, [], []).start });
    expect(results[120]?.[0]).toMatchObject({ severity: 'critical', escalation: { from: 'warning' } });
  });

  it('is a grade lower from the third time in seven days on', () => {
    const results = judged([0, 1, 2, 3, 30].flatMap(day => event(1 + day * DAY, said(4))));
    expect([0, 3, 6, 9, 12].map(i => results[i]?.[0]?.severity)).toEqual([
      'critical',
      'critical',
      'warning',
      'warning',
      'critical',
    ]);
  });

  it('says what it comes from, unless the settings have changed since', () => {
    const settings = { alert: { resolve_after: 10_000, critical_score: 3, reopen_within: 60_000 } };
    const incidents = judged([0, 1, 2].flatMap(day => event(1 + day * DAY, said(4)))).flat();
    const reasons = incidents.map(incident => severityReason(incident, settings));
    expect(reasons[0]).toBe('score 4.0 is critical');
    expect(reasons.at(-1)).toBe(
      'score 4.0 is critical, one grade less as it was noticed 2 times in the 7 days before',
    );
    const later = { alert: { ...settings.alert, critical_score: 9 } };
    expect(severityReason(incidents[0] as Incident, later)).toBeNull();
    const own = { ...settings, severities: { traffic: 'critical' as const } };
    expect(severityReason(incidents[0] as Incident, own)).toBe('as the rule traffic says');
    const long = judged(Array.from({ length: 121 }, (_, i) => [i, [said(1.6)]] as const));
    expect(severityReason(long[120]?.[0] as Incident, settings)).toBe(
      'score 1.6 is warning, one grade more as it lasted for 10m',
    );
  });

  it('is what the user said of the rule, whatever was seen', () => {
    expect(severities(judged([[0, [said(1)]]], { traffic: 'critical' }))).toEqual(['critical']);
    expect(severities(judged([[0, [said(99)]]], { traffic: 'info' }))).toEqual(['info']);
    const both = [said(99), said(1.6, {}, 'other')];
    expect(severities(judged([[0, both]], { traffic: 'info' }))).toEqual(['warning']);
  });
});
