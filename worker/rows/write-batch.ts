import type { HostOutput } from '../../alert/host.ts';

/** What is written of a frame's output; verdicts and stopped alarms are not. */
export type FrameOutput = Pick<
  HostOutput,
  'detections' | 'expected' | 'annotations' | 'incidents' | 'notifications'
>;

export const NO_OUTPUT: FrameOutput = {
  detections: [],
  expected: [],
  annotations: [],
  incidents: [],
  notifications: [],
};

/** Outputs of frames that are folded but not written yet. */
export class WriteBatch {
  readonly outputs: FrameOutput[] = [];
  frames = 0;
  /** Rows for the store. */
  rows = 0;
  /** Start of the last of the frames, epoch ms. */
  last: number | null = null;

  add(...outputs: readonly FrameOutput[]): void {
    this.outputs.push(...outputs);
    for (const { detections, expected, annotations } of outputs)
      this.rows += detections.length + expected.length + annotations.length;
  }
}

/** Outputs of several frames as one, with only the newest version of each incident and annotation. */
export function mergeOutputs(outputs: readonly FrameOutput[]): FrameOutput {
  return {
    detections: outputs.flatMap(output => output.detections),
    expected: outputs.flatMap(output => output.expected),
    annotations: newest(outputs.flatMap(output => output.annotations)),
    incidents: newest(outputs.flatMap(output => output.incidents)),
    notifications: outputs.flatMap(output => output.notifications),
  };
}

function newest<T extends { readonly id: string }>(items: readonly T[]): T[] {
  return [...new Map(items.map(item => [item.id, item])).values()];
}
