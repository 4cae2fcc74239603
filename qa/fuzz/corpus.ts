import { readFileSync } from 'node:fs';
import { decodeFrame, type Frame } from '../../core/traffic/frame.ts';

/** Lines of a file that a real capture, or a real server, has filled. */
export const golden = (name: string): string[] =>
  readFileSync(new URL(`../../test/golden/${name}`, import.meta.url), 'utf8')
    .trimEnd()
    .split('\n');

export const goldenFrames = (): Frame[] =>
  golden('lhist.frames.ndjson').map(line => decodeFrame(line, 'lhist.frames.ndjson'));

/** bpftrace's own lines in a recording. */
export const bareLines = (recording: string): string[] =>
  golden(recording).flatMap(line => {
    const input = JSON.parse(line) as { kind?: string; text?: string };
    return input.kind === 'line' && input.text !== undefined ? [input.text] : [];
  });
