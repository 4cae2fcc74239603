import { expect, it } from '@jest/globals';
import { pino } from 'pino';
import { soak } from '../../qa/soak/soak.ts';
import { describeWith } from '../parts/need.ts';

/** The soak of `npm run soak`, short: whether memory is flat needs the long one, whether anything is lost does not. */
describeWith(['influx', 'redis'], 'a short soak', () => {
  it('loses nothing when the store goes away, and then queue and state', async () => {
    const aways = new Set<string>();
    const report = await soak({
      lengthMs: 9000,
      intervalMs: 300,
      containers: 50,
      cycles: 1,
      outageMs: 1500,
      log: pino({ level: 'silent' }),
      onSample: ({ away }) => aways.add(away),
    });
    expect([...aways].sort()).toEqual(['', 'queue', 'store']);
    const { pushed, stored, wrong, isFolded, dropped } = report;
    expect(pushed).toBeGreaterThan(10);
    expect({ stored, wrong, isFolded, dropped }).toEqual({
      stored: pushed,
      wrong: 0,
      isFolded: true,
      dropped: 0,
    });
    // What it adds to this process: other suites have run here before.
    expect(report.peakRssBytes - report.resident.before).toBeLessThan(512 * 1024 ** 2);
  });
});
