import { expect, it } from '@jest/globals';
import type { Incident } from '../../core/incident/incident.ts';
import type { Judged } from '../../core/incident/verdict.ts';
import { IncidentRecorder } from '../../review/record/incident-record.ts';
import { PastFrame } from '../../review/record/past-frame.ts';
import { incidentOf } from '../data/incidents.ts';
import { container, frame, window } from '../detector/data/frames.ts';

const web = ['web-1', 'web-2'].map(name => container(name, { service: 'shop/web' }));
const db = container('db', { service: 'shop/db' });

const limit = (service: string, name: string | null, high: number): Judged => ({
  kind: 'judged',
  rule: name === null ? 'siblings' : 'bytes',
  scope: { service, container: name, direction: 'send', metric: 'bytes' },
  score: 2,
  evidence: { seen: 2 * high, low: null, high, unit: 'B/s', text: '' },
});
const LIMITS = [
  ...web.map(({ name }, i) => limit('shop/web', name, 100 + i)),
  limit('shop/web', null, 300),
  limit('shop/db', 'db', 500),
];

const SENT = [window('web-1', 'send', 1, 100), window('web-2', 'send', 1, 200), window('db', 'send', 1, 400)];

/** Highest limits that are drawn, and bytes sent, of an incident about all of these. */
function drawn(...members: { readonly service: string; readonly container: string }[]) {
  const seen = frame(1, [...web, db], SENT);
  const [first] = members;
  const all = members.length > 1 ? { members: members.map(one => ({ ...one, since: seen.start })) } : {};
  const incident: Incident = { ...incidentOf(seen.start), ...first, ...all };
  const recorder = new IncidentRecorder(incident);
  recorder.add(new PastFrame(seen), LIMITS);
  const { bands, parts } = recorder.result();
  return [bands.flatMap(({ limits }) => limits.map(({ high }) => high)), parts[0]?.send.bytes];
}

const who = ({ name, service }: { name: string; service: string }) => ({ service, container: name });

it('a picture of one container has its limits; one of several, which shows their sum, has none of a single one', () => {
  const [one, two] = web.map(who);
  const service = { service: 'shop/web', container: '' };
  if (!one || !two) throw new Error('no containers');
  expect(drawn(one)).toEqual([[100], 100]);
  expect(drawn(service)).toEqual([[300], 300]);
  expect(drawn(one, two)).toEqual([[], 300]);
  expect(drawn(one, who(db))).toEqual([[], 500]);
  expect(drawn(one, service)).toEqual([[300], 300]);
  expect(drawn(one, service, who(db))).toEqual([[], 700]);
});
