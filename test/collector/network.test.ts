import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import type { Network } from '../../collector/contract.ts';
import { networkOfCgroup } from '../../collector/network.ts';
import { temporaryFolder } from '../parts/process.ts';

describe('the network of a cgroup', () => {
  const folder = temporaryFolder();
  afterAll(folder.remove);
  const NETWORK: Network = { netns: 7, addresses: ['10.0.0.2'] };
  const refusal = new Error('EACCES');

  /** Asked of a cgroup with these processes; gives the answer, and who was asked. */
  const ask = async (pids: string[], answer: (pid: string) => Network | null) => {
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
