import type { Probe } from '../../bpf/contract.ts';
import type { Frame } from '../../core/traffic/frame.ts';
import type { Event, Input } from '../contract.ts';
import { parseLine } from '../decode/parse.ts';
import { Scanner } from '../decode/scan.ts';
import { type BuilderOptions, FrameBuilder } from './builder.ts';

/** Inputs -> frames: the same code for a live capture and for a recording. */
export class Pipeline {
  readonly probe: Probe;
  readonly builder: FrameBuilder;
  readonly #scan = new Scanner();

  constructor(probe: Probe, options: BuilderOptions) {
    this.probe = probe;
    this.builder = new FrameBuilder(options);
  }

  /** What an input says, if it is a line of bpftrace. */
  parse(input: Input): readonly Event[] {
    return input.kind === 'line' ? parseLine(this.probe, input.text, this.#scan) : [];
  }

  /** End of input: the frame that was still open, if it is complete. */
  finish(): Frame[] {
    return this.builder.finish();
  }

  /** Add an input; returns the frames that it completes. `events`: what `parse` returned for it. */
  feed(input: Input, events: readonly Event[] = this.parse(input)): Frame[] {
    if (input.kind !== 'line') return this.builder.learn(input);
    return events.flatMap(event => this.builder.step(event, input));
  }
}
