import type { Container as Identity, Window } from '../../../core/traffic/frame.ts';
import type { Sizes } from '../../../core/traffic/histogram.ts';
import type { ContainerInput } from '../../../detector/contract.ts';
import { inputOf } from '../../../detector/shared/example-inputs.ts';
import { Container, SlowLevel } from './factors.ts';
import type { Service } from './fleet.ts';
import type { Random } from './random.ts';
import { bucketFor, Tally } from './sizes.ts';
import { FRAME_S, type Source, type Traffic } from './sources.ts';

/** Frame 0: midnight of Monday, 5 January 2026, UTC. */
export const EPOCH = Date.UTC(2026, 0, 5);

/** One replica as it runs. */
interface Replica {
  identity: Identity;
  readonly random: Random;
  readonly container: Container;
  readonly sources: readonly Source[];
  deploys: number;
}

/** The running replicas of a service: one frame after another, nothing kept. */
export class ServiceRun {
  readonly service: Service;
  readonly #slow: SlowLevel;
  readonly #replicas: Replica[];
  readonly #traffic: Traffic = { receive: new Tally(), send: new Tally() };
  #frame = 0;

  constructor(service: Service, random: Random) {
    this.service = service;
    this.#slow = new SlowLevel(random.fork(), service.slow.sd, service.slow.correlationS);
    this.#replicas = Array.from({ length: service.replicas }, (_, i) => {
      const name = service.replicas === 1 ? service.name : `${service.name}-${i + 1}`;
      return {
        identity: identityOf(service.name, name, i, 0),
        random: random.fork(),
        container: new Container(random.fork(), service.rates),
        sources: service.sources(random.fork()),
        deploys: 0,
      };
    });
  }

  /** The next frame of all replicas. */
  next(): ContainerInput[] {
    const frame = this.#frame++;
    const level = this.#slow.next();
    return this.#replicas.map((replica, i) => {
      const { factor, down, started } = replica.container.next(frame);
      if (started) {
        replica.deploys++;
        replica.identity = identityOf(this.service.name, replica.identity.name, i, replica.deploys);
      }
      this.#traffic.receive.clear();
      this.#traffic.send.clear();
      if (!down) {
        const now = { frame, factor: factor * level, random: replica.random };
        for (const source of replica.sources) source(now, this.#traffic);
      }
      const { name } = replica.identity;
      const moment = { start: EPOCH + frame * FRAME_S * 1000, durationMs: FRAME_S * 1000 };
      return inputOf(replica.identity, moment, {
        send: windowOf(name, 'send', this.#traffic.send),
        receive: windowOf(name, 'receive', this.#traffic.receive),
      });
    });
  }
}

/** A deploy is a container of a new id. */
function identityOf(service: string, name: string, i: number, deploys: number): Identity {
  return {
    name,
    kind: 'container',
    service: `shop/${service}`,
    replica: `${i + 1}`,
    image: `${service}:${deploys}`,
    id: `${name}-${deploys}`,
  };
}

function windowOf(container: string, direction: Window['direction'], tally: Tally): Window | undefined {
  let messages = 0;
  let bytes = 0;
  const sizes: [number, number][] = [];
  for (let i = 0; i < tally.counts.length; i++) {
    const count = tally.counts[i] ?? 0;
    if (count === 0) continue;
    const sum = tally.bytes[i] ?? 0;
    messages += count;
    bytes += sum;
    sizes.push([bucketFor(i, sum / count), count]);
  }
  if (messages === 0) return undefined;
  return { container, direction, messages, bytes: Math.round(bytes), sizes: sizes satisfies Sizes };
}
