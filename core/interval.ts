/** A half-open interval of time [from, to), epoch milliseconds. */
export interface Interval {
  readonly from: number;
  readonly to: number;
}
