import { z } from 'zod';
import { PEER_KINDS, PROTOCOLS } from '../../../core/traffic/flow.ts';
import {
  edgesInOrder,
  type MapEdge,
  type ServiceMap,
  serviceMap,
} from '../../../core/traffic/service-map.ts';
import { operation, pageOf, pageQuery, rangeOf, rangeQuery, text } from '../operation.ts';
import { drawingJson, drawingSchema } from './map-drawing.ts';

const count = z.int().nonnegative();
const nodeSchema = z.strictObject({
  id: z.string().describe('Unique in the map.'),
  kind: z.enum(PEER_KINDS),
  name: z.string(),
  service: z.string(),
});
const edgeSchema = z.strictObject({
  from: z.string().describe('The client: the id of a node.'),
  to: z.string().describe('The server.'),
  protocol: z.enum(PROTOCOLS),
  port: z.int().describe('The server’s; 0: several.'),
  sent_messages: count,
  sent_bytes: count.describe('As the client sees them.'),
  received_messages: count,
  received_bytes: count,
  connections: count,
  failures: count.describe('Connections that could not be opened.'),
});
const mapSchema = z.strictObject({
  nodes: z.array(nodeSchema),
  edges: z.array(edgeSchema),
  drawing: z.exactOptional(drawingSchema).describe('The same as a drawing, where one was asked for.'),
});

/** An edge for other programs: counts as the client sees them. */
const edgeJson = ({ from, to, protocol, port, ...exchange }: MapEdge): z.output<typeof edgeSchema> => ({
  ...{ from, to, protocol, port },
  ...{ sent_messages: exchange.sentMessages, sent_bytes: exchange.sentBytes },
  ...{ received_messages: exchange.receivedMessages, received_bytes: exchange.receivedBytes },
  ...{ connections: exchange.connections, failures: exchange.failures },
});

/** A map for other programs; failing edges come first. */
export const mapJson = ({ nodes, edges }: ServiceMap): z.output<typeof mapSchema> => ({
  nodes: [...nodes],
  edges: edgesInOrder(edges).map(edgeJson),
});

/** A map as `mapJson` wrote it. Throws a ZodError when it is none. */
export function mapFromJson(json: unknown): ServiceMap {
  const { nodes, edges } = mapSchema.parse(json);
  return {
    nodes,
    edges: edges.map(({ from, to, protocol, port, connections, failures, ...exchange }) => ({
      ...{ from, to, protocol, port, connections, failures },
      ...{ sentMessages: exchange.sent_messages, sentBytes: exchange.sent_bytes },
      ...{ receivedMessages: exchange.received_messages, receivedBytes: exchange.received_bytes },
    })),
  };
}

const edgeId = ({ from, to, protocol, port }: MapEdge): string => JSON.stringify([from, to, protocol, port]);

/** A map with only these edges, and the nodes at their ends. */
function withEdges({ nodes }: ServiceMap, edges: readonly MapEdge[]): ServiceMap {
  const ends = new Set(edges.flatMap(({ from, to }) => [from, to]));
  return { nodes: nodes.filter(({ id }) => ends.has(id)), edges };
}

/** The edges that touch a container; null: all. */
function edgesOf(map: ServiceMap, container: string | null): ServiceMap {
  if (container === null) return map;
  const own = map.nodes.find(({ kind, name }) => kind === 'container' && name === container)?.id;
  return withEdges(
    map,
    map.edges.filter(({ from, to }) => from === own || to === own),
  );
}

export const mapOperations = [
  operation({
    id: 'getMap',
    method: 'GET',
    path: '/map',
    summary:
      'Who talked to whom on a host: every edge with its bytes and connections; failing ones come first.',
    query: z.strictObject({
      ...rangeQuery('1h'),
      host: z.exactOptional(text('The host; without it, the one that answers.')),
      container: z.exactOptional(text('Only the edges of this container, by its whole name.')),
      drawing: z.enum(['true', 'false']).default('false').describe('Also as a drawing.'),
      ...pageQuery(1000),
    }),
    answer: mapSchema,
    async run({ store, host, now }, { query }) {
      const flows = await store.readFlows(query.host ?? host, rangeOf(query, now));
      const map = edgesOf(serviceMap(flows), query.container ?? null);
      const { page, next } = pageOf(edgesInOrder(map.edges), edgeId, query);
      const drawing = query.drawing === 'true' ? { drawing: drawingJson(map) } : {};
      return { value: { ...mapJson(withEdges(map, page)), ...drawing }, next };
    },
  }),
];
