import type { Source } from './pages.ts';

/** What the tables need of their store. `policy`: name of a tier, or none for what is as it was captured. */
export interface Access {
  /** For messages: where the rows come from. */
  readonly place: string;
  readonly from: (measurement: string, policy?: string) => Source;
  readonly write: (lines: readonly string[], policy?: string) => Promise<void>;
}
