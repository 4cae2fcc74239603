import { z } from 'zod';
import { PROTOCOLS } from '../../core/traffic/flow.ts';
import type { Endpoints, PublishedPort } from '../contract.ts';
import { readAddress } from '../decode/flow-key.ts';

/** Where Docker says that a container is reached. Its answers are untrusted: what is not understood is left out. */

/** Networks and published ports of one container that are taken in, far above what people have. */
const MOST = 256;

/** `NetworkSettings` of a list and of an inspection; a container that does not run has no addresses. */
export const settingsSchema = z
  .object({
    Networks: z
      .record(
        z.string(),
        z.object({
          NetworkID: z.string().default(''),
          IPAddress: z.string().default(''),
          GlobalIPv6Address: z.string().default(''),
        }),
      )
      .nullish(),
    /** Of an inspection: `80/tcp` -> where. */
    Ports: z
      .record(z.string(), z.array(z.object({ HostIp: z.string(), HostPort: z.string() })).nullable())
      .nullish(),
  })
  .nullish()
  .catch(null);

/** `Ports` of a list. */
export const portsSchema = z
  .array(
    z.object({
      IP: z.string().default(''),
      PrivatePort: z.number(),
      PublicPort: z.number().optional(),
      Type: z.string(),
    }),
  )
  .nullish()
  .catch(null);

type Settings = z.output<typeof settingsSchema>;

/** The endpoints of a container in a list. */
export function endpointsOfListed(
  id: string,
  settings: Settings,
  ports: z.output<typeof portsSchema>,
): Endpoints {
  const published = (ports ?? []).flatMap(({ IP, PrivatePort, PublicPort, Type }) =>
    publishedPort(Type, IP, PublicPort, PrivatePort),
  );
  return { id, networks: networksOf(settings), published: published.slice(0, MOST) };
}

/** The endpoints of a container that was inspected. */
export function endpointsOfInspected(id: string, settings: Settings): Endpoints {
  const published = Object.entries(settings?.Ports ?? {}).flatMap(([target, bindings]) => {
    const [port, protocol = ''] = target.split('/');
    return (bindings ?? []).flatMap(({ HostIp, HostPort }) =>
      publishedPort(protocol, HostIp, Number(HostPort), Number(port)),
    );
  });
  return { id, networks: networksOf(settings), published: published.slice(0, MOST) };
}

function networksOf(settings: Settings): Endpoints['networks'] {
  const networks = Object.values(settings?.Networks ?? {}).map(network => ({
    network: network.NetworkID,
    addresses: [network.IPAddress, network.GlobalIPv6Address].flatMap(text => readAddress(text) ?? []),
  }));
  return networks.filter(({ addresses }) => addresses.length > 0).slice(0, MOST);
}

function publishedPort(
  type: string,
  hostAddress: string,
  port: number | undefined,
  target: number,
): PublishedPort[] {
  const protocol = PROTOCOLS.find(name => name === type);
  if (!protocol || !isPort(port) || !isPort(target)) return [];
  // 0.0.0.0 and :: are no addresses of anybody: all of the host's.
  return [{ protocol, address: readAddress(hostAddress), port, target }];
}

const isPort = (n: number | undefined): n is number =>
  Number.isInteger(n) && Number(n) > 0 && Number(n) < 65_536;
