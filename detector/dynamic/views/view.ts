import type { Evidence } from '../../../core/incident/verdict.ts';
import type { Sharpness } from '../envelope.ts';
import type { Part, Traffic } from '../traffic.ts';

/** The families of views: what can be switched off, and what evidence names. */
export const VIEW_NAMES = [
  'level',
  'burst',
  'base',
  'ratio',
  'balance',
  'sizes',
  'by-size',
  'trickle',
  'silence',
] as const;
export type ViewName = (typeof VIEW_NAMES)[number];

/** What evidence says besides the name of the view; `text` without an end. */
export type Told = Evidence;

/** One number of a container's traffic of which greater is stranger: differences to its envelope are judged. */
export interface View {
  readonly name: ViewName;
  readonly sharp: Sharpness;
  /** Its envelope remembers times of day. */
  readonly daily: boolean;
  /**
   * `leads`: how much there is. `follows`: what comes of that as well, so that it is no news while there is as much as there
   * has been before.
   */
  readonly work?: 'leads' | 'follows' | undefined;
  /** The value of this part; null: none. Called once for each part, in the order of the table. */
  read(traffic: Traffic, part: Part): number | null;
  /** The value just read is no news of this view's, only learnt. */
  readonly isLearntOnly?: ((traffic: Traffic, part: Part) => boolean) | undefined;
  /** What the limit is multiplied with in this part; absent: 1. */
  readonly tolerance?: ((part: Part) => number) | undefined;
  /** What `value` means for people, where `bound` is the greatest value that does not alarm. */
  tell(value: number, bound: number, traffic: Traffic, part: Part): Told;
}
