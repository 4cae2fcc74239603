import { expect, it } from '@jest/globals';
import { listing } from '../../../cli/commands/incidents.ts';
import { incidentJson } from '../../../core/incident/incident-json.ts';
import { UTC } from '../../../core/time-zone.ts';
import { type Said, withNotifications } from '../../../http/api/resources/incidents.ts';
import type { Delivery } from '../../../state/contract.ts';
import { ackOf, incidentOf, notificationOf, resolved } from '../../data/incidents.ts';
import { markOf } from '../../data/marks.ts';

const incident = resolved(incidentOf(1_700_000_000_000));
const older = incidentOf(1_600_000_000_000);
const delivery = (parts: Partial<Delivery>): Delivery => ({
  notification: notificationOf(incident, 'ops'),
  status: 'delivered',
  attempts: 1,
  nextAttempt: 0,
  lastError: null,
  ...parts,
});
const NOTHING = { marks: new Map(), acks: new Map(), unseen: new Map() } satisfies Said & { unseen: unknown };
const DELIVERIES = new Map([
  [incident.id, [delivery({}), delivery({ status: 'pending', attempts: 3, lastError: '503\n' })]],
  [older.id, [delivery({ notification: notificationOf(older, 'ops'), status: 'dead', attempts: 300 })]],
]);

it('lists under each incident what became of its notifications, and those of others that were not delivered', () => {
  expect(listing([incident], DELIVERIES, NOTHING, UTC).slice(-3)).toEqual([
    '  resolved to ops: delivered after 1 attempt',
    '  resolved to ops: pending after 3 attempts, last error: 503\\x0a',
    `incident ${older.id}: firing to ops: dead after 300 attempts`,
  ]);
  expect(listing([], new Map(), NOTHING, UTC)).toEqual(['No incidents.']);
});

it('says of each what of it nobody saw', () => {
  const line = 'blind 2023-11-14T22:15:00.000Z for 1m4s: nothing can be said about it';
  const unseen = new Map([[older.id, [line]]]);
  const lines = listing([older, incident], new Map(), { ...NOTHING, unseen }, UTC);
  expect(lines.filter(one => one.includes('blind'))).toEqual([`  ${line}`]);
  expect(lines.indexOf(`  ${line}`)).toBeLessThan(lines.findIndex(one => one.includes(incident.id)));
});

it('adds notifications to incidents as JSON', () => {
  expect(withNotifications([incident], DELIVERIES, NOTHING)).toEqual([
    {
      ...incidentJson(incident),
      notifications: [
        expect.objectContaining({ receiver: 'ops', about: 'resolved', status: 'delivered', attempts: 1 }),
        expect.objectContaining({ status: 'pending', attempts: 3, last_error: '503\n' }),
      ],
    },
  ]);
});

it('shows what people said of an incident, and nothing where nobody did', () => {
  const said = { kind: 'expected', note: 'load\u001b[31m test', at: 1_700_000_100_000, from: null } as const;
  const marks = new Map([[incident.id, markOf(incident, 1, said)]]);
  expect(listing([incident], new Map(), { ...NOTHING, marks }, UTC)).toContain(
    '  marked expected 2023-11-14T22:15:00.000Z by anna: load\\x1b[31m test',
  );
  const [marked, unmarked] = withNotifications([incident, older], new Map(), { ...NOTHING, marks });
  expect(marked).toMatchObject({
    mark: { kind: 'expected', by: 'anna', note: said.note, at: '2023-11-14T22:15:00.000Z', from: null },
  });
  expect(unmarked).not.toHaveProperty('mark');
});

it('shows who has taken an incident on, and that it has become worse since', () => {
  const said = { ...NOTHING, acks: new Map([[older.id, ackOf(older, { note: 'on it' })]]) };
  const lines = (one: typeof older, about = said) => listing([one], new Map(), about, UTC);
  expect(lines(older)).toContain('  acknowledged by anna at 2020-09-13T12:26:45.000Z (on it)');
  expect(lines({ ...older, severity: 'critical' })).toContain(
    '  acknowledged by anna at 2020-09-13T12:26:45.000Z (on it), when it was warning',
  );
  expect(withNotifications([older, { ...older, severity: 'critical' }], new Map(), said)).toMatchObject([
    {
      ack: { by: 'anna', note: 'on it', at: '2020-09-13T12:26:45.000Z', severity: 'warning', in_force: true },
    },
    { ack: { in_force: false } },
  ]);
  const undone = ackOf(older, { undone: { by: 'bert', at: 0 } });
  const takenBack = { ...NOTHING, acks: new Map([[older.id, undone]]) };
  expect(lines(older, takenBack).join()).not.toContain('acknowledged');
  expect(withNotifications([older], new Map(), takenBack)[0]).not.toHaveProperty('ack');
});
