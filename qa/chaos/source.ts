import { randomUUID } from 'node:crypto';
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { openOutbox } from '../../app/outbox.ts';
import { ensureDataFolder } from '../../app/process-context.ts';
import { openBackends } from '../../app/wire.ts';
import { createContext } from '../../cli/context.ts';
import { encodeFrame } from '../../core/traffic/frame.ts';
import type { Store } from '../../store/contract.ts';
import { Worker } from '../../worker/worker.ts';
import type { Times } from './installation.ts';
import { frameAt, INTERVAL_MS } from './traffic.ts';

/**
 * A collector whose frames are made instead of captured, and with them everything from the spool on as `tidegauge
 * collect` has it (`--embedded`: as `tidegauge run`). CONFIG SEED TIMES JOURNAL [--embedded] [--break]
 *
 * TIMES is a file that comes when all hosts have begun: all is quiet before. No frame starts at its `until` or later. A frame is written to the journal when the spool has it: from then on it is closed
 * and must not be lost.
 */

/** How late a broken collector stores. */
const LATE_MS = 500;

const [file = '', seed, timesFile = '', journal = '', ...flags] = process.argv.slice(2);
const stopping = new AbortController();
process.once('SIGTERM', () => stopping.abort());
const { signal } = stopping;
const context = createContext({ config: file }, signal);
const { config, clock, log } = context;

ensureDataFolder(config);
const backends = await openBackends(config, clock, log);
const worker = flags.includes('--embedded')
  ? Worker.start({
      ...{ ...backends, clock, log, owner: randomUUID() },
      ...{ leaseMs: config.state.lease, checkpointMs: config.state.checkpoint, silentAfterMs: 60_000 },
    })
  : null;
const store = flags.includes('--break') ? acknowledgeEarly(backends.store) : backends.store;
const outbox = await openOutbox(context, { ...backends, store });
let times: Pick<Times, 'quietFrom' | 'until'> | null = null;
let previous = outbox.previous?.from ?? null;
for (;;) {
  const earliest = Math.ceil(clock.now() / INTERVAL_MS) * INTERVAL_MS;
  const start = Math.max(earliest - INTERVAL_MS, (previous ?? 0) + INTERVAL_MS);
  await clock.sleep(start + INTERVAL_MS - clock.now(), signal);
  if (times === null && existsSync(timesFile)) times = JSON.parse(readFileSync(timesFile, 'utf8')) as Times;
  if (signal.aborted || (times !== null && start >= times.until)) break;
  const frame = frameAt(config.host, Number(seed), start, previous, times?.quietFrom ?? 0);
  outbox.shipper.push(frame);
  appendFileSync(journal, `${encodeFrame(frame)}\n`);
  previous = start;
}
if (!signal.aborted) await new Promise(resolve => signal.addEventListener('abort', resolve, { once: true }));
await outbox.stop();
await worker?.stop();
await backends.close();

/** The mistake that a round must find: a frame leaves the spool before the store has been asked, let alone answered. */
function acknowledgeEarly(real: Store): Pick<Store, 'writeFrames' | 'lastFrame'> {
  return {
    lastFrame: host => real.lastFrame(host),
    async writeFrames(frames) {
      void clock
        .sleep(LATE_MS)
        .then(() => real.writeFrames(frames))
        .catch((error: unknown) => log.debug({ error }, 'a write that nobody waited for'));
    },
  };
}
