import { createHash } from 'node:crypto';

/** Lane of a host: stable for a given number of lanes, 0 .. lanes - 1. */
export function laneOf(host: string, lanes: number): number {
  return createHash('sha256').update(host).digest().readUInt32BE(0) % lanes;
}

/** Name of a lane's lease. */
export const laneName = (lane: number): string => `lane-${lane}`;

/** The lease of whoever delivers notifications. */
export const POLICY_LEASE = 'policy';
