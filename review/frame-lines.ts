import { describeError } from '../core/errors.ts';
import { decodeFrame, type Frame } from '../core/traffic/frame.ts';

/**
 * Frames of NDJSON: one frame a line, as `encodeFrame` gives it (docs/frames.md). Empty lines are nothing; a line that is
 * no frame is left out, and `onRefused` is told its number, from 1, and what is wrong with it.
 */
export async function* framesIn(
  lines: AsyncIterable<string>,
  onRefused: (line: number, reason: string) => void,
): AsyncIterable<Frame> {
  let number = 0;
  for await (const line of lines) {
    number++;
    if (line.trim() === '') continue;
    try {
      yield decodeFrame(line, `line ${number}`);
    } catch (error) {
      onRefused(number, describeError(error));
    }
  }
}
