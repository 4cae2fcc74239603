import { execFileSync } from 'node:child_process';
import { busiest, during } from './kernel.ts';

/** What a send costs while a program counts it. */

/** Batches that sends are timed in: what disturbs one makes it slower, so that the fastest tells most. */
const BATCHES = 20;

/**
 * Sends that many datagrams of 100 B to 20 kB over loopback; nobody receives them, so only sends are counted.
 * @returns processor time of one, the least of all batches, ns
 */
function send(messages: number): number {
  const script = `
    use Socket; use Time::HiRes 'clock'; my $least = 1;
    socket(my $to, PF_INET, SOCK_DGRAM, 0) or die; bind($to, sockaddr_in(0, INADDR_LOOPBACK)) or die;
    socket(my $from, PF_INET, SOCK_DGRAM, 0) or die; connect($from, getsockname($to)) or die;
    my @messages = map { "x" x $_ } 100, 1000, 5000, 20000;
    for (1 .. ${BATCHES}) {
      my $start = clock; for (1 .. ${messages / BATCHES}) { send($from, $messages[$_ & 3], 0) or die }
      my $time = clock() - $start; $least = $time if $time < $least }
    print $least`;
  return (Number(execFileSync('perl', ['-e', script])) * 1e9 * BATCHES) / messages;
}

/** Processor time of a send while that bpftrace runs the program, ns: all that it costs the sender. */
export const timePerSend = (command: string, program: string, messages: number): Promise<number> =>
  during(command, program, () => send(messages));

/** Nanoseconds in the program for each send that it counts, as that bpftrace compiles it; needs `withBpfStats`. */
export const costPerSend = (command: string, program: string, messages: number): Promise<number> =>
  during(command, program, pid => {
    const before = busiest(pid);
    send(messages);
    const after = busiest(pid);
    return (after.ns - before.ns) / (after.runs - before.runs);
  });
