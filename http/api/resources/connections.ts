import { z } from 'zod';
import { isoTime } from '../../../core/clock.ts';
import { globMatcher } from '../../../core/config/options.ts';
import type { Interval } from '../../../core/interval.ts';
import {
  CONNECTION_KINDS,
  type ConnectionKind,
  type ConnectionRow,
} from '../../../core/traffic/connection.ts';
import type { FrameStore } from '../../../store/contract.ts';
import { globs, operation, pageQuery, rangeOf, rangeQuery, text } from '../operation.ts';
import { streamPage } from '../stream-page.ts';

const address = z.string().nullable().describe('Null where it is not known.');
const port = z.int().nullable();
const connectionSchema = z.strictObject({
  time: z.iso.datetime().describe('When it happened, or when the interval began in which it did.'),
  host: z.string(),
  service: z.string().nullable().describe('Null where it is not known.'),
  container: z.string(),
  kind: z.enum(CONNECTION_KINDS),
  count: z.int().positive(),
  source: address,
  source_port: port.describe('The client’s; of one of them where there are several.'),
  destination: address,
  destination_port: port,
});

/** Null where it is not known. */
interface End {
  readonly address: string | null;
  readonly port: number | null;
}

/** Connections between the same ends: the client opened them, or failed to. */
export interface ShownConnection {
  /** When, or when the interval began; epoch ms. */
  readonly start: number;
  readonly host: string;
  /** Null where it is not known. */
  readonly service: string | null;
  readonly container: string;
  readonly kind: ConnectionKind;
  readonly count: number;
  /** Its port is that of one of them. */
  readonly client: End;
  readonly server: End;
}

/** A row of a frame; `start`: of its interval, epoch ms. */
export function shownConnection(
  host: string,
  start: number,
  service: string | null,
  row: ConnectionRow,
): ShownConnection {
  const { container, kind, own, peer, port, clientPort, count } = row;
  const [client, server] = kind === 'accepted' ? [peer, own] : [own, peer];
  const ends = { client: endOf(client, clientPort), server: endOf(server, port) };
  return { start, host, service, container, kind, count, ...ends };
}

const endOf = (address: string, port: number): End => ({
  address: address === '' || address === '?' ? null : address,
  port: port === 0 ? null : port,
});

/** For other programs, live and stored; its time is ISO 8601, UTC. */
export const connectionJson = ({
  start,
  client,
  server,
  ...rest
}: ShownConnection): z.output<typeof connectionSchema> => ({
  ...{ time: isoTime(start), host: rest.host, service: rest.service, container: rest.container },
  ...{ kind: rest.kind, count: rest.count },
  ...{ source: client.address, source_port: client.port },
  ...{ destination: server.address, destination_port: server.port },
});

/** A connection as `connectionJson` wrote it. Throws a ZodError when it is none. */
export function connectionFromJson(json: unknown): ShownConnection {
  const { time, source, source_port, destination, destination_port, ...rest } = connectionSchema.parse(json);
  return {
    ...rest,
    start: Date.parse(time),
    client: { address: source, port: source_port },
    server: { address: destination, port: destination_port },
  };
}

/** Stored connections of a host in a range, ascending by time. */
export async function* storedConnections(
  store: Pick<FrameStore, 'readFrames'>,
  host: string,
  range: Interval,
): AsyncIterable<ShownConnection> {
  for await (const { start, containers, connections } of store.readFrames(host, range)) {
    const services = new Map(containers.map(({ name, service }) => [name, service]));
    for (const row of connections) yield shownConnection(host, start, services.get(row.container) ?? '', row);
  }
}

export const connectionOperations = [
  operation({
    id: 'listConnections',
    method: 'GET',
    path: '/connections',
    summary: 'TCP connections that were opened, accepted or refused on a host, by their ends.',
    query: z.strictObject({
      ...rangeQuery('1h'),
      host: z.exactOptional(text('The host; without it, the one that answers.')),
      kind: z.exactOptional(z.enum(CONNECTION_KINDS)),
      ...globs,
      ...pageQuery(),
    }),
    answer: z.array(connectionSchema),
    async run({ store, host, now }, { query }) {
      const { container = '*', service = '*', kind } = query;
      const [isContainer, isService] = [globMatcher(container), globMatcher(service)];
      const isWanted = (shown: ShownConnection) =>
        isContainer(shown.container) &&
        isService(shown.service ?? '') &&
        (kind === undefined || shown.kind === kind);
      const rows = (range: Interval) => storedConnections(store, query.host ?? host, range);
      const { page, next } = await streamPage(rows, isWanted, rangeOf(query, now), query);
      return { value: page.map(connectionJson), next };
    },
  }),
];
