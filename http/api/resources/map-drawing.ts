import { z } from 'zod';
import { PEER_KINDS } from '../../../core/traffic/flow.ts';
import { drawMap, NODE } from '../../../core/traffic/map-layout.ts';
import { HEALTH, type ServiceMap } from '../../../core/traffic/service-map.ts';

/** A map as it is drawn by the page. Lengths are px. */

const count = z.int().nonnegative();
const length = z.number().nonnegative();

export const drawingSchema = z.strictObject({
  width: length,
  height: length,
  node: z.strictObject({ width: length, height: length }).describe('Size of every node.'),
  nodes: z.array(
    z.strictObject({
      id: z.string(),
      kind: z.enum(PEER_KINDS),
      name: z.string(),
      service: z.string(),
      containers: count.describe('That it stands for: replicas of a service are one node.'),
      x: length.describe('Upper left corner.'),
      y: length,
    }),
  ),
  edges: z
    .array(
      z.strictObject({
        from: z.string(),
        to: z.string(),
        health: z.enum(HEALTH).describe('`down`: no connection could be opened.'),
        ports: z.array(z.string()).describe('Such as `tcp 5432`; those that matter most.'),
        more_ports: count,
        sent_bytes: count,
        received_bytes: count,
        connections: count,
        failures: count,
        path: z.string().describe('An SVG path from the client to the server.'),
        head: z.string().describe('The arrow at its end.'),
      }),
    )
    .describe('One for each two nodes and state of health; what fails first.'),
  left: z.strictObject({ nodes: count, edges: count }).describe('What there was no room for.'),
});

/** A drawing for other programs. */
export function drawingJson(map: ServiceMap): z.output<typeof drawingSchema> {
  const { width, height, nodes, edges, left } = drawMap(map);
  return {
    ...{ width, height, node: NODE, nodes: [...nodes], left },
    edges: edges.map(edge => ({
      ...{ from: edge.from, to: edge.to, health: edge.health },
      ...{ ports: [...edge.ports], more_ports: edge.morePorts },
      ...{ sent_bytes: edge.sentBytes, received_bytes: edge.receivedBytes },
      ...{ connections: edge.connections, failures: edge.failures },
      ...{ path: edge.path, head: edge.head },
    })),
  };
}
