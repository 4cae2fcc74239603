import type { Direction } from '../traffic/frame.ts';
import type { Metric } from '../traffic/series.ts';

/** What is judged: parts that do not apply to the detector's scope are null. */
export interface Scope {
  readonly service: string | null;
  readonly container: string | null;
  readonly direction: Direction | null;
  readonly metric: Metric | null;
}

/** The view of evidence that somebody is not running. */
export const ABSENCE_VIEW = 'absence';

/** Why a detector did not judge. */
export type Abstention = 'incomplete frame' | 'warming up' | 'no value' | 'not matched';

/** Why a score is what it is: enough for a person to check it by hand. */
export interface Evidence {
  /** What was seen, in `unit`. */
  readonly seen: number;
  /** The band that would have been normal, in `unit`; null where that side is open. */
  readonly low: number | null;
  readonly high: number | null;
  readonly unit: string;
  /** Which of its views a detector speaks of, if it has several: marks move the limit of each by itself. */
  readonly view?: string;
  /** What people's marks have multiplied the limit by, above 1; absent: nothing. */
  readonly raised?: number;
  /** Which traffic it is about, where the scope does not say. */
  readonly direction?: Direction;
  /** What was seen was seen over so much time up to the end of the frame, ms; absent: over the frame. */
  readonly overMs?: number;
  /** One sentence for people, no control characters: `12.1 MiB/s, expected 0.9 to 1.4 MiB/s`. */
  readonly text: string;
}

/** What a rule (a configured detector) says of one scope in one frame. */
export type Verdict = Judged | Abstained;

interface Said {
  /** Name of the rule. */
  readonly rule: string;
  readonly scope: Scope;
}

export interface Judged extends Said {
  readonly kind: 'judged';
  /** 1 is the rule's own alarm limit. Finite, >= 0. */
  readonly score: number;
  readonly evidence: Evidence;
  /** Of a rule that waits (`for`): how long its limit has been crossed, up to the end of the frame, ms. */
  readonly heldMs?: number;
}

export interface Abstained extends Said {
  readonly kind: 'abstained';
  readonly reason: Abstention;
  /** When it will judge if frames go on as they do, epoch ms; null: not known, or another reason than warming up. */
  readonly until: number | null;
}
