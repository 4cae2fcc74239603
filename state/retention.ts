const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Up to this age one checkpoint an hour is kept, then one a day. */
const HOURLY_FOR_MS = 2 * DAY_MS;

/** Start of the hour of which one checkpoint is kept, epoch ms. */
export const hourOf = (last: number): number => Math.floor(last / HOUR_MS) * HOUR_MS;

/**
 * Which checkpoints of one host and fingerprint to forget, given all their `last` (epoch ms, in any order). Those
 * from before `before` go, and all but the newest of each hour (of each day, when older than two days at `now`). A newest
 * one of time 0 stays: it says that nothing of the host was handled, whenever that was found.
 */
export function staleCheckpoints(lasts: readonly number[], now: number, before: number): number[] {
  const kept = new Set<string>();
  return [...lasts]
    .sort((a, b) => b - a)
    .filter((last, i) => {
      const slot =
        now - last < HOURLY_FOR_MS
          ? `hour ${Math.floor(last / HOUR_MS)}`
          : `day ${Math.floor(last / DAY_MS)}`;
      const stale = i === 0 ? last !== 0 && last < before : last < before || kept.has(slot);
      if (!stale) kept.add(slot);
      return stale;
    });
}
