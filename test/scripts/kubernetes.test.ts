import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { parse, parseAllDocuments } from 'yaml';
import { SCHEMA } from '../../app/wire.ts';
import { COMMANDS } from '../../cli/commands/index.ts';
import { loadConfig } from '../../cli/config/load.ts';
import { POD_LOGS } from '../../collector/identity/pods.ts';

const ROOT = join(import.meta.dirname, '../..');
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

interface Variable {
  readonly name: string;
  readonly value?: string;
}
interface Container {
  readonly name: string;
  readonly image: string;
  readonly args?: readonly string[];
  readonly env?: readonly Variable[];
  readonly envFrom?: readonly { configMapRef: { name: string } }[];
  readonly ports: readonly { name: string; containerPort: number }[];
  readonly securityContext: Readonly<Record<string, unknown>> & {
    readonly capabilities: { readonly drop: readonly string[]; readonly add?: readonly string[] };
  };
  readonly volumeMounts?: readonly { name: string; mountPath: string; readOnly?: boolean }[];
  readonly livenessProbe: { readonly httpGet: { readonly port: string } };
  readonly readinessProbe: { readonly httpGet: { readonly port: string } };
}
interface Pod {
  readonly automountServiceAccountToken: boolean;
  readonly hostPID?: boolean;
  readonly terminationGracePeriodSeconds?: number;
  readonly securityContext?: Readonly<Record<string, unknown>>;
  readonly initContainers?: readonly Container[];
  readonly containers: readonly [Container];
  readonly volumes?: readonly {
    readonly name: string;
    readonly hostPath?: { readonly path: string };
    readonly projected?: { readonly sources: readonly { readonly secret: { readonly name: string } }[] };
  }[];
}
interface Part {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly data?: Readonly<Record<string, string>>;
  readonly spec?: {
    readonly selector: { readonly matchLabels?: Readonly<Record<string, string>> };
    readonly template: { readonly metadata: { readonly labels: unknown }; readonly spec: Pod };
    readonly ports?: readonly { port: number; targetPort: string }[];
  };
}
interface Service {
  readonly image: string;
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly volumes: readonly string[];
  readonly cap_drop: readonly string[];
  readonly cap_add: readonly string[];
  readonly security_opt: readonly string[];
  readonly pid: string;
  readonly stop_grace_period: string;
}

const documents = parseAllDocuments(read('examples/kubernetes/tidegauge.yaml'));
const parts = documents.map(document => document.toJS() as Part);
const { services } = parse(read('compose.yaml'), { merge: true }) as {
  services: Readonly<Record<string, Service>>;
};

const part = (kind: string, name: string): Part => {
  const found = parts.find(one => one.kind === kind && one.metadata.name === name);
  if (!found) throw new Error(`no ${kind} ${name}`);
  return found;
};
const workloads = parts.flatMap(({ metadata, spec }) =>
  spec?.template ? [{ name: metadata.name, spec }] : [],
);
const podOf = (kind: string, name: string): Pod => {
  const { spec } = part(kind, name);
  if (!spec) throw new Error(`${kind} ${name} has no spec`);
  return spec.template.spec;
};
const service = (name: string): Service => {
  const found = services[name];
  if (!found) throw new Error(`no service ${name}`);
  return found;
};
const collect = podOf('DaemonSet', 'tidegauge-collect');
const detect = podOf('Deployment', 'tidegauge-detect');
const pods = workloads.map(({ spec }) => spec.template.spec);

/** Keys of the Secrets, as the head of the file makes them. */
const KEYS: Readonly<Record<string, readonly string[]>> = {
  tidegauge: ['influx-token', 'redis-password'],
  'tidegauge-receivers': ['receiver'],
  'tidegauge-page': ['page-token'],
};
const MOUNTED = '/run/secrets/';

/** What comes from the cluster. */
function environmentOf({ env = [], envFrom = [] }: Container): Record<string, string> {
  const shared = envFrom.map(({ configMapRef }) => part('ConfigMap', configMapRef.name).data);
  return Object.assign({}, ...shared, ...env.map(({ name, value = 'node-1' }) => ({ [name]: value })));
}

/** The same with secrets that are there, those for trying. */
const readableEnvironmentOf = (container: Container): Record<string, string> =>
  Object.fromEntries(
    Object.entries(environmentOf(container)).map(([name, value]) => [
      name,
      value.replaceAll(MOUNTED, join(ROOT, 'examples/secrets/')),
    ]),
  );

describe('examples/kubernetes', () => {
  it('is YAML without mistakes, and asks the cluster for nothing', () => {
    expect(documents.flatMap(({ errors, warnings }) => [...errors, ...warnings])).toEqual([]);
    expect(parts.map(({ kind }) => kind).sort()).toEqual(
      ['ConfigMap', 'DaemonSet', 'Deployment', 'Deployment', 'Service'].sort(),
    );
    for (const pod of pods) expect(pod.automountServiceAccountToken).toBe(false);
  });

  it('gives every process a valid configuration over shared parts, with secrets', () => {
    const machine = { hostname: 'pod', data: '/nowhere' };
    for (const { containers } of pods) {
      const env = readableEnvironmentOf(containers[0]);
      const { config, warnings } = loadConfig(SCHEMA, { file: null, env, machine });
      expect(warnings).toEqual([]);
      expect([config.store.kind, config.queue.kind, config.state.kind]).toEqual([
        'influx',
        'bullmq',
        'redis',
      ]);
      const [port] = containers[0].ports;
      expect(config.http.listen).toEqual({ host: '0.0.0.0', port: port?.containerPort });
    }
  });

  it('gives secrets as files, to those alone who read them, from Secrets that the head of the file makes', () => {
    const head = read('examples/kubernetes/tidegauge.yaml').split('\n\n')[0] ?? '';
    for (const [name, keys] of Object.entries(KEYS)) {
      const [, made = ''] = head.split(`create secret generic ${name} `);
      for (const key of keys) expect(made.split('kubectl')[0]).toContain(`--from-literal=${key}=`);
    }
    for (const { containers, initContainers = [], volumes = [] } of pods) {
      const sources = volumes.flatMap(({ projected }) => projected?.sources ?? []);
      const given = sources.flatMap(({ secret }) => KEYS[secret.name] ?? []);
      const readers = [...containers, ...initContainers].filter(({ envFrom }) => envFrom !== undefined);
      for (const reader of readers)
        expect(reader.volumeMounts).toContainEqual({
          name: 'secrets',
          mountPath: '/run/secrets',
          readOnly: true,
        });
      const named = [...JSON.stringify(readers.map(environmentOf)).matchAll(/\/run\/secrets\/([\w-]+)/g)];
      const read = new Set(named.map(([, key]) => key));
      // Nobody is told until somebody is named: the comment beside says how.
      expect([...read].sort()).toEqual(given.filter(key => key !== 'receiver').sort());
    }
  });

  it('starts commands that exist, of the image of compose.yaml', () => {
    const commands = COMMANDS.map(({ name }) => name);
    for (const { containers, initContainers = [] } of pods) {
      expect(commands).toContain(containers[0].args?.[0]);
      for (const { image } of [...containers, ...initContainers])
        expect(image).toBe(service('collector').image);
    }
  });

  it.each([
    ['collector', collect.containers[0]],
    ['detector', detect.containers[0]],
    ['tiers', detect.initContainers?.[0]],
  ])('does as the %s of compose.yaml, with the settings of both', (name, container) => {
    const { command, environment } = service(name);
    expect(container?.args).toEqual(command);
    // Docker's names need Docker; probes come from outside of the pod.
    const own = [
      'TIDEGAUGE_COLLECTOR_GROUPS',
      'TIDEGAUGE_CAPTURE_DOCKER',
      'TIDEGAUGE_HTTP_LISTEN',
      'TIDEGAUGE_RECEIVERS',
    ];
    const shared = (names: object) =>
      Object.keys(names)
        .filter(key => !own.includes(key))
        .sort();
    const here = environmentOf(container as Container);
    expect(shared(here)).toEqual(shared(environment));
    for (const key of shared(environment).filter(one => !/TOKEN|PASSWORD|HOST/.test(one)))
      expect([key, here[key]]).toEqual([key, environment[key]?.replace(/^\$\{\w+:-(.*)\}$/, '$1')]);
  });

  it('gives the collector the rights that compose.yaml gives, and no others', () => {
    const { cap_add, cap_drop, security_opt, pid, stop_grace_period } = service('collector');
    const { securityContext } = collect.containers[0];
    expect(securityContext).toEqual({
      runAsUser: 0,
      allowPrivilegeEscalation: !security_opt.includes('no-new-privileges=true'),
      appArmorProfile: {
        type: security_opt.includes('apparmor=unconfined') ? 'Unconfined' : 'RuntimeDefault',
      },
      seccompProfile: { type: 'RuntimeDefault' },
      capabilities: { drop: cap_drop, add: cap_add },
    });
    expect(collect.hostPID).toBe(pid === 'host');
    for (const pod of [collect, detect])
      expect(`${pod.terminationGracePeriodSeconds}s`).toBe(stop_grace_period);
    const [data] = collect.initContainers ?? [];
    expect(data?.securityContext.capabilities).toEqual({ drop: ['ALL'], add: ['CHOWN'] });
    expect(data?.volumeMounts?.map(({ name }) => name)).toEqual(['data']);
  });

  it('mounts of the node what compose.yaml mounts of the host, but names of pods for the socket of Docker', () => {
    const ofNode = (collect.volumes ?? []).filter(({ hostPath }) => hostPath !== undefined);
    const paths = new Map(ofNode.map(({ name, hostPath }) => [name, hostPath?.path]));
    const mounts = collect.containers[0].volumeMounts?.filter(({ name }) => paths.has(name));
    const mounted = mounts?.map(({ name, mountPath, readOnly }) => {
      const source = name === 'data' ? 'collector' : paths.get(name);
      return [source, mountPath, ...(readOnly ? ['ro'] : [])].join(':');
    });
    const volumes = service('collector').volumes.map(volume =>
      volume.startsWith('/var/run/docker.sock:') ? `${POD_LOGS}:${POD_LOGS}:ro` : volume,
    );
    expect(mounted?.sort()).toEqual([...volumes].sort());
    expect(paths.size).toBe(volumes.length);
  });

  it('gives nobody else any right', () => {
    for (const pod of pods.filter(one => one !== collect)) {
      expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: 1000 });
      expect([pod.hostPID, pod.volumes?.map(({ name }) => name)]).toEqual([undefined, ['secrets']]);
      for (const { securityContext } of [...pod.containers, ...(pod.initContainers ?? [])])
        expect(securityContext).toEqual({ allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } });
    }
  });

  it('finds its own pods and ports', () => {
    for (const { spec } of workloads) {
      expect(spec.selector.matchLabels).toEqual(spec.template.metadata.labels);
      const [{ ports, livenessProbe, readinessProbe }] = spec.template.spec.containers;
      for (const { httpGet } of [livenessProbe, readinessProbe]) expect(httpGet.port).toBe(ports[0]?.name);
    }
    const { spec } = part('Service', 'tidegauge');
    expect(spec?.selector).toEqual(part('Deployment', 'tidegauge-serve').spec?.template.metadata.labels);
    const [port] = podOf('Deployment', 'tidegauge-serve').containers[0].ports;
    expect(spec?.ports).toEqual([{ name: port?.name, port: port?.containerPort, targetPort: port?.name }]);
  });
});
