import type { ConnectionRow } from '../../core/traffic/connection.ts';
import { type Flow, NO_EXCHANGE } from '../../core/traffic/flow.ts';
import type { Container, Window } from '../../core/traffic/frame.ts';
import type { ContainerInput, Moment } from '../contract.ts';

/** Inputs of worked examples of detectors. */

const WEB: Container = {
  name: 'web',
  kind: 'container',
  service: 'shop/web',
  replica: '1',
  image: 'web:1',
  id: '',
};

/** A container's frame with these windows, as if it were alone, was always there and spoke to nobody that is known. */
export const inputOf = (
  container: Container,
  moment: Moment,
  windows: { readonly send: Window | undefined; readonly receive: Window | undefined },
): ContainerInput => ({
  ...moment,
  ...windows,
  container,
  identity: container.name,
  startedAt: null,
  ended: false,
  flows: [],
  connections: [],
  neighbours: new Map([[container.name, container]]),
});

/** Consecutive frames of 5 s of one container, a client on TCP unless said otherwise; each is its flows, or its connections. */
export const exampleInputs = (
  frames: readonly (readonly (Partial<Flow> | Partial<ConnectionRow>)[])[],
): ContainerInput[] =>
  frames.map((rows, i) => ({
    ...inputOf(WEB, { start: i * 5000, durationMs: 5000 }, { send: undefined, receive: undefined }),
    flows: rows.filter(row => !('kind' in row)).map(row => ({ ...FLOW, ...row })),
    connections: rows.filter(row => 'kind' in row).map(row => ({ ...CONNECTION, ...row })),
  }));

const FLOW: Flow = {
  container: WEB.name,
  protocol: 'tcp',
  role: 'client',
  peerKind: 'outside',
  peer: '',
  port: 443,
  address: '',
  ...NO_EXCHANGE,
};

const CONNECTION: ConnectionRow = {
  container: WEB.name,
  kind: 'opened',
  own: '172.18.0.2',
  peer: '172.18.0.3',
  port: 443,
  clientPort: 0,
  count: 1,
};
