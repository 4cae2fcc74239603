import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { z } from 'zod';
import { decodeFrame, encodeFrame, type Frame } from '../../core/traffic/frame.ts';

/** What was done in a laboratory and when, and the frames that were captured meanwhile. Times are epoch ms. */

const time = z.int().nonnegative();

const doneSchema = z.strictObject({
  kind: z.string(),
  /** What was done, for people. */
  about: z.string(),
  from: time,
  until: time,
  /** When it had its full size; the same as `from` where it has from the beginning. */
  full: time,
  /** How it has to be found: within two frames, within a minute of its full size, or not at all. */
  expected: z.enum(['abrupt', 'gradual', 'nothing']),
  /** Services that it happened to, as frames name them. */
  services: z.array(z.string()).min(1),
  /** Services that feel it: an alert about them is not false, but finds nothing. */
  touched: z.array(z.string()),
});

const truthSchema = z.strictObject({
  /** Capture ran; learning was over; all was over. */
  begun: time,
  learnt: time,
  ended: time,
  done: z.array(doneSchema),
  /** What else is to be known of it, in sentences for people. */
  note: z.exactOptional(z.string()),
});

export type Done = z.output<typeof doneSchema>;
export type Truth = z.output<typeof truthSchema>;

export interface Recording {
  readonly truth: Truth;
  /** Of one host, in order. */
  readonly frames: readonly Frame[];
}

const TRUTH = 'truth.json';
const FRAMES = 'frames.ndjson.zst';
/** Small before fast: it is written once, and kept in the repository. */
const COMPRESSION = { [constants.ZSTD_c_compressionLevel]: 22, [constants.ZSTD_c_windowLog]: 27 };

/** Writes both files into a folder, which is made if need be. */
export function writeRecording(folder: string, { truth, frames }: Recording): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, TRUTH), `${JSON.stringify(truth, null, 2)}\n`);
  const text = frames.map(frame => `${encodeFrame(frame)}\n`).join('');
  writeFileSync(join(folder, FRAMES), zstdCompressSync(text, { params: COMPRESSION }));
}

/** Throws when a file is not there, or is none. */
export function readRecording(folder: string): Recording {
  const truth = truthSchema.parse(JSON.parse(readFileSync(join(folder, TRUTH), 'utf8')));
  const file = join(folder, FRAMES);
  const lines = zstdDecompressSync(readFileSync(file)).toString().split('\n').filter(Boolean);
  return { truth, frames: lines.map((line, i) => decodeFrame(line, `${file}, line ${i + 1}`)) };
}
