import { dockerClient, dockerVersion, runningContainers } from '../../backends/docker/client.ts';
import type { Clock } from '../../core/clock.ts';
import type { Config } from '../../core/config/config.ts';
import { describeError, errorCode, printable, TidegaugeError } from '../../core/errors.ts';
import { findCgroupMount, scanCgroups } from '../identity/cgroups.ts';
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
    const { hook, probe, refused, unseen } = await chooseHook(config, files);
    const others = refused.map(({ hook: { name }, found }) => `; not ${name}: ${found}`).join('');
    const blind = [...unseen, ...hook.blind].join('; ');
    return [
      required(name, true, `${hook.name} with the probe ${probe.name}${others}`, ''),
      optional('coverage', unseen.length === 0, `TCP and UDP, but not: ${blind}`, UNSEEN),
    ];
  } catch (error) {
    if (!(error instanceof TidegaugeError)) throw error;
    return [required(name, false, error.problem.found, error.problem.remedy)];
  }
}

const UNSEEN =
  'Run Linux 6.5 or newer with CONFIG_FTRACE_SYSCALLS; until then such bytes are in no window, which a `below` rule may take for silence.';

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

/** Whether the user of this process can ask Docker, and its containers can be told apart. */
export async function checkDocker(config: Config['capture'], clock: Clock): Promise<Check> {
  const name = 'Docker';
  const client = dockerClient(config.docker);
  if (client === null) return optional(name, true, 'off', '');
  try {
    const version = await dockerVersion(client, clock);
    const mixed = await withoutCgroup(await runningContainers(client, clock));
    const found = `${version}; without a cgroup v2 of their own: ${mixed.join(', ')}`;
    return mixed.length === 0 ? optional(name, true, version, '') : optional(name, false, found, MIXED);
  } catch (error) {
    const remedy =
      errorCode(error) === 'EACCES'
        ? `Let this user use its socket: with \`collector.user\`, \`collector.groups: docker\`; ${NAMELESS}.`
        : `Start Docker, or set capture.docker to its socket, or to \`off\`; ${NAMELESS}.`;
    return optional(name, false, describeError(error), remedy);
  }
}

/** What it means that Docker cannot be asked. */
const NAMELESS = 'containers have no names without it, and rules that match names never fire';

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
