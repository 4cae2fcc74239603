import { parseArgs } from 'node:util';
import { pino } from 'pino';
import { formatSize, parseDuration } from '../../core/config/units.ts';
import { type Levels, soak } from './soak.ts';

/**
 * `npm run soak -- --minutes 15 --containers 2000 [--interval 5s] [--cycles 2]`: is memory flat, and is nothing lost,
 * when store and queue go away for a minute each, again and again? Exit code 1 when not.
 */
const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '15' },
    containers: { type: 'string', default: '2000' },
    interval: { type: 'string', default: '5s' },
    cycles: { type: 'string', default: '2' },
  },
});
const lengthMs = Number(values.minutes) * 60_000;
const intervalMs = parseDuration(values.interval);
const cycles = Number(values.cycles);
if (!(lengthMs > 0) || !(Number(values.containers) > 0) || !intervalMs || !(cycles >= 2)) {
  console.error('expected --minutes N, --containers N, --interval DURATION and --cycles of 2 or more');
  process.exit(2);
}
/** Live memory may be this much more at the end than before the first outage: baselines are still being learned. */
const LIVE = { ratio: 1.1, bytes: 16 * 1024 ** 2 };
/**
 * V8 keeps the pages of a heap that has shrunk and fills them again, so that resident memory is what the heap was at its
 * greatest: the first outages decide it, with their backlog. Later ones may find a moment that is a little worse.
 */
const RESIDENT = { ratio: 1.1, bytes: 32 * 1024 ** 2 };
/** A line is printed this often. */
const SAY_MS = lengthMs / 30;

let said = Number.NEGATIVE_INFINITY;
const { pushed, stored, wrong, isFolded, dropped, live, resident, peakRssBytes } = await soak({
  lengthMs,
  intervalMs,
  cycles,
  containers: Number(values.containers),
  outageMs: Math.min(60_000, lengthMs / (3 + 6 * cycles)),
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

const within = (before: number, after: number, slack: { ratio: number; bytes: number }) =>
  after <= before * slack.ratio + slack.bytes;
const text = ({ before, afterCycle }: Levels) =>
  [before, ...afterCycle].map(bytes => formatSize(bytes)).join(', ');

const [first = 0] = resident.afterCycle;
const isFlat =
  within(live.before, live.afterCycle.at(-1) ?? 0, LIVE) &&
  within(first, resident.afterCycle.at(-1) ?? 0, RESIDENT);
const isWhole = wrong === 0 && dropped === 0 && stored === pushed && isFolded;
const ways = `${isFolded ? 'all' : 'NOT ALL'} folded, ${dropped} given up`;
console.log(`frames: ${pushed} made, ${stored} stored, ${wrong} wrong, ${ways}`);
console.log('memory before the first outages, and after each cycle of them:');
console.log(`  live: ${text(live)}`);
console.log(`  resident: ${text(resident)}; ${formatSize(peakRssBytes)} at most`);
console.log(`${isFlat ? 'flat' : 'NOT FLAT'}, ${isWhole ? 'nothing lost' : 'NOT ALL THERE'}`);
process.exitCode = isFlat && isWhole ? 0 : 1;
