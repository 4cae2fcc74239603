import { beforeEach, expect, it } from '@jest/globals';
import { CAPS } from '../../core/caps.ts';
import type { Acks, Incidents, Lease, StateAdmin } from '../../state/contract.ts';
import { ackOf, incidentOf, resolved } from '../data/incidents.ts';
import { describeStates, HOSTILE, HOUR, T0 } from './states.ts';

describeStates('acknowledgements', users => {
  let state: Acks & Incidents & StateAdmin;
  let other: Acks & Incidents & StateAdmin;
  let lease: Lease;
  beforeEach(() => {
    ({ state, other, lease } = users());
  });

  it('are kept with what a person wrote, the oldest first, one for each incident', async () => {
    const [first, second] = [ackOf(incidentOf(T0)), ackOf(incidentOf(T0 + HOUR))];
    for (const ack of [second, first]) expect(await state.saveAck(ack)).toBe(true);
    expect(await other.acks()).toEqual([first, second]);
    const undone = { ...first, undone: { by: 'bert', at: T0 + 2 * HOUR } };
    await other.saveAck(undone);
    expect(await state.acks()).toEqual([undone, second]);
  });

  it('come back as they were, whatever is in their texts', async () => {
    const acks = HOSTILE.map((text, n) =>
      ackOf(incidentOf(T0 + n, { host: text, container: text }), { incident: text, note: text, by: text }),
    );
    for (const ack of acks) await state.saveAck(ack);
    expect(await other.acks()).toEqual(acks);
  });

  it('are refused when too many are kept, unless they replace one', async () => {
    const { limit } = CAPS.acks;
    const save = (n: number) => state.saveAck(ackOf(incidentOf(T0), { incident: `i${n}`, at: T0 + n }));
    for (let n = 0; n < limit; n++) await save(n);
    expect(await save(limit)).toBe(false);
    expect(await save(1)).toBe(true);
    expect(await other.acks()).toHaveLength(limit);
  });

  it('are forgotten with their incidents, never before, and never while they are new', async () => {
    const [open, over] = [incidentOf(T0), resolved(incidentOf(T0 + 1, { container: 'b' }))];
    await state.commit(lease, { incidents: [open, over], notifications: [] });
    const unknown = ackOf(incidentOf(T0 + 2), { incident: 'new', at: T0 + 3 * HOUR });
    for (const ack of [ackOf(open), ackOf(over), unknown]) await state.saveAck(ack);
    await state.prune(T0 + 2 * HOUR, T0 + 2 * HOUR);
    expect(await other.acks()).toEqual([ackOf(open), unknown]);
  });
});
