import { describe, expect, it } from '@jest/globals';
import { ackSchema, isAcknowledged } from '../../../core/incident/ack.ts';
import { ackOf, incidentOf, resolved } from '../../data/incidents.ts';

describe('an incident', () => {
  const incident = incidentOf(0, { severity: 'warning' });
  const ack = ackOf(incident);

  it('is acknowledged until it gets worse', () => {
    const grown = { ...incident, score: 9, end: 1e9 };
    expect(isAcknowledged(incident, ack)).toBe(true);
    expect(isAcknowledged(grown, ack)).toBe(true);
    expect(isAcknowledged({ ...grown, severity: 'critical' }, ack)).toBe(false);
    expect(isAcknowledged({ ...grown, severity: 'critical' }, { ...ack, severity: 'critical' })).toBe(true);
  });

  it('is not acknowledged when it is over, when nobody took it on, and when that was taken back', () => {
    expect(isAcknowledged(resolved(incident), ack)).toBe(false);
    expect(isAcknowledged(incident, null)).toBe(false);
    expect(isAcknowledged(incident, { ...ack, undone: { by: 'bert', at: 1 } })).toBe(false);
  });

  it('has an acknowledgement whose texts are bounded', () => {
    expect(ackSchema.safeParse({ ...ack, note: 'x'.repeat(500) }).success).toBe(true);
    expect(ackSchema.safeParse({ ...ack, note: 'x'.repeat(501) }).success).toBe(false);
    expect(ackSchema.safeParse({ ...ack, severity: 'odd' }).success).toBe(false);
  });
});
