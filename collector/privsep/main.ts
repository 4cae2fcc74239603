/**
 * The helper: the one process that stays root when the collector is another user. It starts bpftrace with programs of
 * ours and looks up network namespaces, as long as the collector lives. It is started by client.ts with the descriptors of
 * protocol.ts; arguments: bpftrace, then the words in front of it.
 */
import { Socket } from 'node:net';
import { systemClock } from '../../core/clock.ts';
import { describeError } from '../../core/errors.ts';
import { DESCRIPTORS, encode, isBroken } from './protocol.ts';
import { serve } from './serve.ts';

const [program = 'bpftrace', ...through] = process.argv.slice(2);
process.title = 'tidegauge-helper';
// It ends with the collector, which these signals are sent to as well: before that there is a last interval to read out.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);

const channel = new Socket({ fd: DESCRIPTORS.channel });
// Broken when the collector dies; reading it then ends as well.
channel.on('error', () => undefined);
try {
  await serve({
    requests: channel,
    answer: answer => channel.write(encode(answer)),
    program,
    through,
    stdout: DESCRIPTORS.stdout,
    stderr: DESCRIPTORS.stderr,
    clock: systemClock,
  });
} catch (error) {
  if (!isBroken(error)) {
    process.stderr.write(`helper: ${describeError(error)}\n`);
    process.exitCode = 1;
  }
}
channel.destroy();
