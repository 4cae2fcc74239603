import { parseArgs } from 'node:util';
import { pino } from 'pino';
import { formatSize, parseDuration } from '../core/units.ts';
import { soak } from './soak.ts';

/**
 * `npm run soak -- --minutes 15 --containers 2000 [--interval 5s]`: is memory flat, and is nothing lost, when store and
 * queue go away for a minute each? Exit code 1 when not.
 */
const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '15' },
    containers: { type: 'string', default: '2000' },
    interval: { type: 'string', default: '5s' },
  },
});
const lengthMs = Number(values.minutes) * 60_000;
const intervalMs = parseDuration(values.interval);
if (!(lengthMs > 0) || !(Number(values.containers) > 0) || !intervalMs) {
  console.error('expected --minutes N, --containers N and --interval DURATION');
  process.exit(2);
}
/** Memory may be this much more at the end than before the first outage: baselines are still being learned. */
const SLACK = { ratio: 1.25, bytes: 32 * 1024 ** 2 };
/** A line is printed this often. */
const SAY_MS = lengthMs / 30;

let said = Number.NEGATIVE_INFINITY;
const report = await soak({
  lengthMs,
  intervalMs,
  containers: Number(values.containers),
  outageMs: Math.min(60_000, lengthMs / 6),
  ...(globalThis.gc && { collectGarbage: () => void globalThis.gc?.() }),
  log: pino({ level: 'error' }, pino.destination(2)),
  onSample({ ms, rssBytes, pending, folded, away }) {
    if (ms - said < SAY_MS) return;
    said = ms;
    const facts = `${formatSize(rssBytes)} resident, ${pending} frames waiting, ${folded} folded`;
    console.log(`${(ms / 1000).toFixed(0).padStart(5)} s: ${facts}${away === '' ? '' : `, away: ${away}`}`);
  },
});
const { pushed, stored, wrong, isFolded, dropped, before, after, peak } = report;
console.log(
  `frames: ${pushed} made, ${stored} stored, ${wrong} wrong, ${isFolded ? 'all' : 'NOT ALL'} folded, ${dropped} given up`,
);
console.log(
  `resident memory: ${formatSize(before)} before, ${formatSize(after)} after, ${formatSize(peak)} at most`,
);
const isFlat = after <= before * SLACK.ratio + SLACK.bytes;
const isWhole = wrong === 0 && dropped === 0 && stored === pushed && isFolded;
console.log(`${isFlat ? 'flat' : 'NOT FLAT'}, ${isWhole ? 'nothing lost' : 'NOT ALL THERE'}`);
process.exitCode = isFlat && isWhole ? 0 : 1;
