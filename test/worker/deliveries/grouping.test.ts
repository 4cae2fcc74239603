import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createInhibition } from '../../../alert/policy/inhibit.ts';
import { createRouter, type Routing } from '../../../alert/policy/router.ts';
import { type Incident, notificationKey, worseKey } from '../../../core/incident/incident.ts';
import { parseMatcher } from '../../../core/incident/matcher.ts';
import type { DeliveryResult, Receiver, Told } from '../../../notify/contract.ts';
import { messageKey } from '../../../notify/payload.ts';
import type { Lease, State } from '../../../state/contract.ts';
import { Deliverer } from '../../../worker/deliveries/deliver.ts';
import { incidentOf, notificationOf, resolved } from '../../data/incidents.ts';
import { ManualClock } from '../../parts/clock.ts';
import { recordingLog } from '../../parts/log.ts';
import { temporaryFolder } from '../../parts/process.ts';
import { LIMITS, openFiles, refusing } from '../fixture.ts';

const STEP_MS = 100;
const HOUR = 3600;

const ROUTING: Routing = {
  routes: [],
  ...{ group_by: ['host'], group_wait: 2000, group_interval: 10_000, repeat_interval: 4 * HOUR * 1000 },
};

/** What one message told, and when, in seconds from the beginning. */
interface Heard {
  readonly at: number;
  readonly key: string;
  /** What a receiver knows it by. */
  readonly id: string;
  readonly status: string;
  readonly who: readonly string[];
}

describe('a storm, as its receiver hears it', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let clock: ManualClock;
  let state: State;
  let lane: Lease;
  let deliverer: Deliverer;
  let begin: number;
  let heard: Heard[];
  /** Keys of all attempts. */
  let tried: string[];
  let answer: () => DeliveryResult;

  beforeEach(async () => {
    folder = temporaryFolder();
    clock = new ManualClock();
    begin = clock.now();
    state = openFiles(folder.path, clock).state;
    await state.open();
    lane = (await state.acquire('lane-0', 'me', 1e12)) as Lease;
    heard = [];
    tried = [];
    answer = () => ({ kind: 'accepted' });
  });

  afterEach(async () => {
    await deliverer.stop();
    await state.close();
    folder.remove();
  });

  const seconds = () => (clock.now() - begin) / 1000;

  const chat: Receiver = {
    name: 'chat',
    address: 'test',
    limits: LIMITS,
    takesGroups: true,
    async deliver(told: Told) {
      const result = answer();
      tried.push(messageKey(told));
      const all = [told, ...(told.others ?? [])];
      const what = told.occasion ?? told.status;
      if (result.kind === 'accepted')
        heard.push({
          ...{ at: seconds(), key: told.key, id: messageKey(told), status: what },
          who: all.map(({ incident }) => incident.container),
        });
      return result;
    },
  };

  interface Deps {
    readonly routing?: Routing;
    readonly state?: State;
    readonly inhibit?: Parameters<typeof createInhibition>[0];
  }
  async function start({ routing = ROUTING, inhibit, ...deps }: Deps = {}): Promise<void> {
    const policy = (await state.acquire('policy', 'me', 1e12)) as Lease;
    deliverer = new Deliverer(policy, {
      ...{ state, clock, log: recordingLog().log, leaseMs: 1e12, unrecorded: new Map() },
      ...{ receivers: [chat], random: () => 0.5 },
      policy: {
        router: createRouter(routing, ['chat']),
        inhibitorOf: inhibit ? createInhibition(inhibit) : null,
      },
      ...deps,
    });
    deliverer.start();
  }

  const incident = (n: number, parts: Partial<Incident> = {}) =>
    incidentOf(clock.now(), { container: `web-${n}`, ...parts });
  const raise = (...incidents: readonly Incident[]) =>
    state.commit(lane, { incidents, notifications: incidents.map(one => notificationOf(one, 'chat')) });

  /** Let time pass to `to` seconds; all that is asked of the state is answered at once. */
  async function pass(to: number, stepMs = STEP_MS): Promise<void> {
    while (seconds() < to) {
      clock.advance(stepMs);
      for (let i = 0; i < 8; i++) await turn();
    }
  }
  const count = async (status: Parameters<State['deliveries']>[0]) =>
    (await state.deliveries(status, 10_000)).length;

  it('one alarm alone: t=0 s it fires, t=2 s it is told, under the key of a message about it alone', async () => {
    await start();
    const one = incident(1);
    await raise(one);
    await pass(1.9);
    expect(heard).toEqual([]);
    await pass(3);
    expect(heard).toMatchObject([{ key: `${one.id}-chat-firing`, who: ['web-1'] }]);
    expect(heard[0]?.at).toBeLessThan(2.5);
  });

  it('500 at once: t=2 s one message; t=60 s all are over, t=62 s one message; nothing waits', async () => {
    await start();
    const all = Array.from({ length: 500 }, (_, n) => incident(n));
    await raise(...all);
    await pass(4);
    expect(heard.map(({ status, who }) => [status, who.length])).toEqual([['firing', 500]]);
    await pass(60, 1000);
    await raise(...all.map(one => resolved(one)));
    await pass(64);
    expect(heard.map(({ status, who }) => [status, who.length])).toEqual([
      ['firing', 500],
      ['resolved', 500],
    ]);
    expect([await count('delivered'), await count('pending'), await count('grouped')]).toEqual([1000, 0, 0]);
  });

  it('t=0 s one, t=3 s and t=5 s others: they wait until t=12 s, ten seconds after the first message', async () => {
    await start();
    await raise(incident(1));
    await pass(3);
    await raise(incident(2));
    await pass(5);
    await raise(incident(3));
    await pass(11.5);
    expect(heard.map(({ who }) => who)).toEqual([['web-1']]);
    await pass(13);
    expect(heard.map(({ who }) => who)).toEqual([['web-1'], ['web-2', 'web-3']]);
  });

  it('another host is another message, and does not wait for the first', async () => {
    await start();
    await raise(incident(1), incident(2, { host: 'web-9' }));
    await pass(3);
    expect(heard.map(({ who }) => who).sort()).toEqual([['web-1'], ['web-2']]);
  });

  it('what still fires is told again at t=4 h and t=8 h, and no more once it is over', async () => {
    await start();
    const one = incident(1);
    await raise(one);
    await pass(3);
    await pass(4 * HOUR - 60, 600_000);
    expect(heard).toHaveLength(1);
    await pass(4 * HOUR + 70, 5000);
    expect(heard.map(({ status }) => status)).toEqual(['firing', 'repeat']);
    await pass(8 * HOUR - 60, 600_000);
    await pass(8 * HOUR + 300, 5000);
    expect(heard.map(({ status }) => status)).toEqual(['firing', 'repeat', 'repeat']);
    await raise(resolved(one, 8.5 * HOUR * 1000));
    await pass(13 * HOUR, 600_000);
    expect(heard.map(({ status }) => status)).toEqual(['firing', 'repeat', 'repeat', 'resolved']);
  });

  it('a receiver that was away for hours hears of what still fires once, not once for each repetition', async () => {
    await start();
    await raise(incident(1));
    await pass(3);
    answer = () => ({ kind: 'retry', reason: 'HTTP 503' });
    await pass(13 * HOUR, 60_000);
    answer = () => ({ kind: 'accepted' });
    await pass(13 * HOUR + 300, 5000);
    expect(heard.map(({ status, who }) => [status, ...who])).toEqual([
      ['firing', 'web-1'],
      ['repeat', 'web-1'],
    ]);
    expect(await count('delivered')).toBe(2);
  });

  it('a repetition that the state does not take is queued once when it does', async () => {
    let commits = 0;
    let isFull = false;
    const counted = refusing(state, method => method === 'commit' && ++commits > 0 && isFull);
    await start({ state: counted });
    await raise(incident(1));
    await pass(3);
    isFull = true;
    await pass(4 * HOUR + 300, 60_000);
    expect(commits).toBeGreaterThan(2);
    isFull = false;
    commits = 0;
    await pass(4 * HOUR + 600, 10_000);
    await pass(8 * HOUR - 60, 600_000);
    await pass(8 * HOUR + 300, 10_000);
    expect(commits).toBe(2);
  });

  it('who heard that it fires hears that it is over, also when it fired again meanwhile and that was silenced', async () => {
    await start();
    const one = incident(1);
    await raise(one);
    await pass(3);
    const again = { ...one, reopenedAt: one.start + 8000, end: one.start + 9000 };
    const silence = {
      ...{ id: '0000000a', match: { host: '*', service: '*', container: '*' }, owner: 'anna', reason: '' },
      ...{ from: clock.now(), until: clock.now() + HOUR * 1000 },
    };
    await raise(resolved(one, 3000));
    await state.saveSilence(silence, clock.now());
    const firing = notificationKey(one.id, 'chat', 'firing', 2);
    const notification = { key: firing, receiver: 'chat', status: 'firing', occasion: 'reopened' } as const;
    await state.commit(lane, { incidents: [again], notifications: [{ ...notification, incident: again }] });
    await pass(20);
    expect([await count('outdated'), await count('held')]).toEqual([1, 1]);
    const over = resolved(again, 20_000);
    const key = notificationKey(one.id, 'chat', 'resolved', 2);
    const end = { key, receiver: 'chat', status: 'resolved', incident: over } as const;
    await state.commit(lane, { incidents: [over], notifications: [end] });
    await pass(50);
    expect(heard.map(({ status }) => status)).toEqual(['firing', 'resolved']);
  });

  it('who takes over repeats at the same times, and nothing twice', async () => {
    await start();
    await raise(incident(1));
    await pass(3);
    await pass(4 * HOUR - 60, 600_000);
    await pass(4 * HOUR + 70, 5000);
    await deliverer.stop();
    clock.advance(60_000);
    await start();
    await pass(8 * HOUR - 60, 600_000);
    expect(heard.map(({ status }) => status)).toEqual(['firing', 'repeat']);
    await pass(8 * HOUR + 300, 5000);
    expect(heard.map(({ status }) => status)).toEqual(['firing', 'repeat', 'repeat']);
  });

  it('a group that fails goes out again as it was, under its key; what comes meanwhile is another message', async () => {
    await start();
    const keys: string[] = [];
    answer = () => ({ kind: 'retry', reason: 'HTTP 503' });
    await raise(incident(1), incident(2));
    await pass(3);
    const [lead] = await state.deliveries('pending', 10);
    keys.push(lead?.notification.key ?? '');
    expect(await count('grouped')).toBe(1);
    await raise(incident(3));
    answer = () => ({ kind: 'accepted' });
    await pass(20);
    expect(heard.map(({ who }) => who)).toEqual([['web-1', 'web-2'], ['web-3']]);
    expect(heard[0]?.key).toBe(keys[0]);
    expect(await count('delivered')).toBe(3);
  });

  it('a group that is refused is dead as a whole, and can be looked at one by one', async () => {
    await start();
    answer = () => ({ kind: 'refused', reason: 'HTTP 400' });
    await raise(incident(1), incident(2));
    await pass(3);
    const dead = await state.deliveries('dead', 10);
    expect(dead.map(({ lastError }) => lastError)).toEqual(['HTTP 400', 'HTTP 400']);
    expect(dead.filter(({ within }) => within !== undefined)).toHaveLength(1);
  });

  /** Two that were told together and are over, of which nobody accepts to be told. */
  async function endsThatFail(): Promise<[Incident, Incident]> {
    await start();
    const [one, two] = [incident(1), incident(2)];
    await raise(one, two);
    await pass(3);
    answer = () => ({ kind: 'retry', reason: 'HTTP 503' });
    await raise(resolved(one, 3000), resolved(two, 3000));
    await pass(15);
    expect([await count('pending'), await count('grouped')]).toEqual([1, 1]);
    return [one, two];
  }
  const fireAgain = (...incidents: readonly Incident[]) =>
    state.commit(lane, {
      incidents: incidents.map(one => ({ ...one, reopenedAt: one.start + 9000, end: one.start + 10_000 })),
      notifications: [],
    });

  it.each([
    ['leads', 0],
    ['follows', 1],
  ])(
    'what fires again is left out of an end that failed, also when it %s; the key stays',
    async (_, again) => {
      const both = await endsThatFail();
      const [fires, isOver] = again === 0 ? both : both.toReversed();
      if (!fires || !isOver) throw new Error('two were raised');
      await fireAgain(fires);
      answer = () => ({ kind: 'accepted' });
      await pass(60);
      expect(heard.slice(1)).toMatchObject([
        { status: 'resolved', id: tried.at(-1), who: [isOver.container] },
      ]);
      expect(new Set(tried.slice(1)).size).toBe(1);
      const [outdated] = await state.deliveries('outdated', 10);
      expect([outdated?.notification.incident.id, outdated?.lastError]).toEqual([fires.id, 'it fires again']);
      expect([await count('pending'), await count('grouped')]).toEqual([0, 0]);
    },
  );

  it('an end that failed is not told at all when all of it fires again', async () => {
    await fireAgain(...(await endsThatFail()));
    answer = () => ({ kind: 'accepted' });
    await pass(60);
    expect(heard.map(({ status }) => status)).toEqual(['firing']);
    expect([await count('outdated'), await count('pending'), await count('grouped')]).toEqual([2, 0, 0]);
  });

  /** Two that fire, of which nobody accepts to be told, and then a silence of the first, the second or both. */
  async function silencedMeanwhile(container: string): Promise<void> {
    await start();
    answer = () => ({ kind: 'retry', reason: 'HTTP 503' });
    await raise(incident(1), incident(2));
    await pass(3);
    expect([await count('pending'), await count('grouped')]).toEqual([1, 1]);
    const silence = {
      ...{ id: '0000000a', match: { host: '*', service: '*', container }, owner: 'anna', reason: 'move' },
      ...{ from: clock.now(), until: clock.now() + HOUR * 1000 },
    };
    await state.saveSilence(silence, clock.now());
    await pass(10);
    answer = () => ({ kind: 'accepted' });
    await pass(60);
  }

  it.each([
    ['leads', 'web-1', 'web-2'],
    ['follows', 'web-2', 'web-1'],
  ])(
    'a silence holds what it covers in a message that failed before it was made, also when that %s; the key stays',
    async (_, silenced, other) => {
      await silencedMeanwhile(silenced);
      expect(heard.map(({ who, id }) => [who, id])).toEqual([[[other], tried[0]]]);
      const [held] = await state.deliveries('held', 10);
      expect(held?.notification.incident.container).toBe(silenced);
      expect(held?.lastError).toMatch(/^silenced until .* by anna: move \(0000000a\)$/);
      expect([await count('pending'), await count('grouped')]).toEqual([0, 0]);
      await pass(HOUR + 60, 5000);
      expect(heard.map(({ who }) => who)).toEqual([[other], [silenced]]);
      expect(heard[1]?.id).not.toBe(heard[0]?.id);
      expect(await count('delivered')).toBe(2);
    },
  );

  it('a message that failed is not sent at all when a silence covers all of it; what still fires is told after that', async () => {
    await silencedMeanwhile('web-*');
    expect([heard, await count('held'), await count('grouped')]).toEqual([[], 2, 0]);
    await pass(HOUR + 60, 5000);
    expect(heard.flatMap(({ who }) => who).sort()).toEqual(['web-1', 'web-2']);
    expect(await count('delivered')).toBe(2);
  });

  it('an incident that became critical is told as that, unless it is over by then', async () => {
    await start();
    const [one, two] = [incident(1), incident(2)];
    await raise(one, two);
    await pass(3);
    const worse = [one, two].map(each => ({ ...each, severity: 'critical' as const, end: each.end + 5000 }));
    const notifications = worse.map(each => {
      const key = worseKey(each.id, 'chat');
      return { key, receiver: 'chat', status: 'firing' as const, occasion: 'worse' as const, incident: each };
    });
    await state.commit(lane, { incidents: worse, notifications });
    await raise(resolved(worse[1] ?? two));
    await pass(20);
    expect(heard.map(({ status, who }) => [status, ...who])).toEqual([
      ['firing', 'web-1', 'web-2'],
      ['resolved', 'web-2'],
      ['worse', 'web-1'],
    ]);
    const [outdated] = await state.deliveries('outdated', 10);
    expect(outdated?.lastError).toBe('the incident is over');
  });

  const INHIBIT = [
    {
      source: [parseMatcher('rule=frames')],
      target: [parseMatcher('severity!=critical')],
      equal: ['host'],
    },
  ];
  const silentHost = () => {
    const [finding] = incident(0).findings;
    return incident(0, {
      ...{ container: '', service: '', severity: 'critical', title: 'host web-1: no frames' },
      findings: finding ? [{ ...finding, rule: 'frames' }] : [],
    });
  };

  it('an incident that another one explains is held while that one fires, and told when it is over', async () => {
    await start({ inhibit: INHIBIT });
    const host = silentHost();
    await raise(host, incident(1));
    await pass(3);
    expect(heard.map(({ who }) => who)).toEqual([['']]);
    const [held] = await state.deliveries('held', 1);
    expect(held?.lastError).toBe(`inhibited by incident ${host.id}: host web-1: no frames`);
    await raise(resolved(host, 3000));
    await pass(12);
    expect(heard.map(({ status, who }) => [status, ...who])).toContainEqual(['firing', 'web-1']);
  });

  it('an incident of several is held only while each of them is, and none holds itself', async () => {
    const members = ['web-1', 'db'].map(name => ({ service: '', container: name, since: 0 }));
    const both = incident(1, { members });
    const by = (source: string, target: string) => ({
      source: [parseMatcher(source)],
      target: [parseMatcher(target)],
      equal: ['host'],
    });
    await start({ inhibit: [by('rule=frames', 'container=web-1'), by('container=db', 'container=job')] });
    await raise(silentHost(), both, incident(2, { container: 'job' }));
    await pass(3);
    expect(heard.flatMap(({ who }) => who).sort()).toEqual(['', 'web-1']);
    const [held] = await state.deliveries('held', 10);
    expect(held?.lastError).toContain(`inhibited by incident ${both.id}`);
    const each = createInhibition([
      by('container=db', 'container=web-1'),
      by('container=web-1', 'container=db'),
    ])([both]);
    expect(each.holds(both)).toBeNull();
  });

  it('nobody hears of an incident that is over at the same moment as the one that explains it', async () => {
    await start({ inhibit: INHIBIT });
    const [host, one] = [silentHost(), incident(1)];
    await raise(host, one);
    await pass(3);
    await raise(resolved(host, 3000), resolved(one, 3000));
    await pass(30);
    expect(heard.map(({ status, who }) => [status, ...who])).toEqual([
      ['firing', ''],
      ['resolved', ''],
    ]);
    expect(await count('silenced')).toBe(2);
  });

  it('an incident that has become more than another one explains is told while that one still fires', async () => {
    await start({ inhibit: INHIBIT });
    const [host, one] = [silentHost(), incident(1)];
    await raise(host, one);
    await pass(3);
    await state.commit(lane, { incidents: [{ ...one, severity: 'critical' }], notifications: [] });
    await pass(30);
    expect(heard.map(({ status, who }) => [status, ...who])).toEqual([
      ['firing', ''],
      ['firing', 'web-1'],
    ]);
  });

  it('who was not told that it fires is not told that it is over', async () => {
    await start();
    await raise(resolved(incident(1)));
    await pass(3);
    expect(heard).toEqual([]);
    const [outdated] = await state.deliveries('outdated', 10);
    expect(outdated?.lastError).toBe('the receiver was not told that it fires');
  });
});
