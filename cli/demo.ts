import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { printable, TidegaugeError } from '../core/errors.ts';
import { formatDuration, parseDuration } from '../core/units.ts';
import { startDemo, type Timing } from '../demo/stage.ts';
import type { CommonFlags, Context } from './context.ts';
import { refuseUnlessReady } from './ready.ts';
import { run } from './run.ts';
import { demoConfig } from './wire.ts';

interface DemoFlags extends CommonFlags {
  readonly for: string;
  readonly traffic?: boolean;
}

/** Quiet long enough for the detectors to learn, then the leak. */
const TIMING: Timing = { burstAfterMs: 45_000, burstMs: 15_000 };

/** `tidegauge demo`: traffic with a leak in it, watched on a short interval; nothing of it is kept. */
export async function demo(context: Context, flags: DemoFlags): Promise<number> {
  const length = parseDuration(flags.for);
  if (length === null) {
    throw new TidegaugeError(
      {
        place: '--for',
        expected: 'a duration such as 2m',
        found: printable(flags.for),
        remedy: 'Correct the flag.',
      },
      { exitCode: 2 },
    );
  }
  await refuseUnlessReady(context);
  const stage = await startDemo(TIMING, context.config.capture.docker, context.clock, context.log);
  context.out.write(
    `Made three ${stage.kind}: ${stage.names.join(', ')}. In ${formatDuration(TIMING.burstAfterMs)} shop-db starts to send far more than it ever did, for ${formatDuration(TIMING.burstMs)}.\n`,
  );
  const over = new AbortController();
  void context.clock.sleep(length, context.signal).then(() => over.abort());
  try {
    if (!flags.traffic) return await watch({ ...context, signal: over.signal });
    await context.clock.sleep(length, over.signal);
    return 0;
  } finally {
    await stage.end();
    context.out.write('The demonstration is over; what it made is removed.\n');
  }
}

async function watch(context: Context): Promise<number> {
  const data = mkdtempSync(join(tmpdir(), 'tidegauge-demo-'));
  try {
    return await run(
      { ...context, config: demoConfig(context.config, data) },
      {},
      { collect: true, detect: true },
    );
  } finally {
    rmSync(data, { recursive: true, force: true });
  }
}
