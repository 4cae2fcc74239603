import { describe, expect, it } from '@jest/globals';
import { systemClock } from '../../core/clock.ts';
import type { Frame } from '../../core/traffic/frame.ts';
import { createInlineQueue } from '../../queue/inline.ts';
import { busyParts, frameOf } from '../data/frames.ts';
import { recordingLog } from '../parts/log.ts';
import { until } from '../parts/process.ts';

const flows = [80, 443, 5432].map(port => ({
  ...{ container: 'c0000', protocol: 'tcp' as const, role: 'client' as const },
  ...{ peerKind: 'container' as const, peer: 'c0001', port, address: '10.0.0.2' },
  ...{ sentMessages: 1, sentBytes: 2, receivedMessages: 3, receivedBytes: 4, connections: 1, failures: 0 },
}));
const connections = [1, 2, 3, 4, 5].map(host => ({
  ...{ container: 'c0000', kind: 'opened' as const },
  ...{ own: '10.0.0.1', peer: `10.0.1.${host}`, port: 443, clientPort: 0, count: 1 },
}));

describe('inline queue beyond its bound', () => {
  it('lets the oldest waiting frames go, never the newest nor the one that is handled', async () => {
    const { log, lines } = recordingLog();
    // A frame of 2 containers, 4 windows, 3 flows and 5 connections counts 15.
    const frame = (n: number) => frameOf('web-1', n, { ...busyParts(2), flows, connections });
    const queue = createInlineQueue({ lanes: 1, clock: systemClock, log, limit: 45 });
    const taken: Frame[] = [];
    let release: (() => void) | undefined;
    queue.consume(0, async frame => {
      taken.push(frame);
      await new Promise<void>(resolve => {
        release = resolve;
        if (taken.length > 1) resolve();
      });
    });
    await queue.publish(frame(0));
    await until('the first frame', () => release !== undefined);
    for (let n = 1; n < 10; n++) await queue.publish(frame(n));
    expect(await queue.depth()).toBe(3);
    release?.();
    await until('the newest', () => taken.length === 3);
    expect(taken).toEqual([frame(0), frame(8), frame(9)]);
    expect(queue.dropped).toBe(7);
    expect(lines.filter(line => line.level === 'warn')).toHaveLength(1);
    await queue.publish(frameOf('web-1', 10, busyParts(50)));
    await until('a frame that alone is beyond it', () => taken.length === 4);
    await queue.close();
  });
});
