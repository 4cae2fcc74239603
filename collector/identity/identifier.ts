import { join } from 'node:path';
import { dockerClient } from '../../backends/docker/client.ts';
import type { Clock } from '../../core/clock.ts';
import { describeError, printable } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import type { CgroupId, Event, Input, NetworkNamespace } from '../contract.ts';
import { LIMITS } from '../limits.ts';
import type { Undescribed } from './cgroup-registry.ts';
import { locateCgroup, scanCgroups } from './cgroups.ts';
import { type DockerWatcher, watchDocker } from './docker.ts';
import { networkOfCgroup } from './network-namespaces.ts';
import { POD_LOGS, podsAmong } from './pods.ts';

/** A living cgroup whose network namespace is unknown. */
export interface UnresolvedCgroup {
  readonly cgroup: CgroupId;
  readonly path: string;
  /** Asked for until there is an answer; others may have no process and are given up. */
  readonly urgent: boolean;
}

/** How often a cgroup that may have no process is asked for its network. */
const NETWORK_QUESTIONS = 5;
/** From which answer on the host's own network counts: a first process may not have entered another one yet. */
const HOST_ANSWERS = 3;

/** The consequence of a cgroup tree that cannot be read. */
const UNSEEN =
  'the traffic of what ran there before this start is counted as `other`; tidegauge doctor says what to do';

/** The consequence of processes that cannot be looked at. */
const HIDDEN =
  'the processes of others are hidden: some peers on the map may have no name; tidegauge doctor says what to do';

/** The consequence of a folder of the kubelet's that is closed. */
const UNNAMED =
  'names of pods cannot be read: containers of pods are called by their ids; let this user read the folder, or set `capture.pods: off`';

/** The consequence of an unreadable network namespace, for the log. */
const CONSEQUENCE = '; some peers on the map may have no name';

export interface IdentifyOptions {
  /** `capture.docker`. */
  readonly docker: string;
  /** `capture.pods`; absent: off. */
  readonly pods?: string;
  /** Keys of the Docker labels to keep, sorted; absent: none. */
  readonly labels?: readonly string[];
  /** Where the cgroup v2 tree is mounted, or null. */
  readonly mount: string | null;
  readonly clock: Clock;
  readonly log: Log;
  /** Receives what was learned. */
  readonly feed: (input: Input) => void;
  /** Ids of living containers without a description: all, or those that Docker may know. */
  readonly undescribed: (which: Undescribed) => readonly string[];
  /** Living cgroups whose network namespace is unknown. */
  readonly unresolved: () => readonly UnresolvedCgroup[];
  /** The network namespace of a process, or null when it is gone. */
  readonly networkOfProcess: (pid: string) => Promise<NetworkNamespace | null>;
  /** Time since boot, ms. */
  readonly boot: () => number;
}

/** Asks the host and Docker about cgroups, in the background; `settle` waits for the answers, but not for long. */
export class Identifier {
  readonly #options: IdentifyOptions;
  readonly #docker: DockerWatcher | null;
  /** Questions without an answer yet. */
  readonly #pending = new Set<Promise<void>>();
  /** Resolves when all cgroups that were there have been read. */
  #scanned: Promise<void> = Promise.resolve();
  /** How often each unresolved cgroup was asked for its network, and how often it was found in the host's. */
  readonly #questions = new Map<CgroupId, { asked: number; onHost: number }>();
  /** The host's own network namespace; null: not read yet. */
  #hostNetns: number | null = null;
  /** A network could not be read: warned once, as it is asked again with every frame. */
  #networkFailed = false;
  /** What was said already of what cannot be seen. */
  readonly #told = new Set<string>();
  /** When the names of pods may be read again, ms since boot. */
  #podsAgain = Number.NEGATIVE_INFINITY;
  /** Containers that Docker was asked for: once is enough, its events report changes. */
  readonly #asked = new Set<string>();

  constructor(options: IdentifyOptions) {
    this.#options = options;
    const { feed, clock, log, boot } = options;
    const client = dockerClient(options.docker);
    this.#docker =
      client &&
      watchDocker(
        client,
        {
          described: description => feed({ kind: 'described', description }),
          forgotten: id => feed({ kind: 'forgotten', boot: boot(), id }),
          exited: (id, code, oom) => feed({ kind: 'exited', boot: boot(), id, code, oom }),
          reached: endpoints => feed({ kind: 'reached', boot: boot(), endpoints }),
          connected: id => {
            if (this.#docker) this.#ask('docker', this.#docker.inspect(id));
          },
          networkMade: () => this.#ask('network', this.#askHost()),
        },
        { clock, log, labels: options.labels ?? [], explicit: options.docker !== 'auto' },
      );
    if (this.#docker) this.#ask('docker', this.#docker.listed);
  }

  /** Whether Docker tells of containers; null when it is off. */
  get dockerConnected(): boolean | null {
    return this.#docker?.connected ?? null;
  }

  /** Ask for what an event leaves open. */
  follow(event: Event): void {
    const { mount, feed, boot } = this.#options;
    if (event.kind === 'birth') {
      if (event.cut && mount !== null) {
        const locate = async () => {
          const path = await locateCgroup(mount, event.cgroup, event.path);
          if (path !== null) feed({ kind: 'located', cgroup: event.cgroup, path });
        };
        this.#ask('cgroup', locate());
      }
      this.#askDocker();
    }
    // bpftrace prints `begin` once all probes are attached: from here on no cgroup is missed.
    if (event.kind === 'begin' && mount === null)
      this.#tell(
        'tree',
        { reason: 'no mount of the type cgroup2' },
        `the cgroup tree is not there: ${UNSEEN}`,
      );
    if ((event.kind === 'begin' || event.kind === 'lost') && mount !== null) {
      const scan = async () => {
        const before = boot();
        const refused: string[] = [];
        feed({
          kind: 'scanned',
          boot: before,
          cgroups: await scanCgroups(mount, '/', path => refused.push(path)),
        });
        const [first] = refused;
        if (first === undefined) return;
        const where = { folders: refused.length, first: printable(join(mount, first)) };
        this.#tell('tree', where, `the cgroup tree cannot be read as a whole: ${UNSEEN}`);
      };
      this.#scanned = this.#ask('cgroups', scan());
      this.#ask('network', this.#askHost());
    }
  }

  /**
   * Wait for all open questions, `LIMITS.identifyMs` at most. Each question is waited for once: a later answer counts
   * from then on. The scan of the cgroup tree is always waited for: it is local, and without it all traffic would be
   * `other`.
   */
  async settle(): Promise<void> {
    await this.#scanned;
    this.#askDocker();
    this.#askPods();
    this.#askNetworks();
    if (this.#pending.size === 0) return;
    const answered = new AbortController();
    await Promise.race([
      Promise.all(this.#pending).then(() => answered.abort()),
      this.#options.clock.sleep(LIMITS.identifyMs, answered.signal),
    ]);
    this.#pending.clear();
  }

  async stop(): Promise<void> {
    await this.#docker?.stop();
  }

  #askDocker(): void {
    if (!this.#docker?.connected) return;
    const missing = new Set(this.#options.undescribed('docker'));
    for (const id of this.#asked) if (!missing.has(id)) this.#asked.delete(id);
    for (const id of missing) {
      if (this.#asked.has(id)) continue;
      this.#asked.add(id);
      this.#ask('docker', this.#docker.inspect(id));
    }
  }

  /** The kubelet tells nobody of a new container: its folder is looked through while one has no name. */
  #askPods(): void {
    const { pods = 'off', undescribed, feed, boot } = this.#options;
    if (pods === 'off' || boot() < this.#podsAgain) return;
    const ids = new Set(undescribed('all'));
    if (ids.size === 0) return;
    this.#podsAgain = boot() + LIMITS.podsMs;
    const folder = pods === 'auto' ? POD_LOGS : pods;
    const read = async () => {
      const found = await podsAmong(folder, ids).catch((error: unknown) => {
        this.#tell('pods', { folder: printable(folder), reason: describeError(error) }, UNNAMED);
        return [];
      });
      for (const description of found) {
        feed({ kind: 'described', description });
        // Nobody tells of its end either: it goes with its cgroup.
        feed({ kind: 'forgotten', boot: boot(), id: description.id });
      }
    };
    this.#ask('pods', read());
  }

  /** Process 1 is in the host's network; where it is hidden from us, this process is mostly in the same one. */
  async #askHost(): Promise<void> {
    const { networkOfProcess, feed, log } = this.#options;
    const own = () => networkOfProcess(String(process.pid));
    const network = await networkOfProcess('1').then(
      first => {
        if (first !== null) return first;
        // Process 1 is never gone: hidepid hides it, and with it all others.
        this.#tell('processes', { reason: 'process 1 is hidden (hidepid)' }, HIDDEN);
        return own();
      },
      error => {
        log.debug({ reason: describeError(error) }, 'network of process 1: not read');
        return own();
      },
    );
    if (network === null) return;
    this.#hostNetns = network.netns;
    feed({ kind: 'networked', cgroup: null, network });
  }

  #askNetworks(): void {
    const { mount, unresolved, feed, networkOfProcess } = this.#options;
    if (mount === null) return;
    const cgroups = unresolved();
    const ids = new Set(cgroups.map(one => one.cgroup));
    for (const id of this.#questions.keys()) if (!ids.has(id)) this.#questions.delete(id);
    for (const { cgroup, path, urgent } of cgroups) {
      const question = this.#questions.get(cgroup) ?? { asked: 0, onHost: 0 };
      this.#questions.set(cgroup, question);
      if (!urgent && question.asked >= NETWORK_QUESTIONS) continue;
      question.asked++;
      const read = async () => {
        const network = await networkOfCgroup(mount, path, networkOfProcess);
        if (network === null) return;
        if (network.netns === this.#hostNetns && ++question.onHost < HOST_ANSWERS) return;
        feed({ kind: 'networked', cgroup, network });
      };
      this.#ask('network', read());
    }
  }

  /** Say once what cannot be seen. */
  #tell(what: string, data: object, message: string): void {
    if (this.#told.has(what)) return;
    this.#told.add(what);
    this.#options.log.warn(data, message);
  }

  /** Resolves with the answer, or when there is none. */
  #ask(what: string, question: Promise<void>): Promise<void> {
    const answer = question
      .catch(error => {
        const level = what === 'network' && this.#networkFailed ? 'debug' : 'warn';
        this.#networkFailed ||= what === 'network';
        this.#options.log[level](
          { reason: describeError(error) },
          `${what}: not read${what === 'network' ? CONSEQUENCE : ''}`,
        );
      })
      .finally(() => this.#pending.delete(answer));
    this.#pending.add(answer);
    return answer;
  }
}
