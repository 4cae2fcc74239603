import { constants } from 'node:fs';
import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findProbe } from '../bpf/index.ts';
import type { Config } from '../core/config.ts';
import { describeError } from '../core/errors.ts';
import { bpftraceVersion } from './bpftrace.ts';
import { findCgroupMount } from './cgroups.ts';
import { dockerClient } from './docker.ts';

/** One thing that capture needs, or would like to have. */
export interface Check {
  readonly name: string;
  readonly ok: boolean;
  /** Capture cannot start without it. */
  readonly required: boolean;
  readonly found: string;
  /** What to do, as an imperative sentence; empty when it is ok. */
  readonly remedy: string;
}

const TRACEFS = ['/sys/kernel/tracing', '/sys/kernel/debug/tracing'];
const BTF = '/sys/kernel/btf/vmlinux';

/** Everything that capture needs, checked without changing anything. Later checks are left out where none can pass. */
export async function preflight(config: Config['capture']): Promise<Check[]> {
  const linux = required('Linux', process.platform === 'linux', process.platform, 'Run it on Linux.');
  if (!linux.ok) return [linux];
  const uid = process.getuid?.() ?? -1;
  return [
    linux,
    required('root', uid === 0, `user id ${uid}`, 'Run it as root, for example with sudo.'),
    await checkBtf(),
    await checkTracepoints(config),
    await checkBpftrace(config),
    await checkCgroups(),
    await checkDocker(config),
  ];
}

async function checkBtf(): Promise<Check> {
  const ok = await exists(BTF);
  return required('BTF', ok, ok ? BTF : 'none', 'Run a kernel with CONFIG_DEBUG_INFO_BTF=y.');
}

async function checkTracepoints(config: Config['capture']): Promise<Check> {
  const name = 'tracepoints';
  const probe = findProbe(config.probe);
  const tracefs = await firstExisting(TRACEFS.map(folder => join(folder, 'events')));
  if (tracefs === null) {
    return required(name, false, 'no tracefs', 'Mount it: `mount -t tracefs tracefs /sys/kernel/tracing`.');
  }
  for (const tracepoint of probe?.tracepoints ?? []) {
    if (await exists(join(tracefs, tracepoint))) continue;
    const kernel = (await readFile('/proc/sys/kernel/osrelease', 'utf8')).trim();
    const found = `no ${tracepoint.replace('/', ':')} in Linux ${kernel}`;
    return required(name, false, found, `Use Linux ${probe?.kernel} or newer.`);
  }
  return required(name, true, tracefs, '');
}

async function checkBpftrace(config: Config['capture']): Promise<Check> {
  const version = await bpftraceVersion(config.bpftrace);
  const remedy =
    'Install bpftrace (Debian: `apt-get install bpftrace`), or set capture.bpftrace to its path.';
  return required('bpftrace', version !== null, version ?? `no ${config.bpftrace}`, remedy);
}

async function checkCgroups(): Promise<Check> {
  const mount = await findCgroupMount();
  const remedy = 'Mount it: `mount -t cgroup2 none /sys/fs/cgroup/unified`.';
  return required('cgroup v2', mount !== null, mount ?? 'not mounted', remedy);
}

async function checkDocker(config: Config['capture']): Promise<Check> {
  const name = 'Docker';
  const client = dockerClient(config.docker);
  if (client === null) return optional(name, true, 'off', '');
  try {
    const version: unknown = (await client.version()).Version;
    return optional(name, true, String(version), '');
  } catch (error) {
    const remedy =
      'Start Docker, or set capture.docker to its socket, or to `off`; containers have no names without it.';
    return optional(name, false, describeError(error), remedy);
  }
}

function required(name: string, ok: boolean, found: string, remedy: string): Check {
  return { name, ok, required: true, found, remedy: ok ? '' : remedy };
}

function optional(name: string, ok: boolean, found: string, remedy: string): Check {
  return { ...required(name, ok, found, remedy), required: false };
}

async function firstExisting(paths: readonly string[]): Promise<string | null> {
  for (const path of paths) if (await exists(path)) return path;
  return null;
}

/** False as well where this user may not look. */
function exists(path: string): Promise<boolean> {
  return access(path, constants.F_OK).then(
    () => true,
    () => false,
  );
}
