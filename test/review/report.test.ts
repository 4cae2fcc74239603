import { expect, it } from '@jest/globals';
import type { TopPeer } from '../../core/incident/incident.ts';
import { TimeZone, UTC } from '../../core/time-zone.ts';
import { incidentLines } from '../../review/report.ts';
import { incidentOf } from '../data/incidents.ts';

const START = Date.UTC(2026, 0, 31, 22);

it('an incident that is firing was seen for so long up to a time, one that is over has lasted', () => {
  const firing = incidentOf(START, { end: START + 20_001 });
  expect(incidentLines(firing, UTC)[1]).toBe(
    `  2026-01-31T22:00:00.000Z, firing, seen for 20s until 2026-01-31T22:00:20.001Z, id ${firing.id}`,
  );
  const berlin = TimeZone.named('Europe/Berlin') ?? UTC;
  expect(incidentLines({ ...firing, resolvedAt: START + 60_000 }, berlin)[1]).toBe(
    `  2026-01-31T23:00:00.000+01:00, lasted 20s, resolved 2026-01-31T23:01:00.000+01:00, id ${firing.id}`,
  );
});

it('a finding says in the zone of the reader who the peer was, and how often it happened before', () => {
  const [finding] = incidentOf(START).findings;
  if (!finding) throw new Error('no finding');
  const peer: TopPeer = {
    kind: 'container',
    name: 'db-1',
    service: 'shop/db',
    address: '10.0.0.2',
    protocol: 'tcp',
    role: 'client',
    port: 5432,
    bytes: 9,
    share: 0.92,
  };
  const before = { times: 3, inWeek: 2, last: START - 3 * 86_400_000, since: START - 20 * 86_400_000 };
  const findings = [{ ...finding, peer, before }];
  const berlin = TimeZone.named('Europe/Berlin') ?? UTC;
  expect(incidentLines(incidentOf(START, { findings }), berlin).at(-1)).toMatch(
    /: 12 MiB\/s, expected up to 1\.4 MiB\/s; 92% of the bytes to service shop\/db on tcp 5432; third time in 7d, last Wed 2026-01-28 23:00\+01:00 \(score 1\.5\)$/,
  );
});

it('says below when an incident was what of that nobody saw; of several parts how many, and the longest', () => {
  const incident = { ...incidentOf(START, { end: START + 200_000 }), resolvedAt: START + 240_000 };
  const part = (from: number, to: number) => ({ from: START + from, to: START + to });
  const before = part(-60_000, -30_000);
  const blindLine = (...blind: ReturnType<typeof part>[]) => incidentLines(incident, UTC, blind)[2];
  expect(blindLine(before, part(10_000, 74_000))).toBe(
    '  blind 2026-01-31T22:00:10.000Z for 1m4s: nothing can be said about it',
  );
  expect(blindLine(part(-5000, 5000), part(10_000, 74_000), part(230_000, 300_000))).toBe(
    '  blind 3 times, for 1m19s in all, the longest 2026-01-31T22:00:10.000Z for 1m4s: nothing can be said about that',
  );
  expect(incidentLines(incident, UTC, [before])).toEqual(incidentLines(incident, UTC));
});
