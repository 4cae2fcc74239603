import { systemClock } from '../../../core/clock.ts';
import { createSqliteState } from '../../../state/sqlite/state.ts';
import { incidentOf, notificationOf } from '../../data/incidents.ts';

/**
 * A process that writes to a state without end, to be killed: FILE LANE. Prints a line after every commit of one
 * incident, its notification and a checkpoint.
 */
const [file = '', lane = ''] = process.argv.slice(2);
const state = createSqliteState({ file, clock: systemClock });
await state.open();
const lease = await state.acquire(lane, lane, 60_000);
if (!lease) throw new Error('the lane is taken');
for (let n = 1; ; n++) {
  const incident = incidentOf(n, { container: lane });
  const held =
    (await state.commit(lease, { incidents: [incident], notifications: [notificationOf(incident, lane)] })) &&
    (await state.saveCheckpoint(lease, { host: lane, last: n, fingerprint: 'f', data: String(n) }));
  if (!held) throw new Error('the lease was lost');
  console.log(n);
  // Let the line out before the next one: SQLite is synchronous.
  await new Promise(resolve => setImmediate(resolve));
}
