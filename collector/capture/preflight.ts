import { readdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { CALLS, dockerAccess } from '../../backends/docker/access.ts';
import { dockerClient } from '../../backends/docker/client.ts';
import type { Clock } from '../../core/clock.ts';
import type { Config } from '../../core/config/config.ts';
import {
  describeError,
  errorCode,
  isRefusedByFiles,
  printable,
  problemText,
  TidegaugeError,
} from '../../core/errors.ts';
import { findCgroupMount, scanCgroups } from '../identity/cgroups.ts';
import { consequenceOf, NAMELESS, NEEDED, type Needed } from '../identity/docker-troubles.ts';
import { containerRefOf } from '../identity/naming.ts';
import { bpftraceVersion } from './bpftrace.ts';
import { chooseHook, KERNEL_FILES, type KernelFiles } from './hooks.ts';

/** One thing that capture needs, or works better with. */
export interface Check {
  readonly name: string;
  readonly ok: boolean;
  /** Capture cannot start without it. */
  readonly required: boolean;
  readonly found: string;
  /** What to do, as an imperative sentence; empty when it is ok. */
  readonly remedy: string;
}

/**
 * What capture needs of the machine and of the rights of this process, checked without changing anything. Later checks
 * are left out where none can pass.
 */
export async function checkMachine(
  config: Config['capture'],
  files: KernelFiles = KERNEL_FILES,
): Promise<Check[]> {
  const linux = required('Linux', process.platform === 'linux', process.platform, 'Run it on Linux.');
  if (!linux.ok) return [linux];
  return [
    linux,
    checkRoot(),
    ...(await checkHook(config, files)),
    await checkBpftrace(config),
    await checkCgroups(),
    await checkProcesses(),
  ];
}

/** bpftrace checks the user id, not the capabilities. */
export function checkRoot(): Check {
  const uid = process.getuid?.() ?? -1;
  return required('root', uid === 0, `user id ${uid}`, 'Run it as root, for example with sudo.');
}

/** The hook that would be used, and why each one before it is not; then what it does not see. */
async function checkHook(config: Config['capture'], files: KernelFiles): Promise<Check[]> {
  const name = 'hook';
  try {
    const { hook, probe, refused, unseen, declined } = await chooseHook(config, files);
    const others = refused.map(({ hook: { name }, found }) => `; not ${name}: ${found}`).join('');
    const off = declined.map(sight => `${sight} (capture.zerocopy is off)`);
    const blind = [...unseen, ...off, ...hook.blind].join('; ');
    const remedy = unseen.length > 0 ? UNSEEN : DECLINED;
    const seesAll = unseen.length + declined.length === 0;
    return [
      required(name, true, `${hook.name} with the probe ${probe.name}${others}`, ''),
      optional('coverage', seesAll, `TCP and UDP, but not: ${blind}`, remedy),
    ];
  } catch (error) {
    if (!(error instanceof TidegaugeError)) throw error;
    return [required(name, false, error.problem.found, error.problem.remedy)];
  }
}

const UNSEEN =
  'Run Linux 6.5 or newer with CONFIG_FTRACE_SYSCALLS; until then such bytes are in no window, which a `below` rule may take for silence.';

const DECLINED =
  'Set capture.zerocopy to `auto` where proxies run; until then such bytes are in no window, which a `below` rule may take for silence.';

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

/** Whether this process may look at those of others: their network namespaces tell whose an address is. */
export async function checkProcesses(proc = '/proc'): Promise<Check> {
  const remedy =
    'Give it CAP_SYS_PTRACE, and a /proc that shows all processes: `mount -o remount,hidepid=0 /proc`; until then some peers on the map have no name.';
  const ids = (await readdir(proc)).filter(name => /^\d+$/.test(name)).slice(0, PROCESSES_TRIED);
  if (!ids.includes('1')) return optional('processes', false, 'process 1 is hidden (hidepid)', remedy);
  const links = await Promise.allSettled(ids.map(id => readlink(join(proc, id, 'ns/net'))));
  const refused = links.filter(link => link.status === 'rejected' && isRefusedByFiles(link.reason)).length;
  const found = `${ids.length - refused} of ${ids.length} can be looked at`;
  // In a container of its own some others are closed to everybody, such as process 1.
  return optional('processes', refused * 2 < ids.length, found, remedy);
}

/** More would tell nothing more. */
const PROCESSES_TRIED = 500;

/** Whether this user may read all of the cgroup tree, which names what ran before capture started. */
export async function checkCgroupTree(): Promise<Check> {
  const mount = await findCgroupMount();
  const refused: string[] = [];
  const cgroups = mount === null ? [] : await scanCgroups(mount, '/', path => refused.push(path));
  const [first] = refused;
  const found =
    first === undefined
      ? `${cgroups.length} read`
      : `${refused.length} folders may not be read, such as ${printable(join(mount ?? '', first))}`;
  const remedy =
    'Let this user read and enter all folders of the tree; until then the traffic of what ran there before the start is counted as `other`.';
  return optional('cgroups', first === undefined, found, remedy);
}

/** Whether the user of this process can ask Docker all that is needed, and its containers can be told apart. */
export async function checkDocker(config: Config['capture'], clock: Clock): Promise<Check> {
  const name = 'Docker';
  try {
    const client = dockerClient(config.docker);
    if (client === null) return optional(name, true, 'off', '');
    const { version, running, refused } = await dockerAccess(client, clock);
    const shown = version ?? 'of unknown version';
    const missing = NEEDED.filter(call => refused.has(call));
    if (missing.length > 0) {
      const found = `${shown}; refused: ${missing.map(call => refused.get(call)).join(', ')}`;
      return optional(name, false, found, refusedText(missing));
    }
    const mixed = await withoutCgroup(running ?? []);
    const found = `${shown}; without a cgroup v2 of their own: ${mixed.join(', ')}`;
    return mixed.length === 0 ? optional(name, true, shown, '') : optional(name, false, found, MIXED);
  } catch (error) {
    if (error instanceof TidegaugeError) return optional(name, false, problemText(error.problem), '');
    const remedy =
      errorCode(error) === 'EACCES'
        ? `Let this user use its socket: with \`collector.user\`, \`collector.groups: docker\`; without Docker ${NAMELESS}.`
        : `Start Docker, or set capture.docker to its address, or to \`off\`; without Docker ${NAMELESS}.`;
    return optional(name, false, describeError(error), remedy);
  }
}

/** What to let through, and what it means that it is not. */
function refusedText(missing: readonly Needed[]): string {
  const calls = missing.map(call => CALLS[call]).join(', ');
  return `Let the proxy pass ${calls}; until then ${consequenceOf(new Set(missing))}.`;
}

const MIXED =
  'Boot with cgroup v2 (`systemd.unified_cgroup_hierarchy=1`); until then their traffic is counted as that of the host, `/`.';

/** Names of the containers that the kernel does not tell from the host: at most a few, and how many more. */
async function withoutCgroup(running: readonly { id: string; name: string }[]): Promise<string[]> {
  const mount = await findCgroupMount();
  const cgroups = mount === null ? [] : await scanCgroups(mount);
  const ids = new Set(cgroups.map(([, path]) => containerRefOf(path)?.id));
  const names = running.filter(({ id }) => !ids.has(id)).map(({ name }) => printable(name, 32));
  const shown = names.slice(0, 5);
  return names.length > shown.length ? [...shown, `and ${names.length - shown.length} more`] : shown;
}

function required(name: string, ok: boolean, found: string, remedy: string): Check {
  return { name, ok, required: true, found, remedy: ok ? '' : remedy };
}

function optional(name: string, ok: boolean, found: string, remedy: string): Check {
  return { ...required(name, ok, found, remedy), required: false };
}
