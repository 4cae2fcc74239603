import { expect, it } from '@jest/globals';
import { TimeZone, UTC } from '../../core/time-zone.ts';
import { incidentLines } from '../../review/report.ts';
import { incidentOf } from '../data/incidents.ts';

const START = Date.UTC(2026, 0, 31, 22);

it('an incident that is firing has lasted so far, one that is over has lasted', () => {
  const firing = incidentOf(START, { end: START + 20_001 });
  expect(incidentLines(firing, UTC)[1]).toBe(
    `  2026-01-31T22:00:00.000Z, firing for 20s so far, id ${firing.id}`,
  );
  const berlin = TimeZone.named('Europe/Berlin') ?? UTC;
  expect(incidentLines({ ...firing, resolvedAt: START + 60_000 }, berlin)[1]).toBe(
    `  2026-01-31T23:00:00.000+01:00, lasted 20s, resolved 2026-01-31T23:01:00.000+01:00, id ${firing.id}`,
  );
});
