import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import type { CgroupId, Event, Input } from '../../../collector/contract.ts';
import { CgroupRegistry } from '../../../collector/identity/cgroup-registry.ts';
import { Identifier } from '../../../collector/identity/identifier.ts';
import { systemClock } from '../../../core/clock.ts';
import { silentLog } from '../../parts/kernel/capture.ts';
import { temporaryFolder } from '../../parts/process.ts';

const ID = 'ab'.repeat(32);
const ID2 = 'cd'.repeat(32);
const DESCRIBED = { image: 'i:1', project: '', service: '', number: '' };

/** Who is in the frame that ends at `endNs`, as `name`, `+name` (born in it), `name-` (died in it). */
function attribute(registry: CgroupRegistry, endNs: number, ...active: CgroupId[]): string[] {
  const activeSet = new Set(active);
  const members = registry.members(activeSet, endNs);
  registry.markReported(activeSet, endNs);
  registry.age(endNs);
  return members
    .map(({ container, started, ended }) => `${started ? '+' : ''}${container.name}${ended ? '-' : ''}`)
    .sort();
}

describe('the cgroup registry', () => {
  it('takes an id that comes again after a death for another cgroup', () => {
    const registry = new CgroupRegistry();
    registry.birth('7', `/docker/${ID}`, 1);
    registry.described({ ...DESCRIBED, id: ID, name: 'first' });
    registry.death('7', `/docker/${ID}`, 5);
    expect(attribute(registry, 10, '7')).toEqual(['+first-']);
    registry.birth('7', `/docker/${ID2}`, 12);
    registry.described({ ...DESCRIBED, id: ID2, name: 'second' });
    expect(attribute(registry, 20, '7')).toEqual(['+second']);
    expect(registry.nameOf('7')).toBe('second');
  });

  it('lists both cgroups of a container that restarted inside one interval', () => {
    const registry = new CgroupRegistry();
    registry.described({ ...DESCRIBED, id: ID, name: 'web' });
    registry.birth('7', `/docker/${ID}`, 1);
    expect(attribute(registry, 10)).toEqual(['+web']);
    registry.death('7', `/docker/${ID}`, 11);
    registry.birth('8', `/docker/${ID}`, 12);
    expect(attribute(registry, 20, '7', '8')).toEqual(['+web', 'web-']);
    expect(attribute(registry, 30)).toEqual(['web']);
  });

  it('gives names by container id for containers of this host only', () => {
    const registry = new CgroupRegistry();
    registry.birth('7', `/docker/${ID}`, 1);
    for (const [id, name] of [
      [ID, 'here'],
      [ID2, 'elsewhere'],
    ] as const)
      registry.described({ ...DESCRIBED, id, name });
    const nameOf = registry.namesOfContainers();
    expect([nameOf(ID), nameOf(ID2)]).toEqual(['here', null]);
    registry.described({ ...DESCRIBED, id: ID, name: 'renamed' });
    expect(registry.namesOfContainers()(ID)).toBe('renamed');
  });

  it('names containers of other runtimes and services by their paths', () => {
    const registry = new CgroupRegistry();
    const paths = [
      `/machine.slice/libpod-${ID}.scope/container`,
      `/kubepods.slice/kubepods-pod1.slice/cri-containerd-${ID2}.scope`,
      '/system.slice/ssh.service',
    ];
    for (const [n, path] of paths.entries()) registry.birth(`${n}`, path, 1);
    expect(attribute(registry, 10, '0', '1', '2')).toEqual([
      '+/system.slice/ssh.service',
      '+containerd:cdcdcdcdcdcd',
      'podman:abababababab',
    ]);
  });
});

it('an unknown cgroup does not cause another scan; a start and lost events do', async () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder.path, 'web'));
  const fed: Input['kind'][] = [];
  const identifier = new Identifier({
    docker: 'off',
    mount: folder.path,
    clock: systemClock,
    log: silentLog,
    boot: () => 0,
    feed: input => fed.push(input.kind),
    undescribed: () => [],
    unresolved: () => [],
    networkOfProcess: async () => null,
  });
  const flip: Event = { kind: 'flip', ns: 1, set: 'a' };
  const end: Event = { kind: 'end', ns: 1 };
  for (let frame = 0; frame < 3; frame++) {
    for (const event of [flip, end]) identifier.follow(event);
    await identifier.settle();
  }
  expect(fed).toEqual([]);
  identifier.follow({ kind: 'lost', events: 1 });
  await identifier.settle();
  expect(fed).toEqual(['scanned']);
  await identifier.stop();
  folder.remove();
});
