import { once } from 'node:events';
import { uptime } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { findProbe } from '../../../bpf/index.ts';
import { beginning, mapsOf, readout } from './lines.ts';

/**
 * `bpftrace.ts PROBE CONTAINERS INTERVAL_MS …`: takes the place of bpftrace and prints what it would on a host of so
 * many containers, at the pace of a real one. Ends when nobody reads.
 */
const [name = '', containers = '', intervalMs = '', ...args] = process.argv.slice(2);

async function print(lines: readonly string[]): Promise<void> {
  for (const text of lines) if (!process.stdout.write(`${text}\n`)) await once(process.stdout, 'drain');
}

async function play(): Promise<void> {
  const probe = findProbe(name);
  if (!probe) throw new Error(`expected the name of a probe, found ${name}`);
  const count = Number(containers);
  const pace = { start: Math.round(uptime() * 1e9), interval: Number(intervalMs) * 1e6 };
  const maps = { a: mapsOf(probe, 'a', count), b: mapsOf(probe, 'b', count) };
  await print(beginning(probe, count, pace));
  for (let interval = 1; ; interval++) {
    await sleep(Math.max(0, (pace.start + interval * pace.interval) / 1e6 - uptime() * 1000));
    await print(readout(interval, maps, pace));
  }
}

process.on('SIGINT', () => process.exit());
process.stdout.on('error', () => process.exit());
if (args.includes('--version')) process.stdout.write('bpftrace v0.17.0\n');
else await play();
