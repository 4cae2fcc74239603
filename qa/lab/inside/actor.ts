/**
 * An ordinary program of the laboratory, the first process of its container: `node actor.ts ROLE OPTIONS`.
 *
 *   serve    answers each request, after asking others for it
 *   request  asks servers at random times, more by day than by night
 *   poll     asks a server at equal intervals; now and then what it hears makes work
 *   check    opens a connection to each server at equal intervals, asks, closes it
 *   batch    now and then reads a lot for half a minute
 *   job      asks a number of times, and ends
 *   sink     takes all that it is sent, answers what is small
 *
 * SIGUSR2 makes it faulty, until the next one: `--faulty-size 0.5` makes answers half as large, with `--faulty-weights 3,1,1`
 * not all servers are asked as often.
 */
import { connect, createServer } from 'node:net';
import { parseArgs } from 'node:util';
import { Client, message, nextOf, onMessages, sizeOf, targetOf } from './traffic.ts';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    port: { type: 'string', default: '0' },
    to: { type: 'string', multiple: true, default: [] },
    request: { type: 'string', default: '100' },
    answer: { type: 'string', default: '1000' },
    rate: { type: 'string', default: '1' },
    share: { type: 'string', default: '1' },
    day: { type: 'string', default: '0' },
    depth: { type: 'string', default: '0' },
    'faulty-size': { type: 'string', default: '1' },
    'faulty-weights': { type: 'string' },
  },
});
const [request, answer] = [sizeOf(values.request), sizeOf(values.answer)];
const [rate, share] = [Number(values.rate), Number(values.share)];
const targets = values.to.map(targetOf);
const clients = targets.map(target => new Client(target));
let isFaulty = false;
process.on('SIGUSR2', () => {
  isFaulty = !isFaulty;
});
process.on('SIGTERM', () => process.exit(0));

const sleep = (ms: number) => new Promise(resolve => setTimeout(resolve, ms));

function serve(): void {
  createServer({ noDelay: true }, socket => {
    socket.on('error', () => socket.destroy());
    onMessages(socket, async () => {
      await Promise.all(clients.map(client => Math.random() < share && client.ask(message(request))));
      const factor = isFaulty ? Number(values['faulty-size']) : 1;
      if (!socket.destroyed) socket.write(message(answer, factor));
    });
  }).listen(Number(values.port));
}

/** Share of the rate: 1 at noon, when it was started, 1 - depth at midnight. */
function daylight(): number {
  const day = 1000 * Number(values.day);
  if (day === 0) return 1;
  return 1 - Number(values.depth) * (0.5 - 0.5 * Math.cos((2 * Math.PI * performance.now()) / day));
}

async function ask(): Promise<void> {
  const even = clients.map(() => 1);
  const faulty = values['faulty-weights']?.split(',').map(Number) ?? even;
  for (;;) {
    await sleep(nextOf(rate * daylight()));
    void clients[drawn(isFaulty ? faulty : even)]?.ask(message(request));
  }
}

function drawn(weights: readonly number[]): number {
  let left = Math.random() * weights.reduce((a, b) => a + b, 0);
  return weights.findIndex(weight => {
    left -= weight;
    return left < 0;
  });
}

async function poll(): Promise<void> {
  const [queue, store] = clients;
  for (;;) {
    await sleep(1000 / rate);
    const heard = await queue?.ask(message(request));
    if (!heard || Math.random() > share) continue;
    for (let i = 0; i < 3; i++) await store?.ask(message(request));
  }
}

async function check(): Promise<void> {
  for (;;) {
    await sleep(1000 / rate);
    for (const target of targets) {
      const socket = connect(target, () => socket.write(message(request)));
      socket.on('error', () => undefined);
      socket.setTimeout(1000, () => socket.destroy());
      onMessages(socket, () => socket.end());
    }
  }
}

async function batch(): Promise<void> {
  for (;;) {
    await sleep(240_000 * (0.5 + Math.random()));
    const until = performance.now() + 1000 * (20 + 20 * Math.random());
    while (performance.now() < until) {
      await clients[0]?.ask(message(request));
      await sleep(nextOf(rate));
    }
  }
}

async function job(): Promise<void> {
  for (let i = 0; i < rate * (0.8 + 0.4 * Math.random()); i++) {
    await clients[0]?.ask(message(request));
    await sleep(nextOf(20));
  }
  process.exit(0);
}

function sink(): void {
  createServer({ noDelay: true }, socket => {
    socket.on('error', () => socket.destroy());
    onMessages(socket, bytes => bytes < 1000 && !socket.destroyed && socket.write(message(answer)));
  }).listen(Number(values.port));
}

const ROLES = { serve, request: ask, poll, check, batch, job, sink };
const role = Object.entries(ROLES).find(([name]) => name === positionals[0])?.[1];
if (!role)
  throw new Error(`unknown role ${positionals[0]}, expected one of ${Object.keys(ROLES).join(', ')}`);
await role();
