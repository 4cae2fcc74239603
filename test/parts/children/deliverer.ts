import { createRouter } from '../../../alert/policy/router.ts';
import { systemClock } from '../../../core/clock.ts';
import { webhook } from '../../../notify/webhook.ts';
import type { DeliveryChange, State } from '../../../state/contract.ts';
import { createRedisState } from '../../../state/redis/state.ts';
import { createSqliteState } from '../../../state/sqlite/state.ts';
import { Deliverer } from '../../../worker/deliveries/deliver.ts';
import { recordingLog } from '../log.ts';

/**
 * A process that delivers groups to a webhook until it is killed: STATE WEBHOOK [BOUNDARY]. STATE is the file of SQLite, or
 * the URL of a Redis and after a space the prefix. At the boundary it kills itself, as `kill -9` there would.
 */
const BOUNDARIES = ['before assignment', 'assigned', 'sent', 'recorded'] as const;

const [where = '', url = '', boundary = ''] = process.argv.slice(2);
const { log } = recordingLog();
const clock = systemClock;

function open(): State {
  const [first = '', prefix] = where.split(' ');
  if (prefix === undefined) return createSqliteState({ file: first, clock });
  return createRedisState({ url: first, prefix, clock, log });
}

function die(): void {
  process.kill(process.pid, 'SIGKILL');
}

/** What a change of deliveries is: that it is decided what a message tells, or how it ended. */
function kindOf(changes: readonly DeliveryChange[]): 'assignment' | 'outcome' | null {
  const statuses = changes.map(({ outcome }) => outcome.status);
  if (statuses.includes('grouped')) return 'assignment';
  return statuses.includes('delivered') ? 'outcome' : null;
}

const real = open();
await real.open();
const state = new Proxy(real, {
  get(target, name) {
    const method: unknown = Reflect.get(target, name);
    if (typeof method !== 'function') return method;
    return async (...args: unknown[]) => {
      const kind = name === 'updateDeliveries' ? kindOf(args[1] as readonly DeliveryChange[]) : null;
      if (kind === 'assignment' && boundary === BOUNDARIES[0]) die();
      if (kind === 'outcome' && boundary === BOUNDARIES[2]) die();
      const answer: unknown = await method.apply(target, args);
      if (kind === 'assignment' && boundary === BOUNDARIES[1]) die();
      if (kind === 'outcome' && boundary === BOUNDARIES[3]) die();
      return answer;
    };
  },
});
const lease = await state.acquire('policy', 'policy', 60_000);
if (!lease) throw new Error('the policy lane is taken');
const routing = { routes: [], group_by: ['host'], group_wait: 100, group_interval: 100, repeat_interval: 0 };
new Deliverer(lease, {
  ...{ state, clock, log, leaseMs: 60_000, unrecorded: new Map() },
  receivers: [webhook.create('chat', webhook.options.parse({ url, timeout: '20s' }), clock)],
  policy: { router: createRouter(routing, ['chat']), inhibitorOf: null },
}).start();
console.log('delivering');
