import { configSchema, type Rule } from '../../../core/config/config.ts';
import {
  type Container,
  compareText,
  compareWindows,
  type Frame,
  type Window,
} from '../../../core/traffic/frame.ts';
import { bucketOf } from '../../../core/traffic/histogram.ts';
import type { AnyDetector } from '../../../detector/contract.ts';
import { DETECTORS } from '../../../detector/index.ts';

/** A container of its own service. */
export const container = (name: string, more: Partial<Container> = {}): Container => ({
  name,
  kind: 'container',
  service: name,
  replica: name,
  image: '',
  id: '',
  ...more,
});

/** A window of `messages` sends or receives of `size` bytes each. */
export const window = (
  name: string,
  direction: Window['direction'],
  messages: number,
  size: number,
): Window => ({
  container: name,
  direction,
  messages,
  bytes: messages * size,
  sizes: [[bucketOf(size), messages]],
});

/** Frame number `i` of a host, 5 s long and complete unless said otherwise. */
export function frame(
  i: number,
  containers: readonly Container[],
  windows: readonly Window[],
  more: Partial<Frame> = {},
): Frame {
  return {
    host: 'host-a',
    start: 1_700_000_000_000 + i * 5000,
    durationMs: 5000,
    previous: i === 0 ? null : 1_700_000_000_000 + (i - 1) * 5000,
    faults: [],
    lost: 0,
    occupancy: 0.1,
    containers: [...containers].sort((a, b) => compareText(a.name, b.name)),
    started: [],
    ended: [],
    windows: [...windows].sort(compareWindows),
    flows: [],
    connections: [],
    ...more,
  };
}

/** Rules as the configuration gives them. */
export const rules = (
  written: readonly Record<string, unknown>[],
  detectors: readonly AnyDetector[] = DETECTORS,
): readonly Rule[] => configSchema(detectors, [], []).parse({ detectors: written }).detectors;
