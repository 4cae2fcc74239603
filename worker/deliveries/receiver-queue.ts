import type { Message } from '../../alert/policy/message.ts';
import { CAPS } from '../../core/caps.ts';
import type { Clock } from '../../core/clock.ts';
import type { Receiver, Repetition } from '../../notify/contract.ts';
import type { Deliveries } from '../../state/contract.ts';
import { Pace } from './pace.ts';
import type { Planner } from './planner.ts';

/** How long to wait when nothing is due, ms. */
const IDLE_MS = 250;
/** How many due deliveries are read at once; of those who take groups as many as one message tells. */
const BATCH = 16;

/** After so long, ms, what waits its turn is planned anew: somebody may have silenced it. */
const STALE_MS = 5000;

export interface ReceiverQueueDeps {
  readonly state: Pick<Deliveries, 'dueDeliveries' | 'pauseOf'>;
  readonly clock: Clock;
  readonly random: () => number;
  /** Tell the receiver again of what fires. */
  readonly repeat: (receiver: Receiver, repetition: Repetition) => Promise<void>;
  /** Makes messages of what is due. */
  readonly planner: Pick<Planner, 'plan' | 'began'>;
  /** Attempt one message and record how it ended; rejects when that cannot be recorded. */
  readonly attempt: (receiver: Receiver, message: Message, pace: Pace) => Promise<void>;
}

/** What is due to one receiver, sent at its pace: as many at once, as often, and after such pauses as it takes. */
export class ReceiverQueue {
  readonly #receiver: Receiver;
  readonly #deps: ReceiverQueueDeps;
  readonly #pace: Pace;
  /** Due ones that were read and not begun. */
  #due: Message[] = [];
  /** When these were read, monotonic. */
  #read = Number.NEGATIVE_INFINITY;
  /** Attempts under way, by the key of the message. */
  readonly #running = new Map<string, Promise<void>>();
  /** Keys of all that these tell. */
  readonly #told = new Set<string>();
  /** Of a receiver that wants repetition: when the next is due, monotonic. At first at once: it may have been restarted. */
  #repeats = Number.NEGATIVE_INFINITY;
  #error: { readonly cause: unknown } | null = null;
  /** Whether it is known until when the receiver asked to be left alone, before this process. */
  #isResumed = false;

  constructor(receiver: Receiver, deps: ReceiverQueueDeps) {
    this.#receiver = receiver;
    this.#deps = deps;
    this.#pace = new Pace(receiver.limits, deps.random);
  }

  /** Begin the next attempt, or wait for the end of one. Returns the pause until the next round, ms. */
  async round(): Promise<number> {
    this.#throwError();
    await this.#resume();
    const { clock } = this.#deps;
    if (this.#running.size >= this.#pace.width) {
      await Promise.race(this.#running.values());
      this.#throwError();
      return 0;
    }
    const wait = this.#pace.waitMs(clock.monotonic());
    if (wait > 0) {
      // After the pause another message may be the first.
      this.#due = [];
      return wait;
    }
    await this.#repeatWhenDue();
    if (clock.monotonic() - this.#read >= STALE_MS) this.#due = [];
    const message = this.#due.shift() ?? (await this.#plan());
    if (message === undefined) return IDLE_MS;
    this.#begin(message);
    return 0;
  }

  /** Wait for what is under way. */
  async drain(): Promise<void> {
    await Promise.all(this.#running.values());
  }

  async #resume(): Promise<void> {
    if (this.#isResumed) return;
    const { state, clock } = this.#deps;
    const until = await state.pauseOf(this.#receiver.name);
    this.#isResumed = true;
    if (until !== null) this.#pace.resume(until - clock.now(), clock.monotonic());
  }

  async #repeatWhenDue(): Promise<void> {
    const { clock, repeat } = this.#deps;
    const { repetition } = this.#receiver;
    const now = clock.monotonic();
    if (!repetition || now < this.#repeats) return;
    await this.drain();
    this.#throwError();
    // Also when it fails: what asks for the state goes on after the pause of that failure.
    this.#repeats = now + repetition.everyMs;
    await repeat(this.#receiver, repetition);
  }

  #begin(message: Message): void {
    const { clock, planner, attempt } = this.#deps;
    const keys = [message.lead, ...message.others].map(({ notification }) => notification.key);
    const [key = ''] = keys;
    // Before anything is waited for: the next round asks when the next one may begin.
    this.#pace.began(clock.monotonic());
    planner.began(message, clock.now());
    for (const each of keys) this.#told.add(each);
    const running = attempt(this.#receiver, message, this.#pace)
      .catch((cause: unknown) => {
        this.#error ??= { cause };
      })
      .finally(() => {
        this.#running.delete(key);
        for (const each of keys) this.#told.delete(each);
      });
    this.#running.set(key, running);
  }

  async #plan(): Promise<Message | undefined> {
    const { state, clock, planner } = this.#deps;
    const { name, takesGroups } = this.#receiver;
    const limit = (takesGroups ? CAPS.groupedDeliveries.limit : BATCH) + this.#told.size;
    this.#read = clock.monotonic();
    const due = await state.dueDeliveries(name, clock.now(), limit);
    this.#due = await planner.plan(due.filter(({ notification }) => !this.#told.has(notification.key)));
    return this.#due.shift();
  }

  #throwError(): void {
    const error = this.#error;
    if (error === null) return;
    this.#error = null;
    this.#due = [];
    throw error.cause;
  }
}
