import type { Probe } from './contract.ts';
import { flows } from './flows.ts';
import { lhist } from './lhist.ts';
import { packed } from './packed.ts';

/**
 * All probes, the preferred one first: `capture.probe: auto` takes the first. Cheaper ones that are proven to give
 * the same windows as `lhist` go above it.
 */
export const PROBES: readonly Probe[] = [flows, packed, lhist];

/** The probe of that name, `auto` for the preferred one; undefined when there is none. */
export function findProbe(name: string): Probe | undefined {
  return name === 'auto' ? PROBES[0] : PROBES.find(probe => probe.name === name);
}
