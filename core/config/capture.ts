import { z } from 'zod';
import { isLabelKey, LABEL_CAPS } from '../traffic/labels.ts';
import { parseDockerAddress } from './docker-address.ts';
import { addressRanges, duration, size } from './options.ts';

/** `auto`, `off`, or the address of a Docker Engine. */
const docker = () =>
  z.string().superRefine((text, context) => {
    const parsed = text === 'auto' || text === 'off' ? null : parseDockerAddress(text);
    if (typeof parsed !== 'string') return;
    // It may hold a password.
    const found = { found: text.includes('@') ? 'a value that is not shown' : undefined };
    context.addIssue({ code: 'custom', message: `auto, off or ${parsed}`, params: found });
  });

/** The group `capture` of the configuration. */
export const capture = z
  .strictObject({
    interval: duration({ min: '200ms', max: '60s' }).prefault('5s').describe('Length of a window.'),
    probe: z
      .enum(['auto', 'flows', 'packed', 'lhist'])
      .default('auto')
      .describe('Which probe of bpf/ counts; `auto` takes the first that the hook allows.'),
    hook: z
      .enum(['auto', 'tracepoint', 'fentry', 'kprobe'])
      .default('auto')
      .describe(
        'Where the probe attaches in the kernel; `auto` takes the first that works (`tidegauge doctor`).',
      ),
    account: z
      .enum(['fast', 'exact'])
      .default('exact')
      .describe(
        '`exact` counts all messages once more in the kernel, so that a full map tells how many it has lost; `fast` saves that, which is next to nothing.',
      ),
    zerocopy: z
      .enum(['auto', 'off'])
      .default('auto')
      .describe(
        '`auto` also counts what leaves a TCP socket without a receive: splices, as proxies written in Go, docker-proxy and HAProxy copy, and TCP_ZEROCOPY_RECEIVE. Tracepoints of system calls then cost every call of every process 50 to 75 ns, with `capture.hook: tracepoint`. `off` saves that, and such bytes are in no window.',
      ),
    bpftrace: z.string().min(1).default('bpftrace').describe('The bpftrace program, by name or path.'),
    map_keys: z
      .int()
      .min(64)
      .max(4_000_000)
      .default(65_536)
      .describe('Capacity of each map in the kernel; an entry is one container, direction and size bucket.'),
    docker: docker()
      .default('auto')
      .describe(
        'Where the Docker Engine is asked: a socket (`/var/run/docker.sock`, `unix://…`) or `tcp://HOST:PORT`, with TLS where DOCKER_TLS_VERIFY is set (certificates in DOCKER_CERT_PATH); `auto` takes DOCKER_HOST, else /var/run/docker.sock; `off` never asks.',
      ),
    pods: z
      .string()
      .regex(/^(?:auto|off|\/.*)$/, 'auto, off or the full path of a folder')
      .default('auto')
      .describe(
        'Where the names of pods are read: a folder in which the kubelet names the logs of containers; nothing in it is opened. `auto` takes /var/log/containers, `off` reads nothing.',
      ),
    labels: z
      .array(z.string().refine(isLabelKey, 'the key of a label, such as team or com.example.team'))
      .max(LABEL_CAPS.keys)
      .meta({ unit: 'list of keys' })
      .default([])
      .describe(
        `Docker labels that are kept with each container, such as \`[team]\`, at most ${LABEL_CAPS.keys}; those that \`match.label\` of a rule in this file names are kept in any case. Of a value the first ${LABEL_CAPS.value} characters.`,
      ),
    service_ranges: addressRanges()
      .default([])
      .describe(
        "Addresses of a cluster's services, such as `[10.96.0.0/12]` (Kubernetes: `service-cluster-ip-range`). Nobody has them: flows to them are shown as `virtual`, with address and port.",
      ),
    spool: z
      .strictObject({
        size: size({ min: '1MiB' })
          .prefault('1GiB')
          .describe('Most that frames may take up on disk; beyond it the oldest are dropped and counted.'),
        age: duration({ min: '1m' })
          .prefault('7d')
          .describe('Frames that wait for longer than this are dropped and counted.'),
        fsync: z
          .enum(['always', 'interval', 'never'])
          .default('interval')
          .describe(
            'When frames must have reached the disk. What a power cut takes: with `always` no captured frame, with `interval` those of the last second, with `never` those that the system had not written yet, usually half a minute. A killed process loses none with any of them. What a database has taken is up to it: the SQLite store may lose its last moments in a power cut.',
          ),
      })
      .prefault({})
      .describe('Frames that wait for the store or the queue, in the folder `spool` of the data directory.'),
    pending: size({ min: '1MiB' })
      .prefault('256MiB')
      .describe(
        'The same in memory, while the disk does not take them; beyond it the oldest are dropped and counted.',
      ),
  })
  .describe('What the collector does.');
