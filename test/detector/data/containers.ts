import type { Window } from '../../../core/traffic/frame.ts';
import { bucketOf } from '../../../core/traffic/histogram.ts';
import type { ContainerInput } from '../../../detector/contract.ts';
import { inputOf } from '../../../detector/shared/example-inputs.ts';

/** Inputs of detectors of containers: consecutive frames of one container. */

export const START = Date.UTC(2026, 0, 5);

/** What one frame holds: messages each way, and their sizes in bytes. */
export interface Both {
  readonly sent: number;
  readonly received: number;
  readonly sentSize?: number;
  readonly receivedSize?: number;
}

function windowOf(direction: Window['direction'], messages: number, size: number): Window | undefined {
  if (messages === 0) return undefined;
  const sizes = [[bucketOf(size), messages]] as const;
  return { container: 'web', direction, messages, bytes: messages * size, sizes };
}

/** Frame of `durationMs` that starts `at` ms after a Monday's midnight. */
export function inputAt(at: number, both: Both, durationMs = 5000, id = 'web-0'): ContainerInput {
  return inputOf(
    { name: 'web', kind: 'container', service: 'web', replica: '1', image: 'web:1', id },
    { start: START + at, durationMs },
    {
      send: windowOf('send', both.sent, both.sentSize ?? 300),
      receive: windowOf('receive', both.received, both.receivedSize ?? 150),
    },
  );
}

/** `n` frames of what `make` says of each. */
export const frames = (n: number, make: (i: number) => Both, durationMs = 5000): ContainerInput[] =>
  Array.from({ length: n }, (_, i) => inputAt(i * durationMs, make(i), durationMs));
