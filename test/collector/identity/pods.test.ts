import { randomBytes } from 'node:crypto';
import { symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Identifier } from '../../../collector/identity/identifier.ts';
import { ownerOf, podOf, podsAmong } from '../../../collector/identity/pods.ts';
import { systemClock } from '../../../core/clock.ts';
import { captureFrames, type TestCapture, trafficOf } from '../../parts/kernel/capture.ts';
import { makeCgroup, type TestCgroup } from '../../parts/kernel/cgroup.ts';
import { recordingLog } from '../../parts/log.ts';
import { describeWith } from '../../parts/need.ts';
import { temporaryFolder, until } from '../../parts/process.ts';

const newId = () => randomBytes(32).toString('hex');
const ID = '0123456789ab'.repeat(5).concat('cdef');

describe('the owner of a pod is told by its name', () => {
  it.each([
    ['a Deployment', 'web-5d59d67564-kx2lp', 'web', ''],
    ['a Deployment with a name in parts', 'shop-web-v2-7c4f8d9b6c-9qzvt', 'shop-web-v2', ''],
    ['a DaemonSet', 'node-exporter-8xk2p', 'node-exporter', ''],
    ['a CronJob', 'backup-29341560-d4bqz', 'backup', ''],
    ['a Job', 'migrate-tx7nw', 'migrate', ''],
    ['a StatefulSet', 'db-0', 'db', '0'],
    ['a StatefulSet with many', 'db-12', 'db', '12'],
    ['nobody', 'debug', 'debug', ''],
    ['nobody, though it ends in a word', 'web-front', 'web-front', ''],
    ['nobody, though it ends in a version', 'db-007', 'db-007', ''],
    ['nobody, as nothing is left', '-kx2lp', '-kx2lp', ''],
  ])('%s: %s', (_, pod, owner, ordinal) => expect(ownerOf(pod)).toEqual({ owner, ordinal }));

  it('whatever hash and random end the cluster makes', () => {
    const of = (alphabet: string, minLength: number, maxLength: number) =>
      fc.array(fc.constantFrom(...alphabet), { minLength, maxLength }).map(all => all.join(''));
    fc.assert(
      fc.property(of('456789bcdf', 8, 10), of('bcdfghjklmnpqrstvwxz2456789', 5, 5), (hash, end) => {
        expect(ownerOf(`web-${hash}-${end}`).owner).toBe('web');
      }),
    );
  });
});

describe('a container of a pod is told by the name of its log', () => {
  it('with namespace, pod and container, and its service without what is new with each release', () => {
    expect(podOf(`web-5d59d67564-kx2lp_shop_app-${ID}.log`)).toEqual({
      id: ID,
      name: 'shop/web-5d59d67564-kx2lp/app',
      image: '',
      project: 'shop',
      service: 'web/app',
      number: '',
    });
    expect(podOf(`db.prod-1_shop_my-db-${ID}.log`)).toMatchObject({
      name: 'shop/db.prod-1/my-db',
      service: 'db.prod/my-db',
      number: '1',
    });
  });

  it.each([
    ['no log', `web_shop_app-${ID}`],
    ['a short id', `web_shop_app-${ID.slice(1)}.log`],
    ['no namespace', `web_app-${ID}.log`],
    ['an underscore more', `web_a_shop_app-${ID}.log`],
    ['markup', `<script>_shop_app-${ID}.log`],
    ['a line end', `web\n_shop_app-${ID}.log`],
    ['capitals', `Web_shop_app-${ID}.log`],
    ['a way out of the folder', `..%2f.._shop_app-${ID}.log`],
    ['right-to-left letters', `ש_shop_app-${ID}.log`],
    ['300 characters', `${'w'.repeat(300)}_shop_app-${ID}.log`],
  ])('not where it has %s', (_, name) => expect(podOf(name)).toBeNull());

  it('never as more than letters of DNS, whatever the name', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string(), fc.string(), (pod, namespace, container) => {
        const found = podOf(`${pod}_${namespace}_${container}-${ID}.log`);
        if (found !== null) expect(found.name).toMatch(/^[a-z0-9./-]+$/);
      }),
    );
  });
});

describe('names of pods in a folder', () => {
  let folder = temporaryFolder();
  beforeEach(() => {
    folder = temporaryFolder();
  });
  afterEach(() => folder.remove());

  it('are those of the containers asked for; links may lead nowhere', async () => {
    for (const [pod, id] of [
      ['a', ID],
      ['b', newId()],
    ] as const)
      symlinkSync('/var/log/pods/nowhere/0.log', join(folder.path, `${pod}_shop_app-${id}.log`));
    writeFileSync(join(folder.path, 'README'), '');
    expect((await podsAmong(folder.path, new Set([ID]))).map(({ name }) => name)).toEqual(['shop/a/app']);
  });

  it('are none where there is no folder', async () => {
    expect(await podsAmong(join(folder.path, 'none'), new Set([ID]))).toEqual([]);
  });

  it('that cannot be read are told of once', async () => {
    const { log, lines } = recordingLog();
    const loop = join(folder.path, 'loop');
    symlinkSync(loop, loop);
    const identifier = new Identifier({
      ...{ docker: 'off', pods: loop, mount: null, clock: systemClock, log, feed: () => undefined },
      ...{ undescribed: () => [ID], unresolved: () => [], networkOfProcess: async () => null },
      boot: (
        ms => () =>
          (ms += 1000)
      )(0),
    });
    await identifier.settle();
    await identifier.settle();
    await identifier.stop();
    expect(lines.map(({ level, message }) => [level, message])).toEqual([
      ['warn', expect.stringMatching(/^names of pods cannot be read: /)],
    ]);
  });
});

const SEND = `use Socket; socket(my $s, PF_INET, SOCK_DGRAM, 0) or die;
  send($s, "x", 0, sockaddr_in(9, INADDR_LOOPBACK)) or die;`;

describeWith(['ebpf'], 'containers of pods', () => {
  const folder = temporaryFolder();
  const cgroups: TestCgroup[] = [];
  let running: TestCapture;
  beforeAll(async () => {
    running = await captureFrames({ pods: folder.path });
  });
  afterAll(async () => {
    await running?.capture.stop();
    for (const one of cgroups) await one.remove();
    folder.remove();
  });

  it.each([
    [
      'containerd under systemd',
      'web-5d59d67564-kx2lp',
      (id: string) => `kubepods-burstable-pod0a1b_2c.slice/cri-containerd-${id}.scope`,
    ],
    ['CRI-O', 'web-5d59d67564-9qzvt', (id: string) => `kubepods-pod0a1b_2c.slice/crio-${id}.scope`],
    ['containerd without systemd', 'web-7c4f8d9b6c-d4bqz', (id: string) => `burstable/pod0a1b-2c/${id}`],
  ])('have their names in frames, and their service: %s', async (_, pod, pathOf) => {
    const id = newId();
    const cgroup = await makeCgroup(`kubepods-test-${process.pid}.slice/${pathOf(id)}`);
    cgroups.push(cgroup);
    // As the kubelet does: a moment after the container has begun.
    symlinkSync('/nowhere', join(folder.path, `${pod}_shop_app-${id}.log`));
    const name = `shop/${pod}/app`;
    const { frames } = running;
    const named = () => frames.flatMap(frame => frame.containers).find(one => one.name === name);
    await until('its name', named);
    await cgroup.perl(SEND);
    await until('its traffic', () => trafficOf(frames, name, 'send').messages === 1);
    expect(named()).toMatchObject({ id, kind: 'container', service: 'shop/web/app', image: '' });
  });
});
