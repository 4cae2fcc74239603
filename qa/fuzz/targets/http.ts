import { createServer } from 'node:net';
import { SCHEMA } from '../../../app/wire.ts';
import { dockerClient } from '../../../backends/docker/client.ts';
import type { Description } from '../../../collector/contract.ts';
import { watchDocker } from '../../../collector/identity/docker.ts';
import { systemClock as clock } from '../../../core/clock.ts';
import { createReceivers } from '../../../notify/index.ts';
import { incidentOf, notificationOf } from '../../../test/data/incidents.ts';
import { answerAsDocker } from '../../../test/parts/docker-answers.ts';
import { recordingLog } from '../../../test/parts/log.ts';
import type { Prepared, Target, Verdict } from '../contract.ts';
import { broken } from '../fuzz.ts';
import { mutateBytes, mutateText } from '../mutate.ts';

/** What servers answer that we talk HTTP with: receivers of webhooks, and the Docker Engine. */

const RESPONSES = [
  'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok',
  'HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n',
  'HTTP/1.1 302 Found\r\nLocation: http://x.example/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n',
  'HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nContent-Length: 15\r\nConnection: close\r\n\r\n{"error":"nope"}',
  'HTTP/1.1 429 Too Many Requests\r\nRetry-After: 120\r\nContent-Length: 0\r\nConnection: close\r\n\r\n',
  'HTTP/1.1 503 Unavailable\r\nRetry-After: Wed, 21 Oct 2026 07:28:00 GMT\r\nContent-Length: 0\r\nConnection: close\r\n\r\n',
  'HTTP/1.1 500 Oops\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n4\r\nabcd\r\n0\r\n\r\n',
];

export const webhooks: Target = {
  name: 'webhooks',
  what: 'answers of a receiver of webhooks, from the first byte on',
  share: 0.03,
  async prepare(): Promise<Prepared> {
    let answer: Buffer = Buffer.alloc(0);
    const server = createServer(socket => {
      socket.on('error', () => socket.destroy());
      socket.once('data', () => socket.end(answer));
    });
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    if (address === null || typeof address === 'string') throw broken('no port');
    const url = `http://127.0.0.1:${address.port}/hook`;
    const config = SCHEMA.parse({ receivers: [{ use: 'webhook', name: 'hook', url }] });
    const [receiver] = createReceivers(config.receivers, clock);
    if (!receiver) throw broken('no receiver');
    const { signal } = new AbortController();
    const message = notificationOf(incidentOf(1_700_000_000_000), 'hook');
    return {
      async play(random) {
        answer = mutateBytes(Buffer.from(random.pick(RESPONSES)), random);
        const outcome = await receiver.deliver(message, signal);
        if (outcome.kind === 'accepted') return 'accepted';
        if (outcome.reason === '') throw broken('refused without a reason');
        if (outcome.kind === 'retry' && !((outcome.afterMs ?? 0) >= 0))
          throw broken(`a pause of ${outcome.afterMs} ms`);
        return 'refused';
      },
      stop: () => new Promise(resolve => server.close(() => resolve())),
    };
  },
};

const ID = 'ab'.repeat(32);
const LAST_ID = 'cd'.repeat(32);
const LABELS = { 'com.docker.compose.project': 'shop', 'com.docker.compose.service': 'web' };

const event = (id: string): string => {
  const Actor = { ID: id, Attributes: { name: 'web-1', image: 'web:1', ...LABELS } };
  return JSON.stringify({ Type: 'container', Action: 'start', Actor, time: 1_700_000_000 });
};
const LIST = JSON.stringify([
  { Id: ID, Names: ['/web-1', '/other/alias'], Image: `sha256:${ID}`, Labels: LABELS, State: 'running' },
]);
const INSPECT = JSON.stringify({ Id: ID, Name: '/web-1', Config: { Image: 'web:1', Labels: LABELS } });

export const docker: Target = {
  name: 'docker',
  what: 'lists, inspections and events of the Docker Engine',
  share: 0.02,
  async prepare(): Promise<Prepared> {
    const answers = { list: LIST, inspect: INSPECT, events: [''] };
    const server = answerAsDocker(answers);
    return {
      play(random) {
        const wrong = random.next();
        answers.list = wrong < 0.3 ? mutateText(LIST, random) : LIST;
        answers.inspect = wrong >= 0.3 && wrong < 0.6 ? mutateText(INSPECT, random) : INSPECT;
        const first = wrong >= 0.6 ? mutateText(event(ID), random) : event(ID);
        answers.events = [first, event(LAST_ID)].map(text => `${text}\n`);
        return follow(server.socket);
      },
      stop: async () => server.stop(),
    };
  },
};

/** Until the last event, which is a good one; when the list is none, until that is noticed. */
async function follow(socket: string): Promise<Verdict> {
  const client = dockerClient(socket);
  if (!client) throw broken('no client');
  const last = Promise.withResolvers<void>();
  const { log, lines } = recordingLog();
  const described = (description: Description) => {
    if (!/^[0-9a-f]{64}$/.test(description.id)) throw broken(`a container with the id ${description.id}`);
    if (description.id === LAST_ID) last.resolve();
  };
  const watcher = watchDocker(
    client,
    { described, forgotten() {}, reached() {}, connected() {}, networkMade() {}, exited() {} },
    { clock, log },
  );
  await watcher.listed;
  const { connected } = watcher;
  if (connected) await last.promise;
  await watcher.stop();
  return connected && lines.every(({ level }) => level === 'debug') ? 'accepted' : 'refused';
}
