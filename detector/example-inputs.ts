import type { ConnectionRow } from '../core/traffic/connection.ts';
import { type Flow, NO_EXCHANGE } from '../core/traffic/flow.ts';
import type { Container } from '../core/traffic/frame.ts';
import type { ContainerInput } from './contract.ts';

/** Inputs of worked examples of detectors that look at flows and connections. */

const WEB: Container = {
  name: 'web',
  kind: 'container',
  service: 'shop/web',
  replica: '1',
  image: 'web:1',
  id: '',
};

/** Consecutive frames of 5 s of one container, a client on TCP unless said otherwise; each is its flows, or its connections. */
export const exampleInputs = (
  frames: readonly (readonly (Partial<Flow> | Partial<ConnectionRow>)[])[],
): ContainerInput[] =>
  frames.map((rows, i) => ({
    start: i * 5000,
    durationMs: 5000,
    container: WEB,
    identity: 'web',
    startedAt: null,
    ended: false,
    send: undefined,
    receive: undefined,
    flows: rows.filter(row => !('kind' in row)).map(row => ({ ...FLOW, ...row })),
    connections: rows.filter(row => 'kind' in row).map(row => ({ ...CONNECTION, ...row })),
    neighbours: new Map([[WEB.name, WEB]]),
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
