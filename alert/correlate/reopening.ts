import { CAPS } from '../../core/caps.ts';
import { type Incident, roundOf } from '../../core/incident/incident.ts';
import type { Frame } from '../../core/traffic/frame.ts';
import type { Settings } from '../contract.ts';

/** Whether an incident was over so shortly before a frame that it goes on when it fires again. */
export const isReopening = ({ resolvedAt }: Incident, frame: Frame, { alert }: Settings): boolean =>
  frame.start - (resolvedAt ?? 0) < alert.reopen_within;

/** Incidents that go on when they fire again. */
export class Reopening {
  readonly #frame: Frame;
  readonly #byId: Map<string, Incident>;

  constructor(closed: readonly Incident[], frame: Frame, settings: Settings) {
    this.#frame = frame;
    const recent = closed.filter(incident => isReopening(incident, frame, settings));
    this.#byId = new Map(recent.map(incident => [incident.id, incident]));
  }

  /** The incident, firing again, or undefined. */
  take(id: string): Incident | undefined {
    const found = this.#byId.get(id);
    if (!found) return undefined;
    this.#byId.delete(id);
    const { ended: _, ...incident } = found;
    return { ...incident, resolvedAt: null, reopenedAt: this.#frame.start };
  }

  /** Those that are left and those that are over now; one that was reopened, or flaps, has been quiet for long. */
  with(over: readonly Incident[]): Incident[] {
    for (const incident of over)
      if (roundOf(incident) === 1 && !incident.flapping) this.#byId.set(incident.id, incident);
    return [...this.#byId.values()].slice(-CAPS.openIncidents.limit);
  }
}
