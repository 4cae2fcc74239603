import type { Cron } from 'croner';
import { cronOf, type Maintenance } from '../config/maintenance.ts';
import type { Interval } from '../interval.ts';
import { EVERYTHING, type Silence } from './silence.ts';

/** Who wants the silence of a window. */
const OWNER = 'configuration';

/** The maintenance windows of a configuration, as the silences that they are while they last. */
export class MaintenanceWindows {
  readonly #windows: readonly Window[];

  /** `zone`: of windows that name none. */
  constructor(windows: readonly Maintenance[], zone: string) {
    this.#windows = windows.map(window => new Window(window, window.zone || zone));
  }

  /** Those in force at `now`, epoch ms. */
  at(now: number): Silence[] {
    return this.#windows.flatMap(window => {
      const from = window.lastStart(now);
      return from !== null && now < from + window.durationMs ? [window.silence(from)] : [];
    });
  }

  /** Of each the one in force at `now`, epoch ms, else the next; without those that never come again. */
  upcoming(now: number): Silence[] {
    return this.#windows.flatMap(window => {
      const [current] = this.at(now).filter(({ id }) => id === window.name);
      if (current) return [current];
      const next = window.nextStart(now);
      return next === null ? [] : [window.silence(next)];
    });
  }
}

class Window {
  readonly #window: Maintenance;
  readonly #cron: Cron;
  /** Between which starts the last question was, epoch ms: the calendar is slow. */
  #between: Interval | null = null;

  constructor(window: Maintenance, zone: string) {
    this.#window = window;
    this.#cron = cronOf(window.schedule, zone);
  }

  get name(): string {
    return this.#window.name;
  }

  get durationMs(): number {
    return this.#window.duration;
  }

  /** The last start that is not after `now`, epoch ms; null: none. */
  lastStart(now: number): number | null {
    const { from } = this.#around(now);
    return Number.isFinite(from) ? from : null;
  }

  /** The first start after `now`, epoch ms; null: none. */
  nextStart(now: number): number | null {
    const { to } = this.#around(now);
    return Number.isFinite(to) ? to : null;
  }

  silence(from: number): Silence {
    const { name, matchers, duration, reason } = this.#window;
    return {
      ...{ id: name, kind: 'maintenance', match: EVERYTHING, matchers },
      ...{ from, until: from + duration, owner: OWNER, reason },
    };
  }

  #around(now: number): Interval {
    if (this.#between && this.#between.from <= now && now < this.#between.to) return this.#between;
    // What croner calls previous is before its reference.
    const [last] = this.#cron.previousRuns(1, new Date(now + 1));
    const next = this.#cron.nextRun(new Date(now));
    this.#between = {
      from: last?.getTime() ?? Number.NEGATIVE_INFINITY,
      to: next?.getTime() ?? Number.POSITIVE_INFINITY,
    };
    return this.#between;
  }
}
