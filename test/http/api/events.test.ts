import { once } from 'node:events';
import { request } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import Fastify, { type FastifyInstance } from 'fastify';
import { Access } from '../../../http/api/access.ts';
import { addEvents } from '../../../http/api/events.ts';
import { until } from '../../parts/process.ts';

/** How many bytes the health of all hosts has: more than what goes into a socket at once. */
const MUCH = 300_000;

describe('events', () => {
  let app: FastifyInstance;
  let url: string;
  /** What was looked at, and what ends the wait before it is looked at again. */
  let looks: number;
  let again: () => void;
  let isLookedAt: boolean;

  beforeEach(async () => {
    app = Fastify({ forceCloseConnections: true });
    [looks, isLookedAt] = [0, true];
    addEvents(app, {
      access: new Access([], '127.0.0.1'),
      reader: {
        prepare: () => undefined,
        async read(id) {
          if (id !== 'getHealth') return { json: '[]', next: null };
          looks++;
          return { json: JSON.stringify({ looks, hosts: 'x'.repeat(MUCH) }), next: null };
        },
      },
      clock: {
        sleep: (_, signal) =>
          new Promise(resolve => {
            again = resolve;
            signal?.addEventListener('abort', () => {
              isLookedAt = false;
              resolve();
            });
          }),
      },
    });
    url = await app.listen({ host: '127.0.0.1', port: 0 });
  });
  afterEach(async () => {
    await app.close();
  });

  it('of any length are told to who reads them, again and again', async () => {
    const { body } = await fetch(`${url}/events`);
    if (!body) throw new Error('no events');
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    for (const look of [1, 2, 3]) {
      while (!text.includes(`{"looks":${look},`) || !text.endsWith('\n\n')) {
        const { value, done } = await reader.read();
        if (done) throw new Error('the events ended');
        text += value;
      }
      again();
    }
    expect(text.match(/^event: health$/gm)).toHaveLength(3);
    await reader.cancel();
  }, 60_000);

  it('do not pile up for one who does not read them: the connection is closed', async () => {
    const asked = request(`${url}/events`).end();
    const [answer] = await once(asked, 'response');
    answer.on('error', () => undefined);
    answer.pause();
    // More than the kernel holds for a connection.
    for (let look = 1; look < 200 && isLookedAt; look++) {
      await until('it to be looked at', () => looks >= look || !isLookedAt);
      again();
      await new Promise(setImmediate);
    }
    await until('it to be let go', () => !isLookedAt);
    answer.destroy();
  }, 60_000);
});
