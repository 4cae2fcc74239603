import { readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { unlessGone } from './cgroups.ts';
import type { Network } from './contract.ts';
import { isLoopback, readAddress } from './flows/talk.ts';

/** Processes of a cgroup that are asked, at most: the first may be gone, or not be shown to us. */
const PROCESSES = 8;

/**
 * The network namespace of the first process of a cgroup that `ofProcess` can tell, or null when there is none (any
 * more). Throws what `ofProcess` threw last when it can tell of none and was refused.
 */
export async function networkOfCgroup(
  mount: string,
  path: string,
  ofProcess: (pid: string) => Promise<Network | null>,
): Promise<Network | null> {
  const pids = await unlessGone(() => readFile(join(mount, path, 'cgroup.procs'), 'utf8'));
  // 0 stands for a process of another PID namespace.
  const askable = (pids?.split('\n') ?? []).filter(line => /^[1-9]\d*$/.test(line)).slice(0, PROCESSES);
  let refusal: unknown = null;
  for (const pid of askable) {
    try {
      const network = await ofProcess(pid);
      if (network) return network;
    } catch (error) {
      refusal = error;
    }
  }
  if (refusal !== null) throw refusal;
  return null;
}

/** The network namespace of a process, or null when it is gone. */
export function networkOfProcess(pid: string, proc = '/proc'): Promise<Network | null> {
  return unlessGone(async () => {
    const link = await readlink(`${proc}/${pid}/ns/net`);
    const netns = Number(/^net:\[(\d+)\]$/.exec(link)?.[1]);
    const trie = await readFile(`${proc}/${pid}/net/fib_trie`, 'utf8');
    // Absent where IPv6 is off.
    const six = await unlessGone(() => readFile(`${proc}/${pid}/net/if_inet6`, 'utf8'));
    const addresses = new Set([...addresses4(trie), ...addresses6(six ?? '')]);
    return { netns, addresses: [...addresses].filter(address => !isLoopback(address)).sort() };
  });
}

/** Own IPv4 addresses in a routing table as the kernel prints it: `|-- 10.0.0.2`, then `/32 host LOCAL`. */
function addresses4(trie: string): string[] {
  return [...trie.matchAll(/\|-- (\d+\.\d+\.\d+\.\d+)\n\s+\/32 host LOCAL/g)].flatMap(
    ([, address]) => readAddress(address ?? '') ?? [],
  );
}

/** Own IPv6 addresses: 32 hex digits at the start of each line. */
function addresses6(lines: string): string[] {
  return [...lines.matchAll(/^([0-9a-f]{32}) /gm)].flatMap(
    ([, hex]) => readAddress((hex ?? '').replace(/(.{4})(?=.)/g, '$1:')) ?? [],
  );
}
