import { Spool } from '../../../../collector/ship/spool/spool.ts';
import { systemClock } from '../../../../core/clock.ts';
import { busyParts, frameOf } from '../../../data/frames.ts';
import { silentLog } from '../../../parts/kernel/capture.ts';

/** A process that fills a spool until it is killed: FOLDER. Prints the start of each frame that it holds. */
const [folder = ''] = process.argv.slice(2);
const spool = Spool.open({
  folder,
  fsync: 'interval',
  clock: systemClock,
  log: silentLog,
  segmentBytes: 64 * 1024,
});
for (let n = 0; n < 100_000; n++) {
  const { start } = spool.append(frameOf('web-1', n, busyParts(n % 20)));
  process.stdout.write(`${start}\n`);
  await new Promise(resolve => setImmediate(resolve));
}
