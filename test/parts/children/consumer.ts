import { systemClock } from '../../../core/clock.ts';
import { createBullmqQueue } from '../../../queue/bullmq.ts';
import { recordingLog } from '../log.ts';

/**
 * A consumer in a process of its own, to be killed: URL PREFIX LANES LANE STUCK. Prints the start of each frame on a
 * line of standard output, and never finishes the frame that starts at STUCK.
 */
const [url = '', prefix = '', lanes, lane, stuck] = process.argv.slice(2);
const { log } = recordingLog();
const queue = createBullmqQueue({ url, prefix, lanes: Number(lanes), clock: systemClock, log });
await queue.open();
queue.consume(Number(lane), frame => {
  console.log(frame.start);
  return frame.start === Number(stuck) ? new Promise(() => {}) : Promise.resolve();
});
