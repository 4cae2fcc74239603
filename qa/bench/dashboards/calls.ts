import { compareFlows, type Flow, NO_EXCHANGE } from '../../../core/traffic/flow.ts';
import type { Window } from '../../../core/traffic/frame.ts';
import type { ContainerInput } from '../../../detector/contract.ts';
import type { Kind, Service } from '../../quality/simulator/fleet.ts';

/** Who calls whom in a simulated fleet, which itself knows sizes and times alone. */

interface Calls {
  readonly from: Kind | 'outside';
  readonly to: Kind | 'outside';
  readonly port: number;
}

const CALLS: readonly Calls[] = [
  { from: 'outside', to: 'web', port: 443 },
  { from: 'outside', to: 'stream', port: 443 },
  { from: 'web', to: 'database', port: 5432 },
  { from: 'web', to: 'cache', port: 6379 },
  { from: 'worker', to: 'database', port: 5432 },
  { from: 'batch', to: 'database', port: 5432 },
  { from: 'scraper', to: 'quiet site', port: 9090 },
  { from: 'log shipper', to: 'outside', port: 443 },
];

/** A connection carries so many messages. */
const MESSAGES = 20;
/** Calls in a frame of 5 s to a service that does not answer. */
const ATTEMPTS = 4;

interface Member {
  readonly kind: Kind;
  /** Which of the services of its kind, from 0 on. */
  readonly number: number;
  readonly input: ContainerInput;
}

/** The containers of a frame with the kinds of their services, which are in the same order. */
export function members(services: readonly Service[], inputs: readonly ContainerInput[][]): Member[] {
  const numbers = new Map<Kind, number>();
  return services.flatMap(({ kind }, i) => {
    const number = numbers.get(kind) ?? 0;
    numbers.set(kind, number + 1);
    return (inputs[i] ?? []).map(input => ({ kind, number, input }));
  });
}

/**
 * The flows of a frame: each container that has traffic divides it among those that it calls, and whoever is called sees the
 * same from the other side. `refused`: names of containers to which no connection can be opened.
 */
export function flowsOf(all: readonly Member[], refused: ReadonlySet<string>): Flow[] {
  const flows = CALLS.flatMap(calls =>
    all.flatMap(member => {
      if (calls.from === 'outside')
        return member.kind === calls.to ? [servesOutside(member, calls.port)] : [];
      if (member.kind !== calls.from) return [];
      if (calls.to === 'outside') return [callsOutside(member, calls.port)];
      const callees = all.filter(one => one.kind === calls.to);
      const number = member.number % Math.max(1, callees.length);
      const callee = callees[number]?.input.container.name;
      return callee === undefined ? [] : between(member, callee, calls.port, refused.has(callee));
    }),
  );
  return flows.sort(compareFlows);
}

const shared = { protocol: 'tcp', address: '10.0.0.2', ...NO_EXCHANGE } as const;

/** Half of what a container sends and receives. */
const half = ({ send, receive }: ContainerInput) => ({
  sentMessages: halved(send, 'messages'),
  sentBytes: halved(send, 'bytes'),
  receivedMessages: halved(receive, 'messages'),
  receivedBytes: halved(receive, 'bytes'),
});
const halved = (window: Window | undefined, key: 'messages' | 'bytes'): number =>
  Math.floor((window?.[key] ?? 0) / 2);

function servesOutside({ input }: Member, port: number): Flow {
  const exchange = half(input);
  return {
    ...shared,
    container: input.container.name,
    role: 'server',
    peerKind: 'outside',
    peer: '',
    port,
    ...exchange,
    connections: Math.ceil(exchange.receivedMessages / MESSAGES),
  };
}

const callsOutside = (member: Member, port: number): Flow => ({
  ...servesOutside(member, port),
  role: 'client',
});

/** Both views of the calls of one container to another. */
function between({ input }: Member, callee: string, port: number, isRefused: boolean): Flow[] {
  const caller = input.container.name;
  const client: Flow = {
    ...shared,
    container: caller,
    role: 'client',
    peerKind: 'container',
    peer: callee,
    port,
  };
  if (isRefused) return [{ ...client, failures: ATTEMPTS }];
  const { sentMessages, sentBytes, receivedMessages, receivedBytes } = half(input);
  const connections = Math.ceil(sentMessages / MESSAGES);
  return [
    { ...client, sentMessages, sentBytes, receivedMessages, receivedBytes, connections },
    {
      ...client,
      container: callee,
      role: 'server',
      peer: caller,
      sentMessages: receivedMessages,
      sentBytes: receivedBytes,
      receivedMessages: sentMessages,
      receivedBytes: sentBytes,
      connections,
    },
  ];
}
