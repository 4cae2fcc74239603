import {
  DIRECTIONS,
  type Direction,
  FAULTS,
  type Fault,
  type Frame,
  frameEnd,
} from '../../core/traffic/frame.ts';

/** The newest frame. */
interface Newest {
  /** When it arrived, on the monotonic clock, ms: its end is wall time, which may be set. */
  readonly came: number;
  /** Epoch ms. */
  readonly end: number;
  readonly containers: number;
  readonly occupancy: number;
}

/** Totals over the frames of a capture since its start, and facts of the newest one. */
export class FrameStats {
  frames = 0;
  /** Frames with this fault; one frame may have several. */
  readonly faults = new Map<Fault, number>(FAULTS.map(fault => [fault, 0]));
  readonly windows = new Map<Direction, number>(DIRECTIONS.map(direction => [direction, 0]));
  /** Null before the first. */
  newest: Newest | null = null;

  /** `came`: now, on the monotonic clock, ms. */
  add(frame: Frame, came: number): void {
    this.frames++;
    for (const fault of frame.faults) this.faults.set(fault, (this.faults.get(fault) ?? 0) + 1);
    for (const { direction } of frame.windows) {
      this.windows.set(direction, (this.windows.get(direction) ?? 0) + 1);
    }
    const { occupancy, containers } = frame;
    this.newest = { came, end: frameEnd(frame), containers: containers.length, occupancy };
  }
}
