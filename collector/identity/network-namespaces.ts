import { createReadStream } from 'node:fs';
import { readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { NetworkNamespace } from '../contract.ts';
import { isLoopback, readAddress } from '../decode/flow-key.ts';
import { unlessGone } from './cgroups.ts';

/** Most processes of a cgroup that are tried: the first may be gone, or hidden from us. */
const PROCESSES = 8;
/** Most of a routing table that is read: half a million routes. Addresses beyond are not learned. */
const MOST_BYTES = 64 * 1024 * 1024;
/** Addresses of one namespace. */
const MOST_ADDRESSES = 4096;

/**
 * The network namespace of the first process of a cgroup that `ofProcess` can tell, or null when there is none (any
 * more). Throws what `ofProcess` threw last when it can tell of none and was refused.
 */
export async function networkOfCgroup(
  mount: string,
  path: string,
  ofProcess: (pid: string) => Promise<NetworkNamespace | null>,
): Promise<NetworkNamespace | null> {
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

/** Reads the network namespaces of processes. Callers that ask for one namespace at the same time share one read. */
export class NetworkNamespaces {
  readonly #proc: string;
  /** Reads by namespace: those that have not begun, and the last ones that have. */
  readonly #waiting = new Map<number, Promise<string[] | null>>();
  readonly #begun = new Map<number, Promise<string[] | null>>();

  constructor(proc = '/proc') {
    this.#proc = proc;
  }

  /** The network namespace of a process, or null when it is gone. Nothing of it was read before this was called. */
  async ofProcess(pid: string): Promise<NetworkNamespace | null> {
    const folder = `${this.#proc}/${pid}`;
    const link = await unlessGone(() => readlink(`${folder}/ns/net`));
    if (link === null) return null;
    const netns = Number(/^net:\[(\d+)\]$/.exec(link)?.[1]);
    // The shared read may have used a process that is gone by now.
    const addresses = (await this.#shared(netns, folder)) ?? (await addressesOf(folder));
    return addresses && { netns, addresses };
  }

  #shared(netns: number, folder: string): Promise<string[] | null> {
    const waiting = this.#waiting.get(netns);
    if (waiting) return waiting;
    const before = this.#begun.get(netns);
    const read = async () => {
      // Its failure is reported to those who asked for it.
      await before?.catch(() => null);
      this.#waiting.delete(netns);
      const reading = addressesOf(folder);
      this.#begun.set(netns, reading);
      try {
        return await reading;
      } finally {
        if (this.#begun.get(netns) === reading) this.#begun.delete(netns);
      }
    };
    const next = read();
    this.#waiting.set(netns, next);
    return next;
  }
}

/** Own addresses in the network of a process, at most so many, sorted; null when it is gone. */
function addressesOf(folder: string): Promise<string[] | null> {
  return unlessGone(async () => {
    const four = await addresses4(`${folder}/net/fib_trie`);
    // Absent where IPv6 is off.
    const six = await unlessGone(() => readFile(`${folder}/net/if_inet6`, 'utf8'));
    const addresses = new Set([...four, ...addresses6(six ?? '')]);
    return [...addresses]
      .filter(address => !isLoopback(address))
      .slice(0, MOST_ADDRESSES)
      .sort();
  });
}

/**
 * Own IPv4 addresses in a routing table as the kernel prints it: `|-- 10.0.0.2`, then `/32 host LOCAL`. It has all routes
 * of the host and is never held as a whole.
 */
async function addresses4(file: string): Promise<string[]> {
  const found: string[] = [];
  let rest = '';
  for await (const chunk of createReadStream(file, { encoding: 'latin1', end: MOST_BYTES - 1 })) {
    const text: string = rest + chunk;
    for (const [, address] of text.matchAll(/\|-- (\d+\.\d+\.\d+\.\d+)\n\s+\/32 host LOCAL/g))
      found.push(address ?? '');
    // The last entry may go on.
    rest = text.slice(Math.max(0, text.lastIndexOf('|-')));
  }
  return found.flatMap(address => readAddress(address) ?? []);
}

/** Own IPv6 addresses: 32 hex digits at the start of each line. */
function addresses6(lines: string): string[] {
  return [...lines.matchAll(/^([0-9a-f]{32}) /gm)].flatMap(
    ([, hex]) => readAddress((hex ?? '').replace(/(.{4})(?=.)/g, '$1:')) ?? [],
  );
}
