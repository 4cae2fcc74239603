import { readdir } from 'node:fs/promises';
import type { Description } from '../contract.ts';
import { unlessGone } from './cgroups.ts';

/** Where the kubelet keeps a link to the log of each container, which is called after it. */
export const POD_LOGS = '/var/log/containers';

/**
 * `POD_NAMESPACE_CONTAINER-ID.log` (`LogFileName` of the kubelet). All three are names of DNS, so none has an underscore.
 */
const LOG =
  /^(?<pod>[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?)_(?<namespace>[a-z0-9-]{1,63})_(?<container>[a-z0-9-]{1,63})-(?<id>[0-9a-f]{64})\.log$/;

/**
 * What a pod's name ends with, the most specific first (apimachinery, `rand.SafeEncodeString` and `SimpleNameGenerator`): of a
 * Deployment the hash of its template, which is a number in other digits, and five random characters; of a CronJob the
 * minute; of a StatefulSet the ordinal.
 */
const RANDOM = '[bcdfghjklmnpqrstvwxz2456789]{5}';
const SUFFIXES = [
  new RegExp(`^(?<owner>.+)-[4-9bcdf]{8,10}-${RANDOM}$`),
  new RegExp(`^(?<owner>.+)-[0-9]{8}-${RANDOM}$`),
  new RegExp(`^(?<owner>.+)-${RANDOM}$`),
  /^(?<owner>.+)-(?<ordinal>0|[1-9][0-9]{0,8})$/,
];

/**
 * What a pod belongs to, by its name alone: its Deployment, DaemonSet, Job, CronJob or StatefulSet; a pod of its own is its
 * own. `ordinal`: its number in a StatefulSet, else ''.
 */
export function ownerOf(pod: string): { readonly owner: string; readonly ordinal: string } {
  for (const suffix of SUFFIXES) {
    const { owner, ordinal = '' } = suffix.exec(pod)?.groups ?? {};
    if (owner !== undefined) return { owner, ordinal };
  }
  return { owner: pod, ordinal: '' };
}

/** A container of a pod by the name of its log; null when it is no such name. */
export function podOf(log: string): Description | null {
  const { pod, namespace, container, id } = LOG.exec(log)?.groups ?? {};
  if (!pod || !namespace || !container || !id) return null;
  const { owner, ordinal } = ownerOf(pod);
  return {
    id,
    name: `${namespace}/${pod}/${container}`,
    image: '',
    project: namespace,
    service: `${owner}/${container}`,
    number: ordinal,
  };
}

/**
 * Those of the containers that are a pod's. Names of files are all that is read; logs are never opened. Rejects when the
 * folder may not be read; one that is not there has nobody.
 * @param folder with logs of containers, as the kubelet names them
 * @param ids of containers, 64 hex digits
 */
export async function podsAmong(folder: string, ids: ReadonlySet<string>): Promise<Description[]> {
  const names = (await unlessGone(() => readdir(folder))) ?? [];
  return names.flatMap(name => {
    const pod = podOf(name);
    return pod !== null && ids.has(pod.id) ? [pod] : [];
  });
}
