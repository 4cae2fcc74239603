import { readFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../../core/clock.ts';
import type { Interval } from '../../core/interval.ts';
import type { Child } from '../../test/parts/process.ts';
import type { Disturbance } from './plan.ts';

export type Tell = (line: string) => void;

/** How long a supervisor waits before it starts a program again that ended by itself. */
const RESTART_MS = 300;

/** Longest wait for a file that others write to be free for a moment. */
const LOCK_WAIT_MS = 5000;

/** Something that can be disturbed, one disturbance after the other. */
export abstract class Part {
  readonly name: string;
  protected readonly tell: Tell;
  /** When it was disturbed, epoch ms; what it is not finished with is not among it. */
  readonly disturbed: Interval[] = [];
  #chain: Promise<void> = Promise.resolve();

  constructor(name: string, tell: Tell) {
    this.name = name;
    this.tell = tell;
  }

  /** Resolves when the part runs again. */
  disturb(disturbance: Disturbance): Promise<void> {
    this.#chain = this.#chain.then(async () => {
      const from = systemClock.now();
      await this.suffer(disturbance);
      this.disturbed.push({ from, to: from + disturbance.pauseMs });
    });
    return this.#chain;
  }

  protected abstract suffer(disturbance: Disturbance): Promise<void>;
}

/** Something that runs as a process. */
abstract class Running extends Part {
  protected override async suffer({ what, pauseMs }: Disturbance): Promise<void> {
    if (what === 'stop') {
      const pid = this.pid();
      this.tell(`${this.name} is stopped for ${pauseMs} ms`);
      signal(pid, 'SIGSTOP');
      await sleep(pauseMs);
      signal(pid, 'SIGCONT');
      this.tell(`${this.name} goes on`);
      return;
    }
    this.tell(`${this.name} ${what === 'kill' ? 'is killed' : 'leaves'}, back in ${pauseMs} ms`);
    await this.end(what === 'kill' ? 'SIGKILL' : 'SIGTERM');
    await sleep(pauseMs);
    await this.begin();
    this.tell(`${this.name} is started`);
  }

  /** Of the process, or null while there is none. */
  protected abstract pid(): number | null;
  protected abstract begin(): Promise<void>;
  protected abstract end(signal: NodeJS.Signals): Promise<void>;
}

/** A program of ours: started again, as a supervisor would, when it ends by itself. */
export class Program extends Running {
  readonly #spawn: () => Child;
  #child: Child | null = null;
  /** Output of those that are gone. */
  #past = '';

  constructor(name: string, tell: Tell, spawn: () => Child) {
    super(name, tell);
    this.#spawn = spawn;
  }

  get output(): string {
    return this.#past + (this.#child?.output ?? '');
  }

  override pid(): number | null {
    return this.#child?.process.pid ?? null;
  }

  override async begin(): Promise<void> {
    const child = this.#spawn();
    this.#child = child;
    void child.exited.then(async code => {
      this.#past += child.output;
      if (this.#child !== child) return;
      this.tell(`${this.name} ended by itself with ${code}`);
      await sleep(RESTART_MS);
      if (this.#child === child) await this.begin();
    });
  }

  override async end(name: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    this.#child = null;
    const code = await child?.stop(name);
    if (name !== 'SIGKILL' && code !== 0) this.tell(`${this.name} ended with ${code}`);
  }
}

/** A server of test/parts. */
export class Server extends Running {
  readonly #server: { readonly child: Child; restart(): Promise<void> };

  constructor(name: string, tell: Tell, server: { readonly child: Child; restart(): Promise<void> }) {
    super(name, tell);
    this.#server = server;
  }

  protected override pid(): number | null {
    return this.#server.child.process.pid ?? null;
  }

  protected override begin(): Promise<void> {
    return this.#server.restart();
  }

  protected override async end(name: NodeJS.Signals): Promise<void> {
    await this.#server.child.stop(name);
  }
}

/** A file of SQLite, which another process keeps from being written. */
export class LockedFile extends Part {
  readonly #path: string;

  constructor(name: string, tell: Tell, path: string) {
    super(name, tell);
    this.#path = path;
  }

  protected override async suffer({ pauseMs }: Disturbance): Promise<void> {
    const db = new DatabaseSync(this.#path, { timeout: LOCK_WAIT_MS });
    try {
      db.exec('BEGIN IMMEDIATE');
      this.tell(`${this.name} is locked for ${pauseMs} ms`);
      await sleep(pauseMs);
      db.exec('ROLLBACK');
      this.tell(`${this.name} is free`);
    } finally {
      db.close();
    }
  }
}

/** The bpftrace of a collector, which starts it again itself. */
export class Bpftrace extends Running {
  readonly #collector: Program;

  constructor(tell: Tell, collector: Program) {
    super('bpftrace', tell);
    this.#collector = collector;
  }

  protected override pid(): number | null {
    const parent = this.#collector.pid();
    if (parent === null) return null;
    try {
      const [child] = readFileSync(`/proc/${parent}/task/${parent}/children`, 'utf8')
        .split(' ')
        .filter(Boolean);
      return child === undefined ? null : Number(child);
    } catch {
      return null;
    }
  }

  protected override async begin(): Promise<void> {}

  protected override async end(name: NodeJS.Signals): Promise<void> {
    signal(this.pid(), name);
  }
}

/** A process that is gone feels nothing. */
function signal(pid: number | null, name: NodeJS.Signals): void {
  if (pid === null) return;
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
