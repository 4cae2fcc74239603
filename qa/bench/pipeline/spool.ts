/**
 * What the spool costs on top of what it stands on: writing the same text into a file, with the same policy of when it
 * must have reached the disk. Both sides encode the frame; the spool adds checksum, index and bookkeeping.
 */
import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { Spool } from '../../../collector/ship/spool/spool.ts';
import { systemClock } from '../../../core/clock.ts';
import { encodeFrame, type Frame } from '../../../core/traffic/frame.ts';
import { busyParts, frameOf } from '../../../test/data/frames.ts';
import { silentLog } from '../../../test/parts/kernel/capture.ts';
import { temporaryFolder } from '../../../test/parts/process.ts';
import { type BenchTable, inTurn, median, spread } from '../measure.ts';

const ROUNDS = 7;
const FRAMES = 60;
const CONTAINERS = 1000;
const POLICIES = ['never', 'interval', 'always'] as const;

/** Frames per second of appending, and of reading back what an earlier process left. */
export async function spoolBench(): Promise<BenchTable[]> {
  const frames = Array.from({ length: FRAMES }, (_, n) => frameOf('web-1', n, busyParts(CONTAINERS)));
  const folder = temporaryFolder();
  const rows: BenchTable['rows'][number][] = [];
  let runs = 0;
  const place = () => join(folder.path, String(runs++));
  try {
    for (const fsync of POLICIES) {
      const sides = {
        spool: () => appended(place(), fsync, frames),
        bare: () => written(place(), fsync, frames),
      };
      rows.push(row(`append, fsync ${fsync}, against fs.writeSync`, await inTurn(ROUNDS, sides)));
    }
    const left = place();
    appended(left, 'never', frames);
    const texts = frames.map(encodeFrame);
    const sides = {
      spool: () => recovered(left),
      bare: () => perSecond(() => texts.map(text => JSON.parse(text))),
    };
    rows.push(row('open and read back, against JSON.parse', await inTurn(ROUNDS, sides)));
  } finally {
    folder.remove();
  }
  return [{ title: `Spool, frames of ${CONTAINERS} containers, per second`, rows }];
}

function row(name: string, { spool, bare }: { spool: number[]; bare: number[] }) {
  const ratios = spool.map((rate, round) => rate / (bare[round] ?? Number.NaN));
  return {
    name,
    value: `${Math.round(median(spool))} frames/s`,
    ratio: median(ratios).toFixed(2),
    spread: spread(ratios),
  };
}

function perSecond(action: () => void): number {
  const start = performance.now();
  action();
  return (FRAMES * 1000) / (performance.now() - start);
}

const open = (folder: string, fsync: (typeof POLICIES)[number]): Spool =>
  Spool.open({ folder, fsync, clock: systemClock, log: silentLog });

function appended(folder: string, fsync: (typeof POLICIES)[number], frames: readonly Frame[]): number {
  const spool = open(folder, fsync);
  // Closing syncs what the policy has not synced yet.
  return perSecond(() => {
    for (const frame of frames) spool.append(frame);
    spool.close();
  });
}

function written(file: string, fsync: (typeof POLICIES)[number], frames: readonly Frame[]): number {
  const descriptor = openSync(file, 'w');
  return perSecond(() => {
    for (const frame of frames) {
      writeSync(descriptor, encodeFrame(frame));
      if (fsync === 'always') fdatasyncSync(descriptor);
    }
    if (fsync === 'interval') fdatasyncSync(descriptor);
    closeSync(descriptor);
  });
}

function recovered(folder: string): number {
  let spool: Spool | undefined;
  const rate = perSecond(() => {
    spool = open(folder, 'never');
    for (const waiting of spool.recovered) spool.read(waiting);
  });
  if (spool?.recovered.length !== FRAMES) throw new Error('the spool lost frames');
  spool.close();
  return rate;
}
