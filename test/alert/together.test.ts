import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { PipelineState } from '../../alert/contract.ts';
import { MANY, TOGETHER_MS } from '../../alert/correlate/attribute.ts';
import { createPipeline, type PipelineResult } from '../../alert/pipeline.ts';
import { CAPS } from '../../core/caps.ts';
import { routeSchema } from '../../core/config/routes.ts';
import type { Incident } from '../../core/incident/incident.ts';
import { incidentFromJson } from '../../core/incident/incident-from-json.ts';
import { incidentJson } from '../../core/incident/incident-json.ts';
import type { Judged } from '../../core/incident/verdict.ts';
import type { Flow } from '../../core/traffic/flow.ts';
import type { Container, Frame } from '../../core/traffic/frame.ts';
import { payloadOf } from '../../notify/payload.ts';
import { messageOf } from '../../notify/shared/message.ts';
import { container, frame } from '../detector/data/frames.ts';

const FRAME_MS = frame(1, [], []).durationMs;
const MINUTE = 60_000;
const OPTIONS = { resolve_after: MINUTE, critical_score: 3, reopen_within: 5 * MINUTE };

const web = ['web-1', 'web-2', 'web-3'].map(name => container(name, { service: 'shop/web' }));
const db = container('db', { service: 'shop/db' });
const job = container('job', { service: 'shop/job' });
const EVERYBODY = [...web, db, job];

type Direction = 'send' | 'receive';

const alarm = (who: Container, score = 2, direction: Direction = 'send', rule = 'bytes'): Judged => ({
  kind: 'judged',
  rule,
  scope: { service: who.service, container: who.name, direction, metric: 'bytes' },
  score,
  evidence: { seen: score, low: null, high: 1, unit: 'B/s', text: `${score} MB/s, expected up to 1 MB/s` },
});

const alarmOf = (service: string | null, rule: string): Judged => ({
  ...alarm(db, 2, 'send', rule),
  scope: { service, container: null, direction: null, metric: null },
});

/** The two rows of one transfer. */
function transfer(from: Container, to: Container, bytes: number): Flow[] {
  const shared = { protocol: 'tcp', peerKind: 'container', port: 80, address: '10.0.0.1' } as const;
  const none = { connected: 0, accepted: 0, failed: 0, failedUnattributed: 0 };
  const counts = { sentMessages: 1, receivedMessages: 1, ...none };
  return [
    {
      ...{ container: from.name, peer: to.name, role: 'server', ...shared, ...counts },
      ...{ sentBytes: bytes, receivedBytes: 1 },
    },
    {
      ...{ container: to.name, peer: from.name, role: 'client', ...shared, ...counts },
      ...{ sentBytes: 1, receivedBytes: bytes },
    },
  ] as unknown as Flow[];
}

/** What a frame of the timeline has, besides everybody in it. */
interface Step {
  readonly alarms?: readonly Judged[];
  readonly containers?: readonly Container[];
  readonly more?: Partial<Frame>;
}

const pipelineOf = (routes: readonly object[] = []) =>
  createPipeline({
    alert: { ...OPTIONS, routes: routes.map(route => routeSchema.parse(route)) },
    receivers: ['chat', 'pager'],
  });

const stepFrame = (i: number, { containers = EVERYBODY, more }: Step): Frame =>
  frame(i, containers, [], more);

/** What a host's frames give, from `second` 0 to `seconds`; the state goes through JSON after each, as in a checkpoint. */
function timeline(seconds: number, stepAt: (second: number) => Step, routes: readonly object[] = []) {
  const pipeline = pipelineOf(routes);
  let state = pipeline.init();
  const results: PipelineResult[] = [];
  for (let i = 0; i * FRAME_MS < seconds * 1000; i++) {
    const step = stepAt((i * FRAME_MS) / 1000);
    const result = pipeline.step(state, { frame: stepFrame(i, step), verdicts: step.alarms ?? [] });
    state = JSON.parse(JSON.stringify(result.state));
    results.push(result);
  }
  return { results, state, ...said(results) };
}

/** Incidents in their newest form, in the order in which they opened, and what a receiver was told. */
function said(results: readonly PipelineResult[], receiver = 'chat') {
  const incidents = new Map<string, Incident>();
  for (const incident of results.flatMap(result => result.incidents)) incidents.set(incident.id, incident);
  const told = results.flatMap((result, i) =>
    result.notifications
      .filter(one => one.receiver === receiver)
      .map(({ occasion, status, incident: { title, ended } }) => {
        const why = ended === undefined ? '' : `; ${ended}`;
        return `t=${(i * FRAME_MS) / 1000} s: ${occasion ?? status}: ${title}${why}`;
      }),
  );
  return { incidents: [...incidents.values()], told };
}

const namesOf = ({ members, container: name }: Incident): string[] =>
  members?.map(member => member.container) ?? [name];

const text = '2 MB/s, expected up to 1 MB/s';

describe('replicas of a service', () => {
  const subject = 'service shop/web (web-1, web-2, web-3)';

  it('that alarm at once are one incident, told once, with all of them', () => {
    const { incidents, told } = timeline(120, t => ({
      alarms:
        t === 10 ? [alarm(web[0] as Container), alarm(web[1] as Container), alarm(web[2] as Container)] : [],
    }));
    expect(told).toEqual([
      `t=10 s: firing: ${subject}: web-1 bytes sent ${text}`,
      `t=70 s: resolved: ${subject}: web-1 bytes sent ${text}`,
    ]);
    expect(incidents).toHaveLength(1);
    expect(incidents[0]).toMatchObject({ service: 'shop/web', container: '' });
    expect(incidents[0]?.findings.map(({ scope }) => scope.container)).toEqual(['web-1', 'web-2', 'web-3']);
  });

  it('that alarm one after the other join the incident of the first, which keeps its names and is not told again', () => {
    const { incidents, told } = timeline(200, t => ({
      alarms: web.filter((_, i) => t >= 10 + 50 * i && t <= 110).map(one => alarm(one)),
    }));
    expect(told.map(line => line.split(':').slice(0, 3).join(':'))).toEqual([
      't=10 s: firing: web-1',
      `t=170 s: resolved: ${subject}`,
    ]);
    expect(incidents[0]).toMatchObject({ service: 'shop/web', container: 'web-1' });
    expect(incidents[0]?.members?.map(({ container: name, since }) => [name, since])).toEqual(
      web.map(({ name }, i) => [name, frame(2 + 10 * i, [], []).start]),
    );
  });

  it('that alarm within a minute are one incident also where the rule of the first had waited for longer', () => {
    const { incidents } = timeline(200, t => {
      if (t === 10) return { alarms: [{ ...alarm(web[0] as Container), heldMs: 300_000 }] };
      return t === 40 ? { alarms: [alarm(web[1] as Container)] } : {};
    });
    expect(incidents.map(namesOf)).toEqual([['web-1', 'web-2']]);
    expect(incidents[0]?.start).toBe(frame(3, [], []).start - 300_000);
  });

  it('that alarm more than a minute apart are incidents of their own', () => {
    const { incidents } = timeline(200, t => ({
      alarms:
        t <= 100 ? web.slice(0, t < TOGETHER_MS / 1000 + FRAME_MS / 1000 ? 1 : 2).map(one => alarm(one)) : [],
    }));
    expect(incidents.map(namesOf)).toEqual([['web-1'], ['web-2']]);
  });

  it('are one with what is said of the service as a whole', () => {
    const { incidents } = timeline(200, t => ({
      alarms:
        t === 0 ? [alarm(db), alarm(web[0] as Container)] : t === 30 ? [alarmOf('shop/web', 'siblings')] : [],
    }));
    expect(incidents.map(({ title }) => title.split(':')[0])).toEqual(['db', 'service shop/web (web-1)']);
    expect(incidents[1]?.findings.map(({ rule }) => rule)).toEqual(['bytes', 'siblings']);
  });

  it('one that is well while others go on has a row that says so; the incident is over with the last', () => {
    const { results, told } = timeline(300, t => ({
      alarms: web.filter((_, i) => t >= 10 && t < 20 + 60 * i).map(one => alarm(one)),
    }));
    expect(told.map(line => line.split(':').slice(0, 2).join(':'))).toEqual([
      't=10 s: firing',
      't=195 s: resolved',
    ]);
    const openOf = (name: string) =>
      results.flatMap(({ detections }, i) =>
        detections
          .filter(row => row.container === name)
          .map(({ open }) => `${open} ${(i * FRAME_MS) / 1000}`),
      );
    expect(openOf('web-1').at(-1)).toBe('false 75');
    expect(openOf('web-3').at(-1)).toBe('false 195');
  });

  it('one that is removed is named when the incident is over, which is not called well then', () => {
    const killed = { exits: [{ container: 'web-2', code: 137, oom: false }] };
    const { told, incidents } = timeline(300, t => ({
      alarms: t >= 10 && t < 30 ? web.map(one => alarm(one)) : [],
      containers: t < 40 ? EVERYBODY : EVERYBODY.filter(({ name }) => name !== 'web-2'),
      more: t === 40 ? killed : {},
    }));
    const why = 'web-2 is gone: killed by signal 9 (exit code 137); the others are well';
    expect(told).toHaveLength(2);
    expect(incidents[0]?.ended).toBe(why);
    expect(told[1]).toContain(why);
  });

  it('all of which are removed do not get well, and blindness ends nothing for those that are there', () => {
    const blind = { faults: ['garbage' as const] };
    const at = (containers: readonly Container[], more: Partial<Frame>) =>
      timeline(300, t => ({
        alarms: t === 10 ? web.map(one => alarm(one)) : [],
        ...(t > 10 ? { containers, more } : {}),
      })).incidents[0];
    expect(at([db], {})?.ended).toBe('all its containers are gone');
    expect(at([db], blind)?.ended).toBe('all its containers are gone');
    expect(at(EVERYBODY, blind)?.resolvedAt).toBeNull();
    expect(at(EVERYBODY, {})).not.toHaveProperty('ended');
  });

  it('that was well for long is free: what begins then is another incident', () => {
    const { incidents } = timeline(900, t => ({
      alarms:
        t < 800
          ? web.filter((_, i) => i === 0 || t === 0 || (i === 1 && t >= 600)).map(one => alarm(one))
          : [],
    }));
    expect(incidents.map(namesOf)).toEqual([['web-1', 'web-2', 'web-3'], ['web-2']]);
  });

  it('that fire again are over once: nobody has a second row for an end that was told before', () => {
    const { results } = timeline(2000, t => ({
      alarms: t === 0 ? web.map(one => alarm(one)) : t === 120 ? [alarm(web[2] as Container)] : [],
    }));
    const ends = (name: string) =>
      results.flatMap(({ detections }) => detections).filter(row => row.container === name && !row.open);
    expect(web.map(({ name }) => ends(name).length)).toEqual([1, 1, 2]);
  });

  it('that fire again shortly after are the same incident, whichever of them begins', () => {
    const { told } = timeline(2000, t => ({
      alarms: t === 0 ? web.map(one => alarm(one)) : t === 120 ? [alarm(web[2] as Container)] : [],
    }));
    expect(told.map(line => line.split(':')[1]?.trim())).toEqual([
      'firing',
      'resolved',
      'reopened',
      'resolved',
    ]);
  });
});

describe('the two ends of a flow', () => {
  const flows = transfer(db, web[0] as Container, 30e6);
  const [sent, received] = [alarm(db, 3), alarm(web[0] as Container, 2, 'receive')];

  it('are one incident, named after the end that is furthest from normal, with both in its text', () => {
    const { incidents, told } = timeline(120, t =>
      t === 10 ? { alarms: [received, sent], more: { flows } } : {},
    );
    expect(incidents).toHaveLength(1);
    expect(incidents[0]).toMatchObject({ service: 'shop/db', container: 'db' });
    expect(told[0]).toBe('t=10 s: firing: web-1 and db: db bytes sent 3 MB/s, expected up to 1 MB/s');
    const [message] = [incidents[0]].flatMap(incident =>
      incident ? [messageOf({ key: 'k', receiver: 'chat', status: 'firing', incident })] : [],
    );
    const seen = message?.facts.filter(({ name }) => name === 'Seen').map(fact => fact.text) ?? [];
    expect(message?.headline).toBe('CRITICAL: web-1 and db');
    expect(message?.facts[0]?.text).toBe(
      'containers web-1 and db, services shop/web and shop/db, host host-a',
    );
    expect(seen[0]).toMatch(
      /^db bytes sent 3 MB\/s.*100% of the bytes to service shop\/web at its own tcp 80/,
    );
    expect(seen[1]).toMatch(
      /^web-1 bytes received 2 MB\/s.*100% of the bytes from service shop\/db on tcp 80/,
    );
  });

  it('are one when one alarms later, in either order', () => {
    for (const [first, second] of [
      [sent, received],
      [received, sent],
    ]) {
      const { incidents } = timeline(120, t => ({
        alarms: [first, second].flatMap((one, i) => (one && t >= 10 + 20 * i && t < 60 ? [one] : [])),
        more: { flows },
      }));
      expect(incidents).toHaveLength(1);
      expect(incidents[0]?.findings).toHaveLength(2);
    }
  });

  it('are two where one of them names somebody else, or both speak of the same direction', () => {
    const other = transfer(job, web[0] as Container, 40e6);
    const run = (alarms: Judged[], more: Flow[] = []) =>
      timeline(120, t => (t === 10 ? { alarms, more: { flows: [...flows, ...more] } } : {})).incidents.length;
    expect(run([sent, received], other)).toBe(2);
    expect(run([sent, alarm(web[0] as Container)])).toBe(2);
    expect(run([sent, received])).toBe(1);
  });
});

describe('many containers of one host', () => {
  const all = Array.from({ length: 500 }, (_, i) => container(`c-${i}`));

  it('that alarm at once are one incident of the host, and one message', () => {
    const { incidents, told } = timeline(120, t => ({
      alarms: t === 10 ? all.map(one => alarm(one)) : [],
      containers: all,
    }));
    expect(told.map(line => line.split(': ').slice(0, 3).join(': '))).toEqual([
      't=10 s: firing: host host-a (c-0, c-1, c-2 and 497 more)',
      't=70 s: resolved: host host-a (c-0, c-1, c-2 and 497 more)',
    ]);
    expect(incidents[0]).toMatchObject({ service: '', container: '' });
    expect(incidents[0]?.findings).toHaveLength(500);
  });

  it('that alarm one after the other are one of the host from the fourth on', () => {
    const few = all.slice(0, 20);
    const { incidents } = timeline(400, t => ({
      alarms: t < 200 ? few.filter((_, i) => t >= 10 * i).map(one => alarm(one)) : [],
      containers: few,
    }));
    expect(incidents.map(incident => namesOf(incident).length)).toEqual([
      ...Array.from({ length: MANY - 1 }, () => 1),
      few.length - MANY + 1,
    ]);
  });

  it('are one with what is said of the host, but not with what was lost of its traffic', () => {
    const run = (rule: string) =>
      timeline(120, t => ({
        alarms: t === 10 ? [alarmOf(null, rule)] : t === 20 ? [alarm(db), alarm(job)] : [],
      })).incidents.length;
    expect(run('host')).toBe(1);
    expect(run('capture')).toBe(3);
  });

  it('are another incident than what was lost of its traffic in the same frame', () => {
    const few = all.slice(0, MANY);
    const { incidents, told } = timeline(120, t => ({
      alarms: t === 10 ? few.map(one => alarm(one)) : [],
      containers: few,
      more: t === 10 ? { dropped: 3 } : {},
    }));
    expect(incidents.map(({ findings }) => findings.map(({ rule }) => rule))).toEqual([
      ['shipping'],
      few.map(() => 'bytes'),
    ]);
    expect(told.map(line => line.split(': ')[1])).toEqual(['firing', 'firing', 'resolved', 'resolved']);
  });

  it('fewer that have nothing in common are incidents of their own', () => {
    const { incidents } = timeline(120, t => (t === 10 ? { alarms: [alarm(db), alarm(job)] } : {}));
    expect(incidents.map(namesOf)).toEqual([['db'], ['job']]);
  });

  it('more than one incident takes have incidents of their own', () => {
    const limit = CAPS.incidentMembers.limit;
    const crowd = Array.from({ length: limit + 2 }, (_, i) => container(`c-${i}`));
    const { incidents } = timeline(20, () => ({ alarms: crowd.map(one => alarm(one)), containers: crowd }));
    expect(incidents.map(incident => namesOf(incident).length)).toEqual([limit, 1, 1]);
  });

  it('leave a region and a message of bounded length', () => {
    const { results, incidents } = timeline(20, () => ({
      alarms: all.map(one => alarm(one)),
      containers: all,
    }));
    const region = results.at(-1)?.annotations[0]?.text ?? '';
    expect(region.split('\n').length).toBeLessThan(100);
    expect(region).toMatch(/and \d+ further findings$/);
    const [incident] = incidents;
    if (!incident) throw new Error('no incident');
    const { facts } = messageOf({ key: 'k', receiver: 'chat', status: 'firing', incident });
    expect(facts.length).toBeLessThan(20);
    expect(facts.find(({ name }) => name === 'More')?.text).toMatch(/^\d+ further findings$/);
  });
});

it('who answers for one of them is told when it joins, and of the end', () => {
  const routes = [
    { match: ['service=shop/db'], receivers: ['chat'] },
    { match: ['service=shop/web'], receivers: ['pager'] },
  ];
  const flows = transfer(db, web[0] as Container, 30e6);
  const { results } = timeline(
    200,
    t => ({
      alarms:
        t >= 10 && t < 60 ? [alarm(db), ...(t >= 30 ? [alarm(web[0] as Container, 2, 'receive')] : [])] : [],
      more: { flows },
    }),
    routes,
  );
  const heard = (receiver: string) =>
    said(results, receiver).told.map(line => line.split(': ').slice(0, 2).join(': '));
  expect(heard('chat')).toEqual(['t=10 s: firing', 't=115 s: resolved']);
  expect(heard('pager')).toEqual(['t=30 s: firing', 't=115 s: resolved']);
});

it('the JSON of an incident of several has each of them, and is read again as it was', () => {
  const labels = { team: 'shop' };
  const own = web.map((one, i) => (i === 0 ? { ...one, image: 'web:1', labels } : one));
  const { incidents } = timeline(20, () => ({ alarms: own.map(one => alarm(one)), containers: own }));
  const [incident] = incidents;
  if (!incident) throw new Error('no incident');
  const json = incidentJson(incident);
  expect(json.members[0]).toEqual({
    ...{ service: 'shop/web', container: 'web-1', image: 'web:1', labels },
    since: '2023-11-14T22:13:20.000Z',
  });
  expect(json.members.map(member => member.container)).toEqual(['web-1', 'web-2', 'web-3']);
  expect(incidentJson(incidentFromJson(JSON.parse(JSON.stringify(json))))).toEqual(json);
  const payload = payloadOf({ key: 'k', receiver: 'chat', status: 'firing', incident });
  expect(payload.text).toContain('service shop/web (web-1, web-2, web-3): web-1 bytes sent');
});

describe('whatever happens', () => {
  /** Who alarms in each frame, who is there, and whether the frame is whole. */
  const stepOf = fc.record({
    loud: fc.subarray(EVERYBODY),
    there: fc.subarray(EVERYBODY, { minLength: 3 }),
    flows: fc.boolean(),
    blind: fc.integer({ min: 0, max: 9 }).map(n => n === 0),
    gap: fc.constantFrom(1, 1, 1, 8, 80),
  });
  const flows = transfer(db, web[0] as Container, 30e6);
  const given = fc.array(stepOf, { maxLength: 30 }).map(all => {
    let i = 0;
    return all.map(({ loud, there, blind, gap, flows: hasFlows }) => {
      i += gap;
      const more: Partial<Frame> = {
        ...(blind ? { faults: ['garbage'] } : {}),
        flows: hasFlows ? flows : [],
      };
      const alarms = loud.flatMap(one => [alarm(one), alarm(one, 1.5, 'receive')]);
      return { frame: frame(i, there, [], more), verdicts: blind ? [] : alarms };
    });
  });
  const firingIn = ({ open }: PipelineState) =>
    open.flatMap(({ incident, quiet }) => namesOf(incident).filter((_, i) => quiet[i]?.over === undefined));

  it('every alarm is in one incident that fires, nobody is in two, and after a long quiet none is left', () => {
    fc.assert(
      fc.property(given, steps => {
        const pipeline = pipelineOf();
        let state = pipeline.init();
        for (const step of steps) {
          state = pipeline.step(state, step).state;
          for (const { scope } of step.verdicts) {
            const holding = state.open.filter(({ incident }) =>
              incident.findings.some(
                one => one.scope.container === scope.container && one.last === step.frame.start,
              ),
            );
            expect(holding).toHaveLength(1);
          }
          const firing = firingIn(state);
          expect(new Set(firing).size).toBe(firing.length);
        }
        const last = steps.at(-1)?.frame.start ?? 0;
        for (let i = 1; i <= 40; i++) {
          const quiet = { ...frame(0, EVERYBODY, []), start: last + i * MINUTE, durationMs: MINUTE };
          state = pipeline.step(state, { frame: quiet, verdicts: [] }).state;
        }
        expect(state.open).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });

  it('a restart at any moment, and frames that come again, give the same incidents and messages', () => {
    fc.assert(
      fc.property(given, fc.array(fc.boolean(), { maxLength: 30 }), (steps, restarts) => {
        const run = (disturbed: boolean) => {
          let pipeline = pipelineOf();
          let state = pipeline.init();
          return steps.flatMap((step, i) => {
            const result = pipeline.step(state, step);
            state = result.state;
            if (disturbed && restarts[i]) {
              pipeline = pipelineOf();
              state = JSON.parse(JSON.stringify(state));
              expect(pipeline.step(state, step).incidents).toEqual([]);
            }
            return [result.incidents, result.notifications, result.detections];
          });
        };
        expect(run(true)).toEqual(run(false));
      }),
      { numRuns: 60 },
    );
  });
});
