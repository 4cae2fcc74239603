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
/** Live memory may be this much more at the end than before the first outage: baselines are still being learned. */
const LIVE = { ratio: 1.1, bytes: 16 * 1024 ** 2 };
/** Resident memory stays where the work after an outage has brought it; it may be this much more. */
const RESIDENT = { ratio: 1.5, bytes: 64 * 1024 ** 2 };
/** A line is printed this often. */
const SAY_MS = lengthMs / 30;

let said = Number.NEGATIVE_INFINITY;
const { pushed, stored, wrong, isFolded, dropped, live, resident } = await soak({
  lengthMs,
  intervalMs,
  containers: Number(values.containers),
  outageMs: Math.min(60_000, lengthMs / 6),
  ...(globalThis.gc && { collectGarbage: () => void globalThis.gc?.() }),
  log: pino({ level: 'error' }, pino.destination(2)),
  onSample({ ms, rssBytes, liveBytes, pending, folded, away }) {
    if (ms - said < SAY_MS) return;
    said = ms;
    const memory = `${formatSize(rssBytes)} resident, ${formatSize(liveBytes)} live`;
    const facts = `${memory}, ${pending} frames waiting, ${folded} folded`;
    console.log(`${(ms / 1000).toFixed(0).padStart(5)} s: ${facts}${away === '' ? '' : `, away: ${away}`}`);
  },
});

interface Compared {
  readonly before: number;
  readonly after: number;
}
const within = ({ before, after }: Compared, slack: { ratio: number; bytes: number }) =>
  after <= before * slack.ratio + slack.bytes;
const text = ({ before, after }: Compared) => `${formatSize(before)} before, ${formatSize(after)} after`;

const isFlat = within(live, LIVE) && within(resident, RESIDENT);
const isWhole = wrong === 0 && dropped === 0 && stored === pushed && isFolded;
const ways = `${isFolded ? 'all' : 'NOT ALL'} folded, ${dropped} given up`;
console.log(`frames: ${pushed} made, ${stored} stored, ${wrong} wrong, ${ways}`);
console.log(`live memory: ${text(live)}`);
console.log(`resident memory: ${text(resident)}, ${formatSize(resident.peak)} at most`);
console.log(`${isFlat ? 'flat' : 'NOT FLAT'}, ${isWhole ? 'nothing lost' : 'NOT ALL THERE'}`);
process.exitCode = isFlat && isWhole ? 0 : 1;
