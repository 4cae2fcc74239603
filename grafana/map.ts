import { type DashboardBuilder, RowBuilder } from '@grafana/grafana-foundation-sdk/dashboard';
import { board, pageAddress, regions, variable } from './shared/board.ts';
import { series } from './shared/influx.ts';
import { MAP_OF_HOST, onPage, toContainer, toPage } from './shared/links.ts';
import { lines } from './shared/panels.ts';
import { edges, peersOf } from './shared/peers.ts';
import { failuresQueries, OF_CONTAINER } from './shared/queries.ts';

/** Who talks to whom, and what of it fails. */
export const map = (): DashboardBuilder =>
  board('map', 'who talks to whom')
    // One: containers of several hosts may have the same name.
    .withVariable(variable('host', [], { many: false }))
    .withVariable(variable('container', ['host'], { many: true }))
    .withVariable(pageAddress())
    .link(onPage(MAP_OF_HOST))
    .annotation(regions(OF_CONTAINER))
    .withPanel(edges(1, OF_CONTAINER))
    .withPanel(
      lines({
        id: 2,
        title: 'Connections that failed',
        description: 'Refused, unreachable or timed out, per second.',
        targets: series(failuresQueries(OF_CONTAINER), '$tag_container ($tag_host)'),
        unit: 'suffix:/s',
        ...{ width: 24, height: 8 },
      }).dataLinks([toContainer(), toPage()]),
    )
    .withRow(new RowBuilder('Peers').id(3))
    .withPanel(peersOf(4, OF_CONTAINER, { messages: false }));
