import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Spool } from '../../../collector/ship/spool/spool.ts';
import { systemClock as clock } from '../../../core/clock.ts';
import { TidegaugeError } from '../../../core/errors.ts';
import type { Frame } from '../../../core/traffic/frame.ts';
import type { Random } from '../../../test/data/random.ts';
import { silentLog as log } from '../../../test/parts/kernel/capture.ts';
import { temporaryFolder } from '../../../test/parts/process.ts';
import type { Prepared, Target, Verdict } from '../contract.ts';
import { goldenFrames } from '../corpus.ts';
import { broken, mustEqual } from '../fuzz.ts';
import { mutateBytes } from '../mutate.ts';

/** Small, so that there are several; none is kept in memory, so that all are read. */
const SIZES = { segmentBytes: 8000, cacheBytes: 0 };

const openSpool = (folder: string): Spool => Spool.open({ folder, fsync: 'never', clock, log, ...SIZES });

export const spool: Target = {
  name: 'spool',
  what: 'segments and cursor of a spool, recovered after a crash',
  share: 0.1,
  async prepare(): Promise<Prepared> {
    const folder = temporaryFolder();
    const written = goldenFrames();
    const made = join(folder.path, 'made');
    fill(made, written.slice(0, -1));
    const files = new Map(readdirSync(made).map(name => [name, readFileSync(join(made, name))]));
    const place = join(folder.path, 'case');
    return {
      play: async random => recover(place, files, written, random),
      stop: async () => folder.remove(),
    };
  },
};

function fill(folder: string, frames: readonly Frame[]): void {
  const full = openSpool(folder);
  for (const frame of frames) full.append(frame);
  full.close();
}

/** What the files still hold comes back as it was, what is damaged is counted, and the spool works on. */
function recover(
  place: string,
  files: ReadonlyMap<string, Buffer>,
  written: readonly Frame[],
  random: Random,
): Verdict {
  rmSync(place, { recursive: true, force: true });
  mkdirSync(place);
  const victim = random.pick([...files.keys()]);
  const good = files.get(victim) ?? Buffer.alloc(0);
  const bad = mutateBytes(good, random);
  for (const [name, content] of files) writeFileSync(join(place, name), name === victim ? bad : content);

  let opened: Spool;
  try {
    opened = openSpool(place);
  } catch (error) {
    if (error instanceof TidegaugeError) return 'refused';
    throw error;
  }
  const byStart = new Map(written.map(frame => [frame.start, frame]));
  const found = opened.recovered.map(waiting => opened.read(waiting));
  for (const frame of found) {
    // How many were given up before it is all that recovery may add.
    const { dropped: _, ...rest } = { dropped: 0, ...frame };
    mustEqual('a recovered frame', rest, byStart.get(frame?.start ?? Number.NaN));
  }
  const lost = written.length - 1 - new Set(found.map(frame => frame?.start)).size;
  const { damaged } = opened.status();
  // A file cut off between two records looks like a file that never had more.
  const isCut = good.subarray(0, bad.length).equals(bad);
  if (lost > 0 && damaged === 0 && !isCut) throw broken(`${lost} frames are lost and none is counted`);

  const newest = written.at(-1) as Frame;
  opened.append(newest);
  opened.close();
  const again = openSpool(place);
  const last = again.recovered.at(-1);
  mustEqual('the frame appended after the recovery', last && again.read(last), newest);
  mustEqual('frames of the second recovery', again.recovered.length, found.length + 1);
  again.close();
  return damaged > 0 || lost > 0 ? 'refused' : 'accepted';
}
