import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { ContainerInput } from '../../detector/contract.ts';
import { dynamicThreshold } from '../../detector/dynamic-threshold.ts';
import { type Both, frames, inputAt } from './data/containers.ts';
import { alarmsOf, run } from './data/examples.ts';
import { random } from './data/traffic.ts';

const HOUR = 720;
const MINUTE_FRAMES = 60_000;

/** Alarms that are not within a minute of the one before: what a person hears of. */
function alertsOf(inputs: readonly ContainerInput[], options = {}): number[] {
  const alarms = alarmsOf(run(dynamicThreshold, options, inputs));
  const times = alarms.map(i => inputs[i]?.start ?? 0);
  return alarms.filter((_, k) => k === 0 || (times[k] ?? 0) - (times[k - 1] ?? 0) > 60_000);
}

/** Noise that is the same in each run. */
const noisy = (mean: number, r: () => number): number => Math.round(mean * (0.8 + 0.4 * r()));

describe('what recurs becomes normal', () => {
  it('a job of 40 s each ten minutes raises at most two alerts in two days', () => {
    const r = random(1);
    const inputs = frames(48 * HOUR, i => {
      const job = i % 120 < 8 ? 900 : 0;
      return { sent: noisy(20 + job, r), received: noisy(20 + job, r) };
    });
    expect(alertsOf(inputs).length).toBeLessThanOrEqual(2);
  });

  it('a backup each hour raises at most two alerts in two days', () => {
    const r = random(2);
    const inputs = frames(48 * HOUR, i => {
      const backup = i % HOUR >= 500 && i % HOUR < 536;
      return { sent: noisy(backup ? 800 : 20, r), received: noisy(20, r), sentSize: backup ? 32_768 : 300 };
    });
    expect(alertsOf(inputs).length).toBeLessThanOrEqual(2);
  });

  it('working mornings raise at most two alerts in three weeks, weekends in between', () => {
    const r = random(3);
    const inputs = frames(
      21 * 1440,
      i => {
        const hour = (i % 1440) / 60;
        const atWork = hour >= 8 && hour < 17 && Math.floor(i / 1440) % 7 < 5;
        const n = noisy(atWork ? 6000 : 60, r);
        return { sent: n, received: n };
      },
      MINUTE_FRAMES,
    );
    expect(alertsOf(inputs).length).toBeLessThanOrEqual(2);
  });

  it('a lasting change alerts once and is learnt', () => {
    const r = random(4);
    const inputs = frames(6 * HOUR, i => {
      const n = noisy(i < 3 * HOUR ? 50 : 300, r);
      return { sent: n, received: n };
    });
    const alerts = alertsOf(inputs);
    expect(alerts).toHaveLength(1);
    expect(alerts[0]).toBeLessThan(3 * HOUR + 3);
  });
});

describe('twenty minutes after the start', () => {
  const steady = fc.record({ mean: fc.integer({ min: 10, max: 5000 }), seed: fc.nat(1000) });

  it('ten times all that was seen alarms within two frames', () => {
    fc.assert(
      fc.property(steady, ({ mean, seed }) => {
        const r = random(seed);
        const greatest = Math.ceil(mean * 1.2);
        const inputs = frames(242, i => {
          const n = i < 240 ? noisy(mean, r) : 10 * greatest;
          return { sent: n, received: n };
        });
        expect(alarmsOf(run(dynamicThreshold, {}, inputs)).every(i => i >= 240)).toBe(true);
        expect(alertsOf(inputs)).toHaveLength(1);
      }),
      { numRuns: 20 },
    );
  });

  it.each([1, 12])('a burst of %d frames makes it deaf for three hours at most', length => {
    const r = random(7);
    const flood = 4 * HOUR;
    const inputs = frames(flood + 24, i => {
      const times = i >= flood ? 5 : i >= 480 && i < 480 + length ? 50 : 1;
      return { sent: noisy(20 * times, r), received: noisy(20 * times, r) };
    });
    const alerts = alertsOf(inputs);
    expect(alerts).toHaveLength(2);
    expect(alerts[1]).toBeLessThan(flood + 12);
  });

  it('a container that falls silent alarms within two minutes', () => {
    const inputs = frames(264, i => ({ sent: i < 240 ? 20 : 0, received: i < 240 ? 20 : 0 }));
    expect(alertsOf(inputs)).toHaveLength(1);
  });

  it('before the end of the warm-up nothing is judged, and the reason is given', () => {
    const opinions = run(
      dynamicThreshold,
      {},
      frames(170, i => ({ sent: i === 160 ? 9000 : 10, received: 10 })),
    );
    expect(opinions.every(opinion => 'abstain' in opinion && opinion.abstain === 'warming up')).toBe(true);
  });
});

describe('evidence', () => {
  it('says what was seen, what was expected, over which time, and by which view', () => {
    const inputs = frames(4 * HOUR + 1, i => ({ sent: i === 4 * HOUR ? 5000 : 20, received: 20 }));
    const last = run(dynamicThreshold, { views: ['level'] }, inputs).at(-1);
    expect(last).toMatchObject({
      evidence: {
        text: expect.stringMatching(/^sent .* for 5s, expected up to .* \(level\)$/),
      },
    });
  });

  it('names the sizes that moved at the same number of messages', () => {
    const inputs = frames(5 * HOUR, i => ({ sent: 20, received: 20, sentSize: i < 4 * HOUR ? 300 : 90 }));
    const opinions = run(dynamicThreshold, { views: ['sizes'] }, inputs);
    const [first] = alarmsOf(opinions);
    expect(opinions[first ?? 0]).toMatchObject({
      evidence: {
        text: expect.stringMatching(
          /more of 64 to 127 B \(.*% to 100%\), fewer of 256 to 383 B \(.*% to 0%\)/,
        ),
      },
    });
  });
});

it('a deploy is not judged: a new container of the same replica that starts with a burst', () => {
  const quiet = frames(4 * HOUR, () => ({ sent: 50, received: 50 }));
  const started = Array.from({ length: 60 }, (_, i) =>
    inputAt((4 * HOUR + 6 + i) * 5000, { sent: i < 12 ? 900 : 50, received: 50 }, 5000, 'web-1'),
  );
  expect(alertsOf([...quiet, ...started])).toEqual([]);
});

it('frames of 1 s and of 60 s find the same flood', () => {
  for (const seconds of [1, 5, 60]) {
    const n = (4 * 3600) / seconds;
    const inputs = frames(
      n + Math.ceil(60 / seconds),
      i => ({ sent: 10 * seconds * (i < n ? 1 : 20), received: 10 * seconds * (i < n ? 1 : 20) }),
      seconds * 1000,
    );
    expect(alertsOf(inputs)).toHaveLength(1);
  }
});

describe('whatever comes', () => {
  const messages = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 2000 }), fc.constant(2 ** 40));
  const both: fc.Arbitrary<Both> = fc.record({
    sent: messages,
    received: messages,
    sentSize: fc.constantFrom(0, 60, 700, 8000, 100_000),
    receivedSize: fc.constantFrom(0, 60, 700, 8000, 100_000),
  });
  const rows = fc.array(
    fc.record({
      both,
      n: fc.constantFrom(1, 3, 150),
      gap: fc.constantFrom(0, 0, 0, 1, 86_400, -3600),
      id: fc.constantFrom('a', 'a', 'a', 'b', ''),
    }),
    { maxLength: 12 },
  );

  it('scores are finite, evidence printable, and the state survives as JSON within its bound', () => {
    fc.assert(
      fc.property(rows, fc.constantFrom(1000, 5000, 60_000), (list, durationMs) => {
        const options = dynamicThreshold.options.parse({ warm_up: '1m' });
        let state = dynamicThreshold.init(options);
        let copy = dynamicThreshold.init(options);
        let at = 0;
        for (const { both, n, gap, id } of list) {
          at += gap * 1000;
          for (let i = 0; i < n; i++) {
            const input = inputAt(at, both, durationMs, id);
            const a = dynamicThreshold.step(state, input, options);
            const b = dynamicThreshold.step(copy, input, options);
            expect(b.opinion).toEqual(a.opinion);
            state = a.state;
            copy = i % 50 === 0 ? JSON.parse(JSON.stringify(b.state)) : b.state;
            at += durationMs;
            if ('abstain' in a.opinion) continue;
            const { score, evidence } = a.opinion;
            expect(Number.isFinite(score) && score >= 0).toBe(true);
            expect(evidence.text).toMatch(/^[\x20-\x7e]+$/);
            expect([evidence.seen, evidence.low ?? 0, evidence.high ?? 0].every(Number.isFinite)).toBe(true);
          }
          const text = JSON.stringify(state);
          expect(text).not.toMatch(/NaN|Infinity/);
          expect(JSON.parse(text)).toEqual(state);
          expect(text.length).toBeLessThanOrEqual(dynamicThreshold.stateBytes(options));
        }
      }),
      { numRuns: 20 },
    );
  });

  it('keeps about 13 KiB a container, and never 20', () => {
    const options = dynamicThreshold.options.parse({});
    expect(dynamicThreshold.stateBytes(options)).toBeLessThanOrEqual(20 * 1024);
    const r = random(5);
    let state = dynamicThreshold.init(options);
    for (const input of frames(
      3 * 1440,
      () => ({ sent: noisy(1e6 * r(), r), received: noisy(3e5, r) }),
      60_000,
    )) {
      ({ state } = dynamicThreshold.step(state, input, options));
    }
    expect(JSON.stringify(state).length).toBeLessThanOrEqual(15 * 1024);
  });
});

it('a stricter budget has higher limits', () => {
  const inputs = frames(4 * HOUR + 30, i => ({ sent: i < 4 * HOUR ? 50 : 170, received: 50 }));
  expect(alertsOf(inputs, { sensitivity: '2/week' })).toHaveLength(1);
  expect(alertsOf(inputs, { sensitivity: '0.1/year' })).toEqual([]);
});
