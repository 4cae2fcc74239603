/**
 * The privileged helper: the one process that stays root when the collector runs as another user. It starts bpftrace
 * with the programs of bpf/ and looks up network namespaces, as long as the collector lives. client.ts starts it with the
 * descriptors of protocol.ts; arguments: bpftrace, then the command that bpftrace is started through.
 */
import { Socket } from 'node:net';
import { systemClock } from '../../core/clock.ts';
import { describeError } from '../../core/errors.ts';
import { DESCRIPTORS, encode, isBroken } from './protocol.ts';
import { serve } from './serve.ts';

const [executable = 'bpftrace', ...through] = process.argv.slice(2);
process.title = 'tidegauge-helper';
// These signals reach the collector too. The helper ends after it, once the last interval is read out.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);

const channel = new Socket({ fd: DESCRIPTORS.channel });
// Broken when the collector dies; reading it then ends as well.
channel.on('error', () => undefined);
try {
  await serve({
    requests: channel,
    answer: answer => channel.write(encode(answer)),
    executable,
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
