import type { Builder } from '@grafana/grafana-foundation-sdk/cog';
import type { Panel } from '@grafana/grafana-foundation-sdk/dashboard';
import { EdgeOptionsBuilder, PanelBuilder } from '@grafana/grafana-foundation-sdk/nodegraph';
import { PEER_KINDS } from '../../core/traffic/flow.ts';
import { EXCHANGE_COLUMNS, EXCHANGE_SUMS } from '../../store/flow.ts';
import {
  atLeast,
  columns,
  descending,
  greatest,
  merged,
  NO_NAME,
  numbered,
  sum,
  unit,
  width,
} from './columns.ts';
import { DATASOURCE, tables } from './influx.ts';
import { byRange, type Level } from './levels.ts';
import { rows } from './panels.ts';

/** Pictures of `container_flows`: whom a container exchanges how much with, and what fails. */

/** Edges of the picture at most: those that fail most, then those with most bytes. */
const MOST_EDGES = 60;

const NAMED = PEER_KINDS.filter(kind => kind === 'container' || kind === 'virtual').join('|');

/**
 * Columns of an edge by their names in Grafana's node graph. It is red when a connection failed, and as thick as the part
 * of its connections that failed is great; `5.0 *` because InfluxDB would divide whole numbers as such.
 */
const EDGE =
  '"failures" AS "mainstat", "bytes" / 1048576 AS "secondarystat", "failures" AS "highlighted", ' +
  '1 + 5.0 * "failures" / ("failures" + "connections" + 0.001) AS "thickness"';

/** Sums over the range, from the tier of the level. */
const sums = (by: string, { table, guard }: Level, condition: string): string =>
  'SELECT sum("failures") AS "failures", sum("connections") AS "connections", ' +
  `sum("sent_bytes") + sum("received_bytes") AS "bytes" FROM ${table('container_flows')} ` +
  `WHERE ${guard} AND ${condition} AND $timeFilter GROUP BY ${by}`;

/**
 * From the client to the server. Between two containers of a host it is the client's own view; peers without a name are one
 * node for each kind of address. Who calls itself is in the table alone: the graph cannot draw such an edge.
 */
export const edgeQueries = (who: string): string[] =>
  byRange(level => {
    const edgesOf = (from: string, to: string, by: string, condition: string) =>
      `SELECT "${from}" AS "source", "${to}" AS "target", ${EDGE} ` +
      `FROM (${sums(by, level, `${who} AND ${condition}`)}) WHERE "${from}" != "${to}"`;
    const named = `"peer_kind" =~ /^(${NAMED})$/`;
    const unnamed = `"peer_kind" !~ /^(${NAMED})$/`;
    const byKind = '"container", "peer_kind"';
    return [
      edgesOf('container', 'peer', '"container", "peer"', `"role" = 'client' AND ${named}`),
      edgesOf('container', 'peer_kind', byKind, `"role" = 'client' AND ${unnamed}`),
      edgesOf('peer_kind', 'container', byKind, `"role" = 'server' AND ${unnamed}`),
    ];
  }).flat();

export const edges = (id: number, who: string): Builder<Panel> => {
  const panel = graph(id, who).build();
  // Of Grafana 12: columns of a layered layout are higher than any screen. The SDK does not know it, Grafana 11 passes it over.
  return { build: () => ({ ...panel, options: { ...panel.options, layoutAlgorithm: 'force' } }) };
};

const graph = (id: number, who: string): PanelBuilder =>
  new PanelBuilder()
    .id(id)
    .title('Who talks to whom')
    .description(
      `From who opens connections to who is called; red: some of them fail, thick: most of them. The ${MOST_EDGES} that fail most, then those with most bytes. Drag it to see the rest, or zoom with its buttons.`,
    )
    .datasource(DATASOURCE)
    .targets(tables(edgeQueries(who)))
    .span(24)
    .height(20)
    .transformations([
      merged,
      descending('secondarystat'),
      ...greatest('mainstat', MOST_EDGES),
      numbered('id'),
    ])
    // Texts, not units: the graph writes them behind its numbers. Nodes have the sums and the texts of their edges.
    .edges(new EdgeOptionsBuilder().mainStatUnit('failed').secondaryStatUnit('MiB'));

/** Of many containers a column more costs a fifth of the time: numbers of messages are a matter of one. */
const BYTES_AND_CONNECTIONS = (['failures', 'connections', 'sentBytes', 'receivedBytes'] as const)
  .map(key => EXCHANGE_COLUMNS[key])
  .map(column => `sum(${column}) AS ${column}`)
  .join(', ');

const peersQueries = (who: string, sums: string): string[] =>
  byRange(
    ({ table, guard }) =>
      `SELECT ${sums} FROM ${table('container_flows')} WHERE ${guard} AND ${who} AND $timeFilter ` +
      'GROUP BY "host", "container", "role", "peer_kind", "peer", "protocol", "port"',
  );

/** `messages`: also how many were sent and received. */
export const peersOf = (
  id: number,
  who: string,
  { messages }: { readonly messages: boolean },
): Builder<Panel> =>
  rows({
    id,
    title: 'Peers, failing ones first',
    description:
      'Sums of the range, seen from the container; those that fail as often by their bytes. Role: `client`, it called the peer at that port; `server`, it was called.',
    targets: tables(peersQueries(who, messages ? EXCHANGE_SUMS : BYTES_AND_CONNECTIONS)),
    ...{ width: 24, height: 12 },
  })
    .noValue('No traffic with peers is stored for this range.')
    .filterable(true)
    .transformations([
      merged,
      sum('bytes', 'sent_bytes', 'received_bytes'),
      descending('bytes'),
      descending('failures'),
      ...columns({
        container: 'Container',
        role: 'Role',
        peer: 'Peer',
        peer_kind: 'Kind',
        protocol: 'Protocol',
        port: 'Port',
        failures: 'Failed',
        connections: 'Connections',
        sent_bytes: 'Sent',
        received_bytes: 'Received',
        ...(messages && { sent_messages: 'Messages sent', received_messages: 'Messages received' }),
      }),
    ])
    .overrideByRegexp('/^(Sent|Received)$/', [unit('bytes')])
    .overrideByRegexp('/^(Role|Protocol|Port|Failed)$/', [width(95)])
    .overrideByRegexp('/^(Kind|Sent|Received)$/', [width(115)])
    .overrideByName('Connections', [width(135)])
    .overrideByRegexp('/^Messages/', [width(175)])
    .overrideByName('Container', [atLeast(200)])
    .overrideByName('Peer', [atLeast(200), NO_NAME]);
