import type { HostFold } from '../../alert/host.ts';
import type { Clock } from '../../core/clock.ts';
import type { Rule } from '../../core/config/config.ts';
import type { Log } from '../../core/log.ts';
import { type Frame, frameEnd } from '../../core/traffic/frame.ts';
import {
  countMatches,
  type HostContainers,
  type Unmatched,
  uncoveredLine,
  unmatchedRules,
} from '../../detector/fold/rule-coverage.ts';

export interface RuleWatchOptions {
  readonly rules: readonly Rule[];
  readonly clock: Clock;
  readonly log: Log;
}

/** Frames that ended longer ago than this say nothing about the present. */
const RECENT_MS = 600_000;
/** Pause between two checks. */
const EVERY_MS = 5000;
/** Containers get their names in the first moments of a capture: so long nothing is said of whom rules match. */
const SETTLE_MS = 15_000;
/** A rule that matches no containers for this long gets a line in the log: a restart takes less. */
const PATIENCE_MS = 60_000;

/** Which containers the rules match, in the newest frames of the hosts that this process folds. */
export class RuleWatch {
  readonly #options: RuleWatchOptions;
  readonly #hosts = new Map<string, HostContainers & { readonly end: number }>();
  #unmatched: readonly Unmatched[] = [];
  /** When that was last checked, monotonic. */
  #looked = Number.NEGATIVE_INFINITY;
  /** Rules that match no containers: since when, monotonic, and whether the log was told. */
  readonly #idle = new Map<string, { readonly since: number; told: boolean }>();
  /** When each host was first seen, monotonic; null: those that no rule covers there were told. */
  readonly #arrivals = new Map<string, number | null>();

  constructor(options: RuleWatchOptions) {
    this.#options = options;
  }

  /** Names of the rules, in their order. */
  get names(): readonly string[] {
    return this.#options.rules.map(({ name }) => name);
  }

  /** The same fold, with this watching its frames. */
  over(fold: HostFold): HostFold {
    return {
      ...fold,
      step: (state, frame, raised) => {
        const step = fold.step(state, frame, raised);
        this.#see(frame, step.state.fold.hasContainers);
        return step;
      },
    };
  }

  /** Rules with a `match` that has matched no containers for a while. */
  unmatched(): readonly Unmatched[] {
    const settled = this.#options.clock.monotonic() - SETTLE_MS;
    return this.#unmatched.filter(({ rule }) => (this.#idle.get(rule)?.since ?? settled + 1) <= settled);
  }

  /** How many containers and cgroups each rule matches; empty before the first frame. */
  matches(): (readonly [rule: string, count: number])[] {
    const hosts = this.#recentHosts();
    if (hosts.length === 0) return [];
    return this.#options.rules.map(rule => [rule.name, countMatches(rule, hosts)] as const);
  }

  #see(frame: Frame, hasContainers: boolean): void {
    const { clock } = this.#options;
    const end = frameEnd(frame);
    if (clock.now() - end > RECENT_MS) return;
    const isNew = !this.#hosts.has(frame.host);
    this.#hosts.set(frame.host, { host: frame.host, containers: frame.containers, hasContainers, end });
    if (isNew || clock.monotonic() - this.#looked >= EVERY_MS) this.#look();
  }

  #look(): void {
    const { rules, clock, log } = this.#options;
    this.#looked = clock.monotonic();
    this.#tellUncovered();
    this.#unmatched = unmatchedRules(rules, this.#recentHosts());
    const texts = new Map(this.#unmatched.map(({ rule, text }) => [rule, text]));
    for (const [rule, { told }] of this.#idle) {
      if (texts.has(rule)) continue;
      this.#idle.delete(rule);
      if (told) log.info(`rule ${rule} matches containers again`);
    }
    for (const [rule, text] of texts) {
      const idle = this.#idle.get(rule) ?? { since: this.#looked, told: false };
      this.#idle.set(rule, idle);
      if (idle.told || this.#looked - idle.since < PATIENCE_MS) continue;
      idle.told = true;
      log.warn(text);
    }
  }

  /** Once for each host: whom no rule looks at when it is first seen. */
  #tellUncovered(): void {
    const { rules, clock, log } = this.#options;
    if (rules.length === 0) return;
    const due = this.#recentHosts().filter(({ host }) => {
      const since = this.#arrivals.get(host);
      if (since === undefined) this.#arrivals.set(host, clock.monotonic());
      return typeof since === 'number' && clock.monotonic() - since >= SETTLE_MS;
    });
    for (const { host } of due) this.#arrivals.set(host, null);
    const line = uncoveredLine(rules, due);
    if (line !== null) log.info(`${line} (tidegauge check --container NAME says why)`);
  }

  /** Hosts without recent frames are dropped: their lane may have moved to another process. */
  #recentHosts(): HostContainers[] {
    const now = this.#options.clock.now();
    for (const [host, { end }] of this.#hosts) if (now - end > RECENT_MS) this.#hosts.delete(host);
    return [...this.#hosts.values()];
  }
}
