import { describe, expect, it } from '@jest/globals';
import { DETECTORS } from '../../../detector/index.ts';
import { measureFleets } from '../../../qa/quality/fleet-run.ts';
import { measureService } from '../../../qa/quality/measure.ts';
import { fleet } from '../../../qa/quality/simulator/fleet.ts';
import { Random } from '../../../qa/quality/simulator/random.ts';
import { DAY } from '../../../qa/quality/simulator/sources.ts';
import { median, poissonInterval, shareInterval } from '../../../qa/quality/statistics.ts';
import { rules } from '../../detector/data/frames.ts';

const service = fleet(new Random(1)).find(({ kind }) => kind === 'health check only');
if (!service) throw new Error('no health check');

const candidate = (rule: Record<string, unknown>) => ({
  name: 'a',
  rules: rules([{ use: 'threshold', name: 'a', metric: 'messages', ...rule }]),
  detectors: DETECTORS,
});

describe('counting', () => {
  const [loud, deaf, silence] = measureService(
    service,
    [
      candidate({ above: '0.1msg/s', for: '0s' }),
      candidate({ above: '10000msg/s', for: '0s' }),
      candidate({ below: '0.01msg/s', for: '30s' }),
    ],
    { days: 3, seed: 5 },
  );

  it('alarms that go on are one false alert, and hide what happens meanwhile', () => {
    expect(loud?.falseAlerts).toHaveLength(1);
    expect(loud?.outcomes.every(({ delay }) => delay === null)).toBe(true);
  });

  it('a detector that never alarms is never wrong and finds nothing', () => {
    expect(deaf?.falseAlerts).toEqual([]);
    expect(deaf?.outcomes).toHaveLength(4);
    expect(deaf?.outcomes.every(({ delay }) => delay === null)).toBe(true);
  });

  it('the delay is the time until the alarm: a silence of 30 s is found in its sixth frame', () => {
    const found = silence?.outcomes.filter(({ incident }) => incident === 'silence');
    expect(found?.map(({ delay }) => delay)).toEqual([6, 6]);
  });

  it('exposure adds up to the run', () => {
    expect(deaf?.exposure.reduce((a, b) => a + b, 0)).toBe(3 * DAY);
  });
});

describe('a sample of fleets', () => {
  const days = 3;
  const measured = (sample: boolean) => {
    const settings = { days, seeds: [1], kinds: ['scraper' as const], sizes: null, sample };
    const [total] = measureFleets([candidate({ above: '0.1msg/s', for: '0s' })], settings, () => undefined);
    return total;
  };
  const [all, one] = [measured(false), measured(true)];
  const watched = (total: typeof all) => total?.weeks.reduce((a, b) => a + b, 0) ?? 0;

  it('has the first service of each kind, which does what it does in the whole fleet', () => {
    expect(watched(one)).toBeCloseTo(days / 7, 6);
    expect(watched(all)).toBeCloseTo((2 * days) / 7, 6);
    expect(one?.falseAlerts).toEqual(all?.falseAlerts.slice(0, 1));
  });
});

describe('intervals', () => {
  it('of a count: nothing seen may still be up to 3.7', () => {
    expect(poissonInterval(0).low).toBe(0);
    expect(poissonInterval(0).high).toBeCloseTo(3.7, 1);
    expect(poissonInterval(10).low).toBeCloseTo(4.8, 1);
    expect(poissonInterval(10).high).toBeCloseTo(18.4, 1);
  });

  it('of a share: Wilson', () => {
    expect(shareInterval(45, 50).low).toBeCloseTo(0.786, 2);
    expect(shareInterval(45, 50).high).toBeCloseTo(0.957, 2);
    expect(shareInterval(0, 0)).toEqual({ low: 0, high: 1 });
  });

  it('the median of an even list is the lower of two, of an empty one null', () => {
    expect(median([4, 1, 3, 2])).toBe(2);
    expect(median([])).toBeNull();
  });
});
