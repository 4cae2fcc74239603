import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  compareCgroups,
  containerOf,
  containerRefOf,
  withoutTag,
} from '../../../collector/identity/naming.ts';

const ID = '0123456789ab'.repeat(5).concat('cdef');
const NAMELESS = { id: ID, name: '', image: '', project: '', service: '', number: '' };

describe('a cgroup is recognised by its path', () => {
  it.each([
    [`/docker/${ID}`, 'docker', false],
    [`/docker/${ID}/init.scope`, 'docker', true],
    [`/system.slice/docker-${ID}.scope`, 'docker', false],
    [`/user.slice/user-1000.slice/user@1000.service/user.slice/docker-${ID}.scope`, 'docker', false],
    [`/machine.slice/libpod-${ID}.scope`, 'podman', false],
    [`/machine.slice/libpod-${ID}.scope/container`, 'podman', true],
    [`/libpod_parent/libpod-${ID}`, 'podman', false],
    [`/kubepods.slice/kubepods-pod1.slice/cri-containerd-${ID}.scope`, 'containerd', false],
    [`/kubepods.slice/kubepods-pod1.slice/crio-${ID}.scope`, 'crio', false],
    [`/kubepods/burstable/pod0a1b-2c/${ID}`, 'kubernetes', false],
    [`/my-parent/${ID}`, 'container', false],
  ])('%s', (path, runtime, nested) => {
    expect(containerRefOf(path)).toEqual({ runtime, id: ID, nested });
  });

  it.each([
    '/',
    '/system.slice/ssh.service',
    '/docker',
    `/docker/${ID}0`,
    `/libpod-conmon-${ID}.scope`,
    `/x-${ID}`,
  ])('%s is no container', path => expect(containerRefOf(path)).toBeNull());

  it('the outermost container counts', () => {
    const inner = 'f'.repeat(64);
    expect(containerRefOf(`/docker/${ID}/docker/${inner}`)).toEqual({
      runtime: 'docker',
      id: ID,
      nested: true,
    });
  });
});

describe('a container is named', () => {
  const place = containerRefOf(`/docker/${ID}`);
  const nameOf = (name: string) => containerOf('', place, { ...NAMELESS, name }).name;

  it('as Docker names it, or by its id', () => {
    expect(nameOf('web')).toBe('web');
    expect(nameOf('a "b",c=\\\n\u{1F30A}')).toBe('a "b",c=\\\n\u{1F30A}');
    expect(containerOf('', place, undefined)).toEqual({
      name: 'docker:0123456789ab',
      kind: 'container',
      service: 'docker:0123456789ab',
      replica: 'docker:0123456789ab',
      image: '',
      id: ID,
    });
  });

  it.each(['', 'other', '/system.slice', 'podman:0123456789ab'])('by its id where it is called %j', name => {
    expect(nameOf(name)).toBe('docker:0123456789ab');
  });

  it('with its service: compose, else image, else name', () => {
    const of = (description: Partial<typeof NAMELESS>) => {
      const { service, replica } = containerOf('', place, { ...NAMELESS, name: 'n', ...description });
      return [service, replica];
    };
    expect(of({ project: 'p', service: 's', number: '3', image: 'i:1' })).toEqual(['p/s', '3']);
    expect(of({ service: 's' })).toEqual(['s', 'n']);
    expect(of({ image: 'r:5000/i:1', number: '3' })).toEqual(['r:5000/i', 'n']);
    expect(of({})).toEqual(['n', 'n']);
  });

  it('by its path where it is none', () => {
    const path = '/system.slice/ssh.service';
    expect(containerOf(path, null, undefined)).toEqual({
      name: path,
      kind: 'cgroup',
      service: path,
      replica: path,
      image: '',
      id: '',
    });
  });
});

it.each([
  ['web', 'web'],
  ['web:1.2', 'web'],
  ['registry:5000/team/web', 'registry:5000/team/web'],
  ['registry:5000/team/web:1.2', 'registry:5000/team/web'],
  [`web:1@sha256:${ID}`, 'web'],
  [`sha256:${ID}`, ''],
])('image %s without tag is %j', (image, expected) => expect(withoutTag(image)).toBe(expected));

it('cgroups are ordered by number, beyond what a double holds', () => {
  const id = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
  fc.assert(
    fc.property(id, id, (a, b) => {
      expect(Math.sign(compareCgroups(String(a), String(b)))).toBe(a < b ? -1 : a > b ? 1 : 0);
    }),
  );
});
