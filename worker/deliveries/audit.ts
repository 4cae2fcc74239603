import { ackAnnotations, markAnnotation, silenceAnnotation } from '../../alert/audit.ts';
import { describeError } from '../../core/errors.ts';
import type { Annotation } from '../../core/incident/incident.ts';
import type { Silence } from '../../core/incident/silence.ts';
import type { Log } from '../../core/log.ts';
import { isRetriable } from '../../core/retry.ts';
import type { Acks, Marks, Silences } from '../../state/contract.ts';
import type { IncidentStore } from '../../store/contract.ts';

export interface AuditDeps {
  readonly state: Acks & Marks & Silences;
  readonly store: Pick<IncidentStore, 'writeAnnotations'>;
  readonly log: Pick<Log, 'error'>;
  /** Maintenance windows in force at a time, epoch ms. */
  readonly windows: (now: number) => readonly Silence[];
}

/** What happened so long before the start is taken as written, ms. */
const LOOK_BACK_MS = 86_400_000;

/**
 * Writes what people and calendars did into the store, where it is shown beside the incidents. Writing it again changes
 * nothing, so a new owner begins with the last day.
 */
export class Audit {
  readonly #deps: AuditDeps;
  /** Of the annotations of the last round that were written, how far they were, by id. */
  #written = new Map<string, string>();
  #mark = 0;
  /** Windows that were in force and have not been seen to end. */
  #windows: readonly Silence[] = [];

  constructor(deps: AuditDeps) {
    this.#deps = deps;
  }

  /** Write what is new at `now`, epoch ms. Rejects when state or store are away: the next round does it all. */
  async round(now: number): Promise<void> {
    const { state } = this.#deps;
    const since = now - LOOK_BACK_MS;
    const marks = await state.marks(null, this.#mark);
    const silences = (await state.silences(since)).filter(({ from }) => from <= now);
    const windows = new Map(
      [...this.#windows, ...this.#deps.windows(now)].map(one => [`${one.id} ${one.from}`, one]),
    );
    const annotations: Annotation[] = [
      ...[...silences, ...windows.values()].map(silence => silenceAnnotation(silence, now)),
      ...(await state.acks()).flatMap(ackAnnotations).filter(({ start }) => start >= since),
      ...marks.filter(({ at }) => at >= since).map(markAnnotation),
    ];
    const news = annotations.filter(one => this.#written.get(one.id) !== progressOf(one));
    if (news.length > 0) await this.#write(news);
    this.#written = new Map(annotations.map(one => [one.id, progressOf(one)]));
    this.#mark = marks.at(-1)?.seq ?? this.#mark;
    this.#windows = [...windows.values()].filter(({ until }) => until > now);
  }

  /** One that the store refuses for good must not keep back the others: it is told of, and left out. */
  async #write(annotations: readonly Annotation[]): Promise<void> {
    const { store, log } = this.#deps;
    try {
      await store.writeAnnotations(annotations);
    } catch (error) {
      if (isRetriable(error)) throw error;
      const [first, ...others] = annotations;
      if (first && others.length === 0) {
        log.error({ id: first.id, error: describeError(error) }, 'the store refused what somebody did');
        return;
      }
      for (const one of annotations) await this.#write([one]);
    }
  }
}

const progressOf = ({ state, end }: Annotation): string => `${state} ${end}`;
