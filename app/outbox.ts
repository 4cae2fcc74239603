import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Shipper, ShipperOptions } from '../collector/ship/contract.ts';
import { createShipper } from '../collector/ship/shipper.ts';
import { later } from '../collector/ship/spool/recover.ts';
import { Spool } from '../collector/ship/spool/spool.ts';
import { type TidegaugeError, UsageError } from '../core/errors.ts';
import type { Interval } from '../core/interval.ts';
import type { Log } from '../core/log.ts';
import { isRetriable } from '../core/retry.ts';
import type { Leases } from '../state/contract.ts';
import type { FrameStore, HostClaims } from '../store/contract.ts';
import type { BackendStartup } from './backend-startup.ts';
import { HostClaim } from './ownership/host-claim.ts';
import { HostLease } from './ownership/host-lease.ts';
import { instanceId } from './ownership/instance.ts';
import type { ProcessContext } from './process-context.ts';
import { type Backends, dataHolder, lockData } from './wire.ts';

/** Longest wait at the end for the store and queue to take the last frames. */
const DRAIN_MS = 1500;

/** Where a host's frames leave for store and queue: its name leased, its spool locked and open. */
export interface Outbox {
  readonly shipper: Shipper;
  /** When the host's newest frame was, in spool or store, or null. */
  readonly previous: Interval | null;
  /** Resolves when another installation has taken the host's name: nothing more may be shipped. */
  readonly lost: Promise<TidegaugeError>;
  /** Ship what can be shipped soon, then end; returns how many frames are lost because they are not even on disk. */
  stop(): Promise<number>;
}

type Wants = Pick<ProcessContext, 'config' | 'clock'> & { readonly log: Log };

export type Destinations = Pick<Backends, 'queue' | 'state'> & {
  readonly store: Pick<FrameStore, 'writeFrames' | 'lastFrame'> & { readonly claims?: HostClaims | null };
  /** What is away is waited for: frames stay in the spool until all three were reached and the name is claimed. */
  readonly startup: Pick<BackendStartup, 'require' | 'unreached'>;
};

/**
 * Needs the data directory. Throws a TidegaugeError when another collector uses the directory or, elsewhere, the name.
 * Frames of an earlier run are being shipped when this resolves.
 */
export async function openOutbox({ config, clock, log }: Wants, backends: Destinations): Promise<Outbox> {
  const state = onceReached(backends);
  const { host, data, capture } = config;
  const lock = lockData(data);
  if (!lock) throw inUse(data);
  const leaseMs = config.state.lease;
  try {
    const instance = instanceId(data);
    const hostLease = await HostLease.take({ state, host, instance, leaseMs, clock, log });
    let hostClaim: HostClaim | null = null;
    try {
      hostClaim = await claimInStore(backends, { host, instance, clock, log });
      const spool = Spool.open({ folder: join(data, 'spool'), fsync: capture.spool.fsync, clock, log });
      try {
        const previous = later(await newestStored(host, backends), spool.newest);
        const limits = { bytes: capture.spool.size, ageMs: capture.spool.age, memoryBytes: capture.pending };
        const shipper = createShipper({
          ...guardedBy(hostLease, hostClaim, backends),
          spool,
          clock,
          log,
          limits,
        });
        return outboxOf({
          lock,
          hostLease,
          hostClaim,
          spool,
          shipper,
          previous,
          log,
          startup: backends.startup,
        });
      } catch (error) {
        spool.close();
        throw error;
      }
    } catch (error) {
      await hostClaim?.release();
      await hostLease.release();
      throw error;
    }
  } catch (error) {
    lock.release();
    throw error;
  }
}

/** The name in a store that other machines may share, though they share no state; null: it is of this machine alone. */
async function claimInStore(
  { store, startup }: Destinations,
  about: { host: string; instance: string } & Pick<Wants, 'clock' | 'log'>,
): Promise<HostClaim | null> {
  const { claims } = store;
  if (!claims) return null;
  const requireStore = () => startup.require('store');
  return HostClaim.take({ ...about, claims, requireStore, run: randomUUID(), machine: hostname() });
}

/** When the host's newest frame in the store was, or null; a store that is away is not waited for: the spool knows it. */
async function newestStored(host: string, { store, startup }: Destinations): Promise<Interval | null> {
  try {
    startup.require('store');
    return await store.lastFrame(host);
  } catch (error) {
    if (!isRetriable(error)) throw error;
    return null;
  }
}

/** The state, which cannot be asked for a claim before it was reached and checked. */
function onceReached({ state, startup }: Destinations): Leases {
  return {
    acquire: async (name, owner, ttlMs) => {
      startup.require('state');
      return state.acquire(name, owner, ttlMs);
    },
    renew: (lease, ttlMs) => state.renew(lease, ttlMs),
    renewAll: (leases, ttlMs) => state.renewAll(leases, ttlMs),
    release: lease => state.release(lease),
  };
}

/** Store and queue, which take nothing before they were reached, and while the host's name may be another's. */
function guardedBy(
  hostLease: HostLease,
  hostClaim: HostClaim | null,
  { store, queue, startup }: Destinations,
): Pick<ShipperOptions, 'store' | 'queue'> {
  return {
    store: {
      writeFrames: async (frames, options) => {
        startup.require('store');
        hostLease.check();
        await hostClaim?.ensure();
        await store.writeFrames(frames, options);
      },
    },
    queue: {
      publish: async frame => {
        startup.require('queue');
        hostLease.check();
        await queue.publish(frame);
      },
    },
  };
}

interface Opened {
  readonly lock: { release(): void };
  readonly hostLease: HostLease;
  readonly hostClaim: HostClaim | null;
  readonly spool: Spool;
  readonly shipper: Shipper;
  readonly previous: Interval | null;
  readonly log: Log;
  readonly startup: Pick<BackendStartup, 'unreached'>;
}

function outboxOf({ lock, hostLease, hostClaim, spool, shipper, previous, log, startup }: Opened): Outbox {
  const isLost = () => hostLease.isLost || hostClaim?.isLost === true;
  return {
    shipper,
    previous,
    lost: hostClaim ? Promise.race([hostLease.lost, hostClaim.lost]) : hostLease.lost,
    async stop() {
      if (!isLost() && startup.unreached.length === 0) await shipper.drain(DRAIN_MS);
      await shipper.stop();
      const waiting = shipper.status().pending;
      const { unwritten } = spool.status();
      if (waiting > 0)
        log.warn({ frames: waiting - unwritten }, 'frames wait in the spool for the next start');
      spool.close();
      await hostClaim?.release();
      await hostLease.release();
      lock.release();
      return unwritten;
    },
  };
}

/** Checks first, before anything is opened that two collectors cannot share. Throws as `openOutbox` does. */
export function refuseIfInUse(data: string): void {
  const lock = lockData(data);
  if (!lock) throw inUse(data);
  lock.release();
}

function inUse(data: string): TidegaugeError {
  const pid = dataHolder(data);
  const who =
    pid === null ? 'its process cannot be seen from here, as in another container' : `process ${pid}`;
  return new UsageError({
    place: data,
    found: `another collector uses this data directory (${who})`,
    remedy: 'Stop the other one, or set `data` to another directory.',
  });
}
