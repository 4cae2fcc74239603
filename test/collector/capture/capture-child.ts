/** A collector of its own, for tests that kill it: prints the pid of its bpftrace and runs on. */
import { captureFrames } from '../../parts/kernel/capture.ts';

const { capture } = await captureFrames();
console.log(`pid ${capture.status().bpftrace.pid}`);
