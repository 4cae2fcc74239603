import type { Frame } from '../../core/traffic/frame.ts';
import { busyParts } from '../../test/data/frames.ts';
import { Random } from '../../test/data/random.ts';

/** Length of a made frame, ms. */
export const INTERVAL_MS = 200;
const SLOT_MS = 2000;
const BURST_MS = 600;
const CONTAINERS = 5;
const QUIET_BYTES = 2000;
const BURST_BYTES = 600_000;

const SILENT_MS = 800;

/** Above this rate a rule of a round alarms, and below this one. */
export const LIMIT = '1MB/s';
export const FLOOR = '1kB/s';

/** Of its incidents nobody is told. */
export const SILENCED = 'c0001';

/**
 * The frame of a host that starts at `start`: a function of its arguments alone. In most slots of two seconds, counted
 * back from `quietFrom`, one of five containers sends a burst, and in some another one is silent for a while: which, the
 * seed says.
 */
export function frameAt(
  host: string,
  seed: number,
  start: number,
  previous: number | null,
  quietFrom: number,
): Frame {
  const slot = Math.floor((start - quietFrom) / SLOT_MS);
  const intoSlot = start - quietFrom - slot * SLOT_MS;
  const random = new Random(seed ^ slot);
  const bursting = random.next() < 0.8 && start < quietFrom && intoSlot < BURST_MS;
  const who = random.integer(0, CONTAINERS - 1);
  const isSilence = random.next() < 0.3 && start < quietFrom && intoSlot >= SLOT_MS - SILENT_MS;
  const silent = (who + random.integer(1, CONTAINERS - 1)) % CONTAINERS;
  const { containers, windows } = busyParts(CONTAINERS);
  const base = { faults: [], lost: 0, occupancy: 0, started: [], ended: [], flows: [], connections: [] };
  const isHeard = (container: string) => !isSilence || container !== containers[silent]?.name;
  return {
    ...base,
    host,
    start,
    durationMs: INTERVAL_MS,
    previous,
    containers,
    windows: windows
      .filter(({ container }) => isHeard(container))
      .map(window => {
        const loud = bursting && window.container === containers[who]?.name && window.direction === 'send';
        return { ...window, bytes: loud ? BURST_BYTES : QUIET_BYTES + (start % 97) };
      }),
  };
}
