import type { Readable } from 'node:stream';
import type Dockerode from 'dockerode';
import { z } from 'zod';
import { ANSWER_MS, namesSchema } from '../../backends/docker/client.ts';
import { Gate } from '../../backends/docker/gate.ts';
import type { Clock } from '../../core/clock.ts';
import { withDeadline } from '../../core/deadline.ts';
import { describeError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import { pauseAfter } from '../../core/retry.ts';
import { keptLabels, type Labels } from '../../core/traffic/labels.ts';
import type { Description, Endpoints } from '../contract.ts';
import { boundedLines, type Line } from '../decode/lines.ts';
import { LIMITS } from '../limits.ts';
import {
  endpointsOfInspected,
  endpointsOfListed,
  portsSchema,
  settingsSchema,
} from './docker-network-settings.ts';

/** Containers as the Docker Engine describes them. Its answers are untrusted: validated here. */
export interface DockerWatcher {
  /** Whether its events are being received. */
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
}

const id = z.string().regex(/^[0-9a-f]{64}$/);
const labels = z
  .record(z.string(), z.string())
  .nullish()
  .transform(value => value ?? {});

const listSchema = z.array(
  z.object({
    Id: id,
    Names: namesSchema,
    Image: z.string(),
    Labels: labels,
    Ports: portsSchema,
    NetworkSettings: settingsSchema,
  }),
);
type Listed = z.output<typeof listSchema>[number];
const inspectSchema = z.object({
  Id: id,
  Name: z.string(),
  Config: z.object({ Image: z.string(), Labels: labels }),
  NetworkSettings: settingsSchema,
});
const attributes = z.record(z.string(), z.string());
const eventSchema = z.discriminatedUnion('Type', [
  z.object({
    Type: z.literal('container'),
    Action: z.string(),
    Actor: z.object({ ID: id, Attributes: attributes }),
  }),
  z.object({
    Type: z.literal('network'),
    Action: z.string(),
    Actor: z.object({ ID: z.string(), Attributes: attributes }),
  }),
]);
type DockerEvent = z.output<typeof eventSchema>;

/** Inspections at once: Docker answers those of starting containers only when they have started. */
const INSPECTIONS = 16;
/** Longest event, bytes: labels have no limit of their own. */
const EVENT_CAP = 4 * 1024 * 1024;
/** Of a container: its attributes describe it, `destroy` says that it is gone. Of a network: who is on it. */
const EVENTS = ['create', 'start', 'restart', 'rename', 'destroy', 'connect', 'disconnect'];

export interface WatchOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Keys of labels to keep, sorted; absent: none. */
  readonly labels?: readonly string[];
}

/**
 * Follow Docker until `stop`. Docker may be absent, die and come back: it is tried again with growing pauses, and
 * after each time listed anew.
 */
export function watchDocker(
  client: Dockerode,
  handlers: DockerHandlers,
  { clock, log, labels = [] }: WatchOptions,
): DockerWatcher {
  const ended = new AbortController();
  const listed = Promise.withResolvers<void>();
  /** Ends with the watcher, or when Docker takes too long to answer. */
  const soon = <T>(ask: (signal: AbortSignal) => Promise<T>): Promise<T> =>
    withDeadline(ask, { parent: ended.signal, ms: ANSWER_MS, clock });
  const gate = new Gate(INSPECTIONS);
  let connected = false;
  const known = new Set<string>();
  const reached = new Map<string, Endpoints>();

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
  const forgotten = (gone: string) => {
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
      log.debug({ container: container.Id, reason: describeError(error) }, 'docker: no description');
      return fromList(container);
    }
  };
  const list = async () => {
    const containers = listSchema.parse(
      await soon(abortSignal => client.listContainers({ all: true, abortSignal })),
    );
    for (const container of containers) {
      described(await fullOf(container));
      reach(endpointsOfListed(container.Id, container.NetworkSettings, container.Ports));
    }
    const existing = new Set(containers.map(container => container.Id));
    for (const one of [...known]) if (!existing.has(one)) forgotten(one);
  };
  const take = (line: Line) => {
    const event = line === null ? null : readEvent(line);
    if (event === null) log.warn('docker: skipped an unknown event');
    else if (event.Type === 'network') takeNetwork(event);
    else if (event.Action === 'destroy') forgotten(event.Actor.ID);
    else described(fromEvent(event));
  };
  const takeNetwork = ({ Action, Actor: { ID, Attributes } }: DockerEvent) => {
    const { container = '' } = Attributes;
    if (Action === 'create') handlers.networkMade();
    else if (!id.safeParse(container).success) return;
    else if (Action === 'connect') handlers.connected(container);
    else if (Action === 'disconnect') reach(without(ID, reached.get(container) ?? nowhere(container)));
  };
  const follow = async () => {
    // Detects a Docker that hangs; the event stream has no time-out, as nothing may happen for days.
    await soon(abortSignal => client.listContainers({ limit: 1, abortSignal }));
    // Events first, then the list: no container falls between them.
    const events: Dockerode.GetEventsOptions & { abortSignal: AbortSignal } = {
      filters: { type: ['container', 'network'], event: EVENTS },
      abortSignal: ended.signal,
    };
    const stream = (await client.getEvents(events)) as Readable;
    try {
      await list();
      connected = true;
      listed.resolve();
      log.debug('docker: connected');
      for await (const line of boundedLines(stream, EVENT_CAP)) take(line);
    } finally {
      stream.destroy();
    }
  };
  const run = async () => {
    for (let failures = 0; !ended.signal.aborted; ) {
      try {
        await follow();
      } catch (error) {
        if (!ended.signal.aborted) log.debug({ reason: describeError(error) }, 'docker: not reachable');
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
        log.debug({ container, reason: describeError(error) }, 'docker: no description');
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

function readEvent(line: string): DockerEvent | null {
  try {
    return eventSchema.parse(JSON.parse(line));
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof z.ZodError) return null;
    throw error;
  }
}

/** A container with all of its labels. */
type Described = Omit<Description, 'labels'> & { readonly labels: Labels };

function fromList(container: Listed): Described {
  // Links give a container more names, such as /other/alias.
  const name = container.Names.find(one => !one.slice(1).includes('/')) ?? container.Names[0] ?? '';
  return describe(container.Id, name, container.Image, container.Labels);
}

function fromInspect({ Id, Name, Config }: z.output<typeof inspectSchema>): Described {
  return describe(Id, Name, Config.Image, Config.Labels);
}

function fromEvent({ Actor }: DockerEvent): Described {
  const { name = '', image = '', ...rest } = Actor.Attributes;
  return describe(Actor.ID, name, image, rest);
}

function describe(containerId: string, name: string, image: string, own: Labels): Described {
  return {
    id: containerId,
    name: name.replace(/^\//, ''),
    image,
    project: own['com.docker.compose.project'] ?? '',
    service: own['com.docker.compose.service'] ?? '',
    number: own['com.docker.compose.container-number'] ?? '',
    labels: own,
  };
}
