import { expect, it } from '@jest/globals';
import { watchConnections } from '../../../collector/capture/live-connections.ts';
import type { Tracer } from '../../../collector/capture/tracer.ts';
import { systemClock } from '../../../core/clock.ts';
import { silentLog } from '../../parts/kernel/capture.ts';

const printed = (data: string) => JSON.stringify({ type: 'printf', data: `${data}\n` });
const connected = (port: number) =>
  printed(`connection 1162931413967 1 243 ${port} 80 ::ffff:10.0.0.2 ::ffff:10.0.0.3`);

/** A bpftrace that says these lines and ends at once, as when it was stopped. */
function saying(lines: readonly string[], onEnd: () => void): Tracer {
  async function* spoken() {
    yield* lines;
    onEnd();
  }
  return {
    choose: () => Promise.reject(new Error('not asked')),
    version: () => Promise.resolve('0.17.0'),
    start: () => ({
      lines: spoken(),
      exited: Promise.resolve({ code: 0, signal: null, stderr: '' }),
      stop: () => Promise.resolve(),
      kill() {},
    }),
    networkOfProcess: () => Promise.resolve(null),
  } as unknown as Tracer;
}

it('connections are told when their owners can be looked up, never before', async () => {
  const end = new AbortController();
  const told: string[] = [];
  await watchConnections({
    config: { bpftrace: 'bpftrace', docker: 'off', pods: 'off' },
    tracer: saying([connected(1), printed('begin 1162931413968 connections 1000 1'), connected(2)], () =>
      end.abort(),
    ),
    clock: systemClock,
    log: silentLog,
    signal: end.signal,
    onReady: () => told.push('ready'),
    onConnection: ({ ownPort }) => told.push(String(ownPort)),
  });
  expect(told).toEqual(['ready', '2']);
});
