import type { Readable } from 'node:stream';
import type Dockerode from 'dockerode';
import { CALLS } from '../../backends/docker/access.ts';
import { ANSWER_MS } from '../../backends/docker/client.ts';
import { Gate } from '../../backends/docker/gate.ts';
import type { Clock } from '../../core/clock.ts';
import { withDeadline } from '../../core/deadline.ts';
import { describeError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import { pauseAfter } from '../../core/retry.ts';
import { keptLabels } from '../../core/traffic/labels.ts';
import type { Description, Endpoints } from '../contract.ts';
import { boundedLines, type Line } from '../decode/lines.ts';
import { LIMITS } from '../limits.ts';
import {
  type Described,
  type DockerEvent,
  exitCode,
  fromEvent,
  fromInspect,
  fromList,
  id,
  inspectSchema,
  type Listed,
  listSchema,
  readEvent,
} from './docker-descriptions.ts';
import { endpointsOfInspected, endpointsOfListed } from './docker-network-settings.ts';
import { DockerTroubles } from './docker-troubles.ts';

/** Containers as the Docker Engine describes them. Its answers are untrusted: validated here. */
export interface DockerWatcher {
  /** Whether it tells of containers, by events or by lists. */
  readonly connected: boolean;
  /** Resolves when Docker was listed for the first time, or turned out not to be reachable. */
  readonly listed: Promise<void>;
  /** Ask for one container; resolves when it was described, is unknown to Docker, or could not be asked for. */
  inspect(id: string): Promise<void>;
  stop(): Promise<void>;
}

export interface DockerHandlers {
  described(description: Description): void;
  /** What a container has on Docker's networks, in place of all that was said before. */
  reached(endpoints: Endpoints): void;
  /** A container was connected to a network: inspect it. */
  connected(id: string): void;
  /** The host has another network, and perhaps an address on it. */
  networkMade(): void;
  /** The container was removed. */
  forgotten(id: string): void;
  /** The container has ended; `code` is from 0 to 255. */
  exited(id: string, code: number, oom: boolean): void;
}

/** Inspections at once: Docker answers those of starting containers only when they have started. */
const INSPECTIONS = 16;
/** Longest event, bytes: labels have no limit of their own. */
const EVENT_CAP = 4 * 1024 * 1024;
/** How often containers are listed where events are refused, and after how long events are tried again, ms. */
const POLL_MS = 5000;
const EVENTS_AGAIN_MS = 300_000;
/**
 * Of a container: its attributes describe it, `oom` and `die` say how it ended, `destroy` that it is gone. Of a network:
 * who is on it.
 */
const EVENTS = ['create', 'start', 'restart', 'rename', 'oom', 'die', 'destroy', 'connect', 'disconnect'];

export interface WatchOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Keys of labels to keep, sorted; absent: none. */
  readonly labels?: readonly string[];
  /** The address is configured: one where nobody answers is a mistake, not a machine without Docker. */
  readonly explicit?: boolean;
}

/**
 * Follow Docker until `stop`. Docker may be absent, die and come back: it is tried again with growing pauses, and
 * after each time listed anew. A proxy before it may refuse some calls: the others then do what they can.
 */
export function watchDocker(
  client: Dockerode,
  handlers: DockerHandlers,
  { clock, log, labels = [], explicit = false }: WatchOptions,
): DockerWatcher {
  const ended = new AbortController();
  const listed = Promise.withResolvers<void>();
  /** Ends with the watcher, or when Docker takes too long to answer. */
  const soon = <T>(ask: (signal: AbortSignal) => Promise<T>): Promise<T> =>
    withDeadline(ask, { parent: ended.signal, ms: ANSWER_MS, clock });
  const troubles = new DockerTroubles(log, explicit);
  const gate = new Gate(INSPECTIONS);
  let connected = false;
  const known = new Set<string>();
  const reached = new Map<string, Endpoints>();
  /** Containers that have run out of memory, until they end or are removed. */
  const starved = new Set<string>();

  const described = ({ id, labels: all, ...rest }: Described) => {
    const kept = keptLabels(all, labels);
    known.add(id);
    handlers.described({ id, ...rest, ...(kept === undefined ? {} : { labels: kept }) });
  };
  const reach = (endpoints: Endpoints) => {
    const { id: container, networks, published } = endpoints;
    if (JSON.stringify(reached.get(container) ?? nowhere(container)) === JSON.stringify(endpoints)) return;
    if (networks.length + published.length > 0) reached.set(container, endpoints);
    else reached.delete(container);
    handlers.reached(endpoints);
  };
  const died = ({ Actor: { ID, Attributes } }: DockerEvent) => {
    const code = exitCode.safeParse(Attributes.exitCode);
    if (code.success) handlers.exited(ID, code.data, starved.has(ID));
    starved.delete(ID);
  };
  const forgotten = (gone: string) => {
    starved.delete(gone);
    reach(nowhere(gone));
    if (known.delete(gone)) handlers.forgotten(gone);
  };
  const ask = async (container: string): Promise<Described> => {
    const found = inspectSchema.parse(
      await soon(abortSignal => client.getContainer(container).inspect({ abortSignal })),
    );
    reach(endpointsOfInspected(found.Id, found.NetworkSettings));
    return fromInspect(found);
  };
  /** The list gives the image's id once its tag has moved on, which would be another service; inspection keeps the tag. */
  const fullOf = async (container: Listed): Promise<Described> => {
    if (!container.Image.startsWith('sha256:')) return fromList(container);
    try {
      return await ask(container.Id);
    } catch (error) {
      if (ended.signal.aborted) throw error;
      if (!troubles.refused('inspect', error))
        log.debug({ container: container.Id, reason: describeError(error) }, 'docker: no description');
      return fromList(container);
    }
  };
  const take = (line: Line) => {
    const event = line === null ? null : readEvent(line);
    if (event === null) log.warn('docker: skipped an unknown event');
    else if (event.Type === 'network') takeNetwork(event);
    else if (event.Action === 'destroy') forgotten(event.Actor.ID);
    else if (event.Action === 'oom') starved.add(event.Actor.ID);
    else if (event.Action === 'die') died(event);
    else described(fromEvent(event));
  };
  const takeNetwork = ({ Action, Actor: { ID, Attributes } }: DockerEvent) => {
    const { container = '' } = Attributes;
    if (Action === 'create') handlers.networkMade();
    else if (!id.safeParse(container).success) return;
    else if (Action === 'connect') handlers.connected(container);
    else if (Action === 'disconnect') reach(without(ID, reached.get(container) ?? nowhere(container)));
  };
  /** Without the list, containers are described one by one as they are met. */
  const list = async () => {
    let containers: Listed[];
    try {
      containers = listSchema.parse(
        await soon(abortSignal => client.listContainers({ all: true, abortSignal })),
      );
    } catch (error) {
      if (!troubles.refused('list', error)) throw error;
      return;
    }
    for (const container of containers) {
      described(await fullOf(container));
      reach(endpointsOfListed(container.Id, container.NetworkSettings, container.Ports));
    }
    const existing = new Set(containers.map(container => container.Id));
    for (const one of [...known]) if (!existing.has(one)) forgotten(one);
  };
  /** Whoever asks while the next list has not begun shares it. */
  let next: Promise<void> | null = null;
  let last: Promise<void> = Promise.resolve();
  const listSoon = (): Promise<void> => {
    next ??= last
      .catch(() => undefined)
      .then(() => {
        next = null;
        return list();
      });
    last = next;
    return next;
  };
  /** The stream of events; null where it is refused, or does not begin. */
  const openEvents = async (): Promise<Readable | null> => {
    const opening = new AbortController();
    const end = () => opening.abort();
    ended.signal.addEventListener('abort', end, { once: true });
    const begun = new AbortController();
    // Docker begins at once; after that nothing may happen for days.
    void clock.sleep(ANSWER_MS, begun.signal).then(() => begun.signal.aborted || opening.abort());
    const events: Dockerode.GetEventsOptions & { abortSignal: AbortSignal } = {
      filters: { type: ['container', 'network'], event: EVENTS },
      abortSignal: opening.signal,
    };
    try {
      const stream = (await client.getEvents(events)) as Readable;
      stream.once('close', () => ended.signal.removeEventListener('abort', end));
      return stream;
    } catch (error) {
      ended.signal.removeEventListener('abort', end);
      if (ended.signal.aborted) throw error;
      if (opening.signal.aborted)
        troubles.tell('events', `${CALLS.events}: no answer within ${ANSWER_MS} ms`);
      else if (!troubles.refused('events', error)) throw error;
      return null;
    } finally {
      begun.abort();
    }
  };
  const begin = () => {
    connected = true;
    listed.resolve();
    log.debug('docker: connected');
  };
  /** Without events: lists, until it is time to ask for events again. */
  const poll = async () => {
    for (let left = EVENTS_AGAIN_MS; left > 0 && !ended.signal.aborted; left -= POLL_MS) {
      await listSoon();
      if (troubles.nameless) listed.resolve();
      else if (!connected) begin();
      await clock.sleep(POLL_MS, ended.signal);
    }
  };
  /** True: Docker is there, and is to be asked for events again. */
  const follow = async (): Promise<boolean> => {
    // Detects a Docker that hangs.
    await soon(abortSignal => client.listContainers({ limit: 1, abortSignal })).catch(error => {
      if (!troubles.refused('list', error)) throw error;
    });
    // Events first, then the list: no container falls between them.
    const stream = await openEvents();
    if (stream === null) {
      await poll();
      return true;
    }
    try {
      await listSoon();
      begin();
      for await (const line of boundedLines(stream, EVENT_CAP)) take(line);
      return false;
    } finally {
      stream.destroy();
    }
  };
  const run = async () => {
    for (let failures = 0; !ended.signal.aborted; ) {
      try {
        if (await follow()) continue;
      } catch (error) {
        if (!ended.signal.aborted) troubles.unreachable(error);
      }
      listed.resolve();
      failures = connected ? 1 : failures + 1;
      connected = false;
      await clock.sleep(pauseAfter(failures, LIMITS.backoff), ended.signal);
    }
  };
  const running = run();

  return {
    get connected() {
      return connected;
    },
    listed: listed.promise,
    async inspect(container) {
      try {
        described(await gate.run(() => ask(container)));
      } catch (error) {
        // Where single containers are not described, the list does it.
        if (troubles.refused('inspect', error)) {
          await listSoon().catch(troubles.unreachable);
          if (troubles.nameless) connected = false;
        } else log.debug({ container, reason: describeError(error) }, 'docker: no description');
      }
    },
    async stop() {
      ended.abort();
      await running;
    },
  };
}

const nowhere = (container: string): Endpoints => ({ id: container, networks: [], published: [] });

/** Ports are published for as long as the container is on a network. */
function without(network: string, { id: container, networks, published }: Endpoints): Endpoints {
  const left = networks.filter(one => one.network !== network);
  return { id: container, networks: left, published: left.length > 0 ? published : [] };
}
