import { describe, expect, it } from '@jest/globals';
import { countOf, isSizes } from '../../../core/traffic/histogram.ts';
import type { ContainerInput } from '../../../detector/contract.ts';
import { fleet, KINDS } from '../../../qa/quality/simulator/fleet.ts';
import { INCIDENTS, incidentsOf, MAGNITUDES } from '../../../qa/quality/simulator/incidents.ts';
import { Random } from '../../../qa/quality/simulator/random.ts';
import { ServiceRun } from '../../../qa/quality/simulator/run.ts';
import { DAY } from '../../../qa/quality/simulator/sources.ts';

/** Some frames of all services of a seed. */
function framesOf(seed: number, n: number): ContainerInput[] {
  const random = new Random(seed);
  return fleet(random).flatMap(service => {
    const run = new ServiceRun(service, random.fork());
    return Array.from({ length: n }, () => run.next()).flat();
  });
}

describe('the simulator', () => {
  it('has 47 containers of 13 kinds', () => {
    const services = fleet(new Random(1));
    expect(services.reduce((sum, { replicas }) => sum + replicas, 0)).toBe(47);
    expect(new Set(services.map(({ kind }) => kind))).toEqual(new Set(KINDS));
  });

  it('gives the same frames for the same seed, and others for another', () => {
    expect(framesOf(7, 50)).toEqual(framesOf(7, 50));
    expect(framesOf(7, 50)).not.toEqual(framesOf(8, 50));
  });

  it('makes windows that the product could have made', () => {
    for (const { send, receive } of framesOf(3, 200)) {
      for (const window of [send, receive]) {
        if (!window) continue;
        expect(isSizes(window.sizes)).toBe(true);
        expect(countOf(window.sizes)).toBe(window.messages);
        expect(Number.isSafeInteger(window.bytes) && window.bytes >= 0).toBe(true);
      }
    }
  });
});

describe('random numbers', () => {
  const random = new Random(5);
  const mean = (draw: () => number, n = 20_000) => {
    let sum = 0;
    for (let i = 0; i < n; i++) sum += draw();
    return sum / n;
  };

  it.each([
    ['Poisson, few', () => random.poisson(3), 3],
    ['Poisson, many', () => random.poisson(200), 200],
    ['binomial, few', () => random.binomial(20, 0.1), 2],
    ['binomial, many', () => random.binomial(1000, 0.7), 700],
    ['gamma', () => random.gamma(5), 1],
    ['exponential', () => random.exponential(4), 4],
    ['Pareto', () => random.pareto(3), 1.5],
    ['normal', () => random.normal() + 10, 10],
  ])('%s has the mean it should', (_, draw, expected) => {
    expect(Math.abs(mean(draw) / expected - 1)).toBeLessThan(0.03);
  });
});

describe('incidents', () => {
  const random = new Random(11);
  const services = fleet(random);
  const web = services.find(({ kind }) => kind === 'web');
  if (!web) throw new Error('no web service');
  const [input] = new ServiceRun(web, random.fork()).next();
  if (!input?.send || !input.receive) throw new Error('a silent web service');
  const disturbed = (name: string) => {
    const kind = INCIDENTS.find(one => one.name === name);
    if (!kind || !input) throw new Error(name);
    return kind.disturb(input, true, { age: 100, usual: 50, random: new Random(1), size: MAGNITUDES });
  };

  it('begin after day 2.2 and end within the run', () => {
    for (const { at, frames } of incidentsOf(web, 7, new Random(2))) {
      expect(at).toBeGreaterThanOrEqual(2.2 * DAY);
      expect(at + frames).toBeLessThanOrEqual(7 * DAY);
    }
  });

  it('shape: twice the messages, the same bytes', () => {
    const { send } = disturbed('shape');
    expect(send?.bytes).toBe(input.send?.bytes);
    expect((send?.messages ?? 0) / (input.send?.messages ?? 1)).toBeCloseTo(2, 1);
  });

  it('leak: three times what is sent, receive unchanged', () => {
    const { send, receive } = disturbed('leak');
    expect((send?.bytes ?? 0) / (input.send?.bytes ?? 1)).toBeCloseTo(3, 1);
    expect(receive).toEqual(input.receive);
  });

  it('silence: nothing, and a beacon: one message each way', () => {
    expect(disturbed('silence')).toMatchObject({ send: undefined, receive: undefined });
    expect(disturbed('beacon').send?.messages).toBe((input.send?.messages ?? 0) + 1);
  });
});
