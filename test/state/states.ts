import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe } from '@jest/globals';
import { systemClock } from '../../core/clock.ts';
import type { Lease, Leases, State } from '../../state/contract.ts';
import { createRedisState } from '../../state/redis/state.ts';
import { createSqliteState } from '../../state/sqlite/state.ts';
import { recordingLog } from '../parts/log.ts';
import { describeWith } from '../parts/need.ts';
import { temporaryFolder } from '../parts/process.ts';
import { REDIS_SETUPS, type RedisSetup } from '../parts/redis/setups.ts';

export const HOUR = 3_600_000;
export const T0 = 480_000 * HOUR;
export const LONG = 60_000;
/** A lease that has run out a moment later; Redis' own clock counts, so there is no way but to let it pass. */
export const SHORT = 40;

export const HOSTILE = [
  'a:b',
  '',
  'x'.repeat(300),
  'new\nline',
  '"quoted"\\',
  '{tag}',
  'ü💥',
  'a\u0000b',
  'half\ud800',
  "it's",
  '%',
  '-',
];

/** Two users of the same state, which is new for each test; the first holds the lease of `lane-0`. */
export interface Users {
  readonly state: State;
  readonly other: State;
  readonly lease: Lease;
}

/** The lease; throws when somebody else holds it. */
export async function take(from: Leases, name: string, owner: string, ttlMs = LONG): Promise<Lease> {
  const taken = await from.acquire(name, owner, ttlMs);
  if (!taken) throw new Error(`${name} is held by somebody else`);
  return taken;
}

/** What every state promises (state/contract.ts), tested with each. `users` gives those of the test that runs. */
export function describeStates(subject: string, body: (users: () => Users) => void): void {
  describe(`sqlite state: ${subject}`, () => {
    const folder = temporaryFolder();
    afterAll(() => folder.remove());
    let runs = 0;
    beforeEach(() => {
      runs++;
    });
    body(
      usersOf(() =>
        createSqliteState({ file: join(folder.path, `deep/${runs}/state.db`), clock: systemClock }),
      ),
    );
  });

  for (const { name, parts, start } of REDIS_SETUPS) {
    describeWith(parts, `state in ${name}: ${subject}`, () => {
      let redis: RedisSetup;
      let runs = 0;
      beforeAll(async () => {
        redis = await start();
      });
      afterAll(() => redis.stop());
      beforeEach(() => {
        runs++;
      });
      body(
        usersOf(() =>
          createRedisState({
            ...redis.servers,
            prefix: `run-${runs}`,
            clock: systemClock,
            log: recordingLog().log,
          }),
        ),
      );
    });
  }
}

/** `create` gives another user of the same shared state each time. */
function usersOf(create: () => State): () => Users {
  let users: Users;
  beforeEach(async () => {
    const [state, other] = [create(), create()];
    await state.open();
    await other.open();
    users = { state, other, lease: await take(state, 'lane-0', 'worker-a') };
  });
  afterEach(async () => {
    await users.state.close();
    await users.other.close();
  });
  return () => users;
}
