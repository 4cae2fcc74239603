import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import type { NetworkNamespace } from '../../../collector/contract.ts';
import { NetworkNamespaces, networkOfCgroup } from '../../../collector/identity/network-namespaces.ts';
import { temporaryFolder } from '../../parts/process.ts';

describe('the network of a process', () => {
  const folder = temporaryFolder();
  afterAll(folder.remove);
  /** A process in that namespace whose routing table is this text. */
  const process = (pid: string, netns: number, trie: string | null) => {
    const own = join(folder.path, pid);
    for (const name of ['ns', 'net']) mkdirSync(join(own, name), { recursive: true });
    symlinkSync(`net:[${netns}]`, join(own, 'ns', 'net'));
    if (trie !== null) writeFileSync(join(own, 'net', 'fib_trie'), trie);
  };
  const own = (address: string) => `           |-- ${address}\n              /32 host LOCAL\n`;
  const route = (i: number) =>
    `           |-- 10.${i >> 8}.${i & 255}.0\n              /24 universe UNICAST\n`;

  it('has the addresses of a table of many routes, wherever it is read in pieces', async () => {
    const addresses = Array.from({ length: 3000 }, (_, i) => `172.16.${i >> 8}.${i & 255}`);
    const routes = addresses.map((address, i) => `${route(i)}${own(address)}${route(i)}`).join('');
    for (const shift of [0, 1, 2, 3]) {
      process(`${1 + shift}`, 7, ' '.repeat(shift) + routes + own('127.0.0.1'));
      const network = await new NetworkNamespaces(folder.path).ofProcess(`${1 + shift}`);
      expect(network).toEqual({ netns: 7, addresses: addresses.toSorted() });
    }
  });

  it('is read once for all who ask at one time, and anew for who asks later', async () => {
    const networks = new NetworkNamespaces(folder.path);
    const pids = Array.from({ length: 40 }, (_, i) => `${100 + i}`);
    // One text for each, so that it shows whose was read.
    for (const pid of pids) process(pid, 8, own(`10.0.0.${pid}`));
    const addresses = async (pid: string) => (await networks.ofProcess(pid))?.addresses;
    const told = await Promise.all(pids.map(addresses));
    expect(told.flat()).toHaveLength(40);
    // The first one, and the next one for those who came meanwhile; whose process was slow to be found comes later.
    expect(new Set(told.flat()).size).toBeLessThan(20);
    for (const pid of pids) expect(await addresses(pid)).toEqual([`10.0.0.${pid}`]);
  });

  it('is told though the process that was asked for others is gone', async () => {
    const networks = new NetworkNamespaces(folder.path);
    process('21', 9, null);
    process('22', 9, own('10.0.0.22'));
    const both = await Promise.all(['21', '22'].map(pid => networks.ofProcess(pid)));
    expect(both).toEqual([null, { netns: 9, addresses: ['10.0.0.22'] }]);
    expect(await networks.ofProcess('23')).toBeNull();
  });

  it('has at most so many addresses', async () => {
    process('31', 10, Array.from({ length: 5000 }, (_, i) => own(`10.1.${i >> 8}.${i & 255}`)).join(''));
    expect((await new NetworkNamespaces(folder.path).ofProcess('31'))?.addresses).toHaveLength(4096);
  });
});

describe('the network of a cgroup', () => {
  const folder = temporaryFolder();
  afterAll(folder.remove);
  const NETWORK: NetworkNamespace = { netns: 7, addresses: ['10.0.0.2'] };
  const refusal = new Error('EACCES');

  /** Asked of a cgroup with these processes; gives the answer, and who was asked. */
  const ask = async (pids: string[], answer: (pid: string) => NetworkNamespace | null) => {
    mkdirSync(join(folder.path, 'web'), { recursive: true });
    writeFileSync(join(folder.path, 'web', 'cgroup.procs'), `${pids.join('\n')}\n`);
    const asked: string[] = [];
    const network = networkOfCgroup(folder.path, 'web', async pid => {
      asked.push(pid);
      return answer(pid);
    });
    return { network: await network.catch((error: unknown) => error), asked };
  };

  it('is that of the first process that can be asked', async () => {
    const answer = (pid: string) => {
      if (pid === '1') throw refusal;
      return pid === '2' ? null : NETWORK;
    };
    expect(await ask(['0', '1', '2', '3', '4'], answer)).toEqual({
      network: NETWORK,
      asked: ['1', '2', '3'],
    });
  });

  it('is unknown without processes, or when all of them are gone', async () => {
    expect(await ask(['0'], () => NETWORK)).toEqual({ network: null, asked: [] });
    expect(await ask(['1', '2'], () => null)).toEqual({ network: null, asked: ['1', '2'] });
  });

  it('is asked of a few processes at most; a refusal by all of them is told', async () => {
    const pids = Array.from({ length: 20 }, (_, i) => `${i + 1}`);
    const { network, asked } = await ask(pids, () => {
      throw refusal;
    });
    expect(network).toBe(refusal);
    expect(asked).toEqual(pids.slice(0, 8));
  });
});
