import type { HostOutput } from '../../alert/host.ts';
import type { Incident } from '../../core/incident/incident.ts';
import type { Judged } from '../../core/incident/verdict.ts';
import type { Interval } from '../../core/interval.ts';
import type { Frame } from '../../core/traffic/frame.ts';
import { type IncidentRecord, IncidentRecorder, isDrawn } from './incident-record.ts';
import { PastFrame } from './past-frame.ts';

/** What is shown before an incident and after it, ms; of short frames less. */
const AROUND_MS = 600_000;
/** Frames that are remembered, for what was before an incident. */
const REMEMBERED = 120;
/** Incidents that are recorded: of further ones only what the fold says of them is known. */
export const RECORDED_INCIDENTS = 100;

interface Past {
  readonly frame: PastFrame;
  readonly limits: readonly Judged[];
}

/**
 * Records what there is to be shown of the incidents of a review while it folds. One host after the other; memory is
 * bounded by the frames that are remembered and the incidents that are recorded.
 */
export class Recorder {
  readonly #range: Interval;
  readonly #past: Past[] = [];
  readonly #open = new Map<string, IncidentRecorder>();
  readonly #all = new Map<string, IncidentRecorder>();
  #host = '';

  constructor(range: Interval) {
    this.#range = range;
  }

  /** As `onStep` of a side. */
  add(frame: Frame, output: HostOutput | null): void {
    if (frame.host !== this.#host) this.#begin(frame.host);
    const limits: Judged[] = [];
    for (const verdict of output?.verdicts ?? [])
      if (verdict.kind === 'judged' && isDrawn(verdict)) limits.push(verdict);
    const incidents = output?.incidents ?? [];
    for (const incident of incidents) this.#open.get(incident.id)?.follow(incident);
    const past = this.#remember(frame, limits);
    for (const recorder of this.#open.values()) recorder.add(past, limits);
    for (const incident of incidents) this.#record(incident);
    this.#end(frame.start);
  }

  records(): ReadonlyMap<string, IncidentRecord> {
    return new Map([...this.#all].map(([id, recorder]) => [id, recorder.result()]));
  }

  #begin(host: string): void {
    this.#host = host;
    this.#past.length = 0;
    this.#open.clear();
  }

  #remember(frame: Frame, limits: readonly Judged[]): PastFrame {
    const since = frame.start - AROUND_MS;
    let free: PastFrame | undefined;
    while (this.#past.length >= REMEMBERED || (this.#past[0]?.frame.head.start ?? since) < since)
      free = this.#past.shift()?.frame;
    free?.keep(frame);
    const past = free ?? new PastFrame(frame);
    this.#past.push({ frame: past, limits });
    return past;
  }

  #record(incident: Incident): void {
    const { from, to } = this.#range;
    if (this.#all.has(incident.id) || incident.start >= to || incident.end <= from) return;
    if (this.#all.size >= RECORDED_INCIDENTS) return;
    const recorder = new IncidentRecorder(incident);
    for (const { frame, limits } of this.#past) recorder.add(frame, limits);
    this.#open.set(incident.id, recorder);
    this.#all.set(incident.id, recorder);
  }

  #end(now: number): void {
    for (const [id, { incident }] of this.#open)
      if (incident.resolvedAt !== null && now >= incident.end + AROUND_MS) this.#open.delete(id);
  }
}
