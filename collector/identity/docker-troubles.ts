import { CALLS, type Call, refusalOf } from '../../backends/docker/access.ts';
import { describeError, errorCode } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';

/** Calls that names come from. */
export const NEEDED = ['list', 'inspect', 'events'] as const satisfies readonly Call[];
export type Needed = (typeof NEEDED)[number];

/** What it means that nobody tells names. */
export const NAMELESS = 'containers have no names, and rules that match names never fire';

const CONSEQUENCES: Readonly<Record<Needed, string>> = {
  list: 'containers that run already are described one by one as they are met',
  inspect:
    'containers are named from the list instead; one whose image has lost its tag is of the service that its name gives',
  events:
    'containers are listed every 5 s instead; new names are seen that much later, and a container of a moment may have none',
};

/** What is missing when exactly these calls are refused, and how it goes on. */
export function consequenceOf(refused: ReadonlySet<Needed>): string {
  if (NEEDED.every(call => refused.has(call))) return NAMELESS;
  if (refused.has('list') && refused.has('inspect')) return 'containers that run already have no names';
  if (refused.has('list') && refused.has('events'))
    return 'containers are described one by one as they are met; later changes of names and networks are not seen';
  return NEEDED.filter(call => refused.has(call))
    .map(call => CONSEQUENCES[call])
    .join('; ');
}

/** Says once each what Docker, or the proxy before it, does not tell. */
export class DockerTroubles {
  readonly #log: Log;
  readonly #explicit: boolean;
  readonly #refused = new Set<Needed>();
  #isUnreachable = false;

  /** `explicit`: the address was configured, so somebody should answer there. */
  constructor(log: Log, explicit: boolean) {
    this.#log = log;
    this.#explicit = explicit;
  }

  /** Everything that names come from is refused. */
  get nameless(): boolean {
    return this.#refused.size === NEEDED.length;
  }

  /** Whether the call was refused; that is said once. */
  refused(call: Needed, error: unknown): boolean {
    const status = refusalOf(call, error);
    if (status !== null) this.tell(call, `status ${status}`);
    return status !== null;
  }

  /** Say once that a call is refused, with what it means beside those that were before. */
  tell(call: Needed, reason: string): void {
    if (this.#refused.has(call)) return;
    const all = this.#refused.add(call);
    const isCombined = consequenceOf(all) !== [...all].map(one => CONSEQUENCES[one]).join('; ');
    const consequence = isCombined ? consequenceOf(all) : CONSEQUENCES[call];
    this.#log.warn(
      { reason },
      `Docker, or a proxy before it, refuses ${CALLS[call]}: ${consequence}. Let it pass; tidegauge doctor tries all calls`,
    );
  }

  /** An absent Docker is no trouble, and who may not use its socket is told at the start (app/rights.ts). */
  unreachable = (error: unknown): void => {
    const reason = describeError(error);
    const isQuiet = errorCode(error) === 'EACCES' || (!this.#explicit && errorCode(error) === 'ENOENT');
    if (isQuiet || this.#isUnreachable) {
      this.#log.debug({ reason }, 'docker: not reachable');
      return;
    }
    this.#isUnreachable = true;
    this.#log.warn(
      { reason },
      'Docker cannot be asked: containers keep the names that they have, new ones get none; it is tried again and again',
    );
  };
}
