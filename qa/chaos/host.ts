import { createReadStream, existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { replayRecording } from '../../collector/recording/replay.ts';
import { encodeFrame } from '../../core/traffic/frame.ts';
import { Child } from '../../test/parts/process.ts';
import { linesOf, tidegauge } from '../../test/parts/tidegauge.ts';

const SOURCE = fileURLToPath(new URL('source.ts', import.meta.url));

/** A program that closes frames, and what is known of the frames that it closed. */
export interface Host {
  spawn(): Child;
  /** JSON of each closed frame, in order. */
  closed(): Promise<string[]>;
}

export interface MadeOptions {
  readonly seed: number;
  /** File that says when traffic ends, see `Times`. As long as it is missing, traffic is quiet. */
  readonly times: string;
  readonly flags: readonly string[];
}

/** A host whose frames are made; its folder holds tidegauge.yaml. */
export function madeHost(folder: string, { seed, times, flags }: MadeOptions): Host {
  const journal = join(folder, 'journal.ndjson');
  const args = [join(folder, 'tidegauge.yaml'), seed, times, journal, ...flags].map(String);
  return {
    spawn: () =>
      new Child(process.execPath, ['--disable-warning=ExperimentalWarning', SOURCE, ...args], {
        cwd: folder,
      }),
    // A line that a kill cut off is of a frame whose append had returned, but nobody can say what was in it.
    closed: async () => (existsSync(journal) ? linesOf(journal).filter(line => line.endsWith('}')) : []),
  };
}

/** A host whose frames are captured, and recorded by each of its processes into a file of its own. */
export function realHost(folder: string): Host {
  const recordings: string[] = [];
  return {
    spawn() {
      const file = join(folder, `${recordings.length}.ndjson`);
      recordings.push(file);
      return tidegauge(['collect', '--quiet', '--record', file], { cwd: folder });
    },
    async closed() {
      const frames: string[] = [];
      for (const file of recordings) {
        if (!existsSync(file) || linesOf(file).length === 0) continue;
        const lines = createInterface({ input: createReadStream(file) });
        for await (const frame of replayRecording(lines, { place: file, start: 0 }))
          frames.push(encodeFrame(frame));
      }
      return frames;
    },
  };
}
