import { z } from 'zod';
import { isoTime } from '../../../core/clock.ts';
import { operation } from '../operation.ts';

/** Hosts told about at most. */
const HOSTS = 1000;
/** Incidents looked at. */
const LIMIT = 10_000;

const healthSchema = z.strictObject({
  time: z.iso.datetime().describe('Of the clock that ranges are relative to.'),
  host: z.string().describe('The host that is meant where a request names none.'),
  hosts: z
    .array(
      z.strictObject({
        host: z.string(),
        first_frame: z.iso.datetime().nullable().describe('Start of the oldest frame that is kept.'),
        last_frame: z.iso.datetime().nullable().describe('End of the newest one.'),
        silent_ms: z.number().nullable().describe('Time since then.'),
      }),
    )
    .describe('All hosts that frames are stored of.'),
  open_incidents: z.int(),
});

export const healthOperations = [
  operation({
    id: 'getHealth',
    method: 'GET',
    path: '/health',
    summary: 'What is covered, and how new it is: the hosts with their oldest and newest frames.',
    answer: healthSchema,
    async run({ state, store, host, now }) {
      const hosts: z.output<typeof healthSchema>['hosts'] = [];
      for (const name of (await store.hosts()).slice(0, HOSTS)) {
        const first = await store.firstFrame(name);
        const last = await store.lastFrame(name);
        hosts.push({
          host: name,
          first_frame: first === null ? null : isoTime(first),
          last_frame: last === null ? null : isoTime(last.to),
          silent_ms: last === null ? null : Math.max(0, now - last.to),
        });
      }
      const firing = await state.incidents({ from: now, to: now + 1 }, LIMIT);
      const open = firing.filter(({ resolvedAt }) => resolvedAt === null).length;
      return { value: { time: isoTime(now), host, hosts, open_incidents: open } };
    },
  }),
];
