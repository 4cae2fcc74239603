/**
 * Makes the recordings of this folder anew, from real containers and a real bpftrace (needs root, Docker, perl):
 * `node test/golden/record.ts`.
 *
 * lhist.ndjson: three containers, a cgroup with a hostile name, a kill of bpftrace. lhist.frames.ndjson: its frames,
 * as the live capture made them. bare.ndjson: the first bpftrace's own output. flows.ndjson: connections of a cgroup, by
 * the probe that tells who talked to whom.
 */
import { writeFileSync } from 'node:fs';
import { encodeFrame } from '../../core/traffic/frame.ts';
import { startDocker } from '../parts/docker.ts';
import { captureFrames } from '../parts/kernel/capture.ts';
import { makeCgroup } from '../parts/kernel/cgroup.ts';
import { until } from '../parts/process.ts';

const traffic = (sizes: readonly number[], times: number) => `
  use Socket qw(:all); my ($a, $b, $buf);
  socket($_, PF_INET, SOCK_DGRAM, 0) && bind($_, sockaddr_in(0, INADDR_LOOPBACK)) or die for $a, $b;
  connect($a, getsockname($b)) or die;
  for (1..${times}) { for my $size (${sizes.join(',')}) {
    defined(send($a, "x" x $size, 0)) or die; defined(recv($b, $buf, 70000, 0)) or die }
    select(undef, undef, undef, 0.02) }`;

const connections = `
  use Socket qw(:all); my ($listener, $client, $server, $refused, $buf);
  socket($listener, PF_INET, SOCK_STREAM, 0) && bind($listener, sockaddr_in(0, INADDR_LOOPBACK)) && listen($listener, 5) or die;
  for (1..20) {
    socket($client, PF_INET, SOCK_STREAM, 0); connect($client, getsockname($listener)) or die; accept($server, $listener) or die;
    for my $size (100, 1200, 9000) {
      syswrite($client, "x" x $size); sysread($server, $buf, 70000); syswrite($server, "y" x 10); sysread($client, $buf, 100) }
    close $client; close $server;
    socket($refused, PF_INET, SOCK_STREAM, 0); connect($refused, sockaddr_in(1, INADDR_LOOPBACK)); close $refused;
    select(undef, undef, undef, 0.04) }`;

async function recordFlows(): Promise<string> {
  const recorded: string[] = [];
  const talker = await makeCgroup('golden flows "quoted"\\ ü,=');
  const record = { write: (text: string) => recorded.push(text) };
  const { capture, settled } = await captureFrames({ probe: 'flows' }, { record });
  await settled();
  await talker.perl(connections);
  await settled();
  await capture.stop();
  await talker.remove();
  return recorded.join('');
}

const docker = await startDocker();
const cgroup = await makeCgroup('golden "quoted"\\ ü,=');
const lines: string[] = [];
const { capture, frames, settled } = await captureFrames(
  { docker: docker.socket },
  {
    previous: { from: 1_700_000_000_000, to: 1_700_000_005_000 },
    record: { write: text => lines.push(text) },
  },
);
await until('Docker', () => capture.status().docker === true);
const compose = (service: string, number: number) => ({
  labels: {
    'com.docker.compose.project': 'shop',
    'com.docker.compose.service': service,
    'com.docker.compose.container-number': String(number),
  },
});
docker.run('shop-web-1', `${traffic([100, 1200, 9000], 40)}; sleep 600`, compose('web', 1));
docker.run('shop-web-2', `${traffic([100, 1200], 40)}; sleep 600`, compose('web', 2));
docker.run('job', traffic([0, 65_000], 10), { flags: ['--rm'] });
await cgroup.perl(traffic([64, 4096], 5));
await settled();
await settled();
process.kill(capture.status().bpftrace.pid ?? 0, 'SIGKILL');
await until(
  'the second bpftrace',
  () => frames.filter(frame => frame.faults.includes('attach')).length === 2,
);
docker.docker('rm', '-f', 'shop-web-2');
await settled();
await capture.stop();
await cgroup.remove();
await docker.stop();

const folder = new URL('.', import.meta.url);
const inputs = lines.slice(1).map(line => JSON.parse(line) as { kind: string; text?: string });
const first = inputs.slice(
  0,
  inputs.findIndex(input => input.kind === 'ended'),
);
writeFileSync(new URL('lhist.ndjson', folder), lines.join(''));
writeFileSync(
  new URL('lhist.frames.ndjson', folder),
  frames.map(frame => `${encodeFrame(frame)}\n`).join(''),
);
writeFileSync(
  new URL('bare.ndjson', folder),
  first.flatMap(input => (input.text === undefined ? [] : [`${input.text}\n`])).join(''),
);
writeFileSync(new URL('flows.ndjson', folder), await recordFlows());
