/**
 * One actor of the demonstration, run inside its own container or cgroup by `node actor.ts ROLE …`. Real sockets on
 * loopback, no dependencies:
 *
 *   db PORT SINK LEAK_MS   answers queries; when the sink says so, sends a lot to it, as if copied out
 *   api PORT DB_PORT       answers requests, with one query to the db for each
 *   web API_PORT           makes about twenty requests a second
 */
import { connect, createServer, type Socket } from 'node:net';

const HOST = '127.0.0.1';
/** One write of the leak, and how often: 16 KiB every 2 ms is about 8 MiB/s. */
const LEAK_BYTES = 16 * 1024;
const LEAK_EVERY_MS = 2;

const [role, ...ports] = process.argv.slice(2);
const numbers = ports.map(Number);

/** Deterministic noise in [0, 1): traffic that is alive, yet the same in every run (Numerical Recipes' LCG). */
function noise(seed: number): () => number {
  let x = seed >>> 0;
  return () => {
    x = (Math.imul(x, 1_664_525) + 1_013_904_223) >>> 0;
    return x / 2 ** 32;
  };
}

/** An actor's peer may start later or end earlier: try again until it is there. */
function client(port: number, onOpen: (socket: Socket) => void): void {
  const socket = connect(port, HOST, () => onOpen(socket));
  socket.on('error', () => socket.destroy());
  socket.on('close', () => setTimeout(() => client(port, onOpen), 200));
}

function db(port: number, sink: number, leakMs: number): void {
  const random = noise(1);
  createServer(socket => {
    socket.on('error', () => socket.destroy());
    socket.on('data', () => socket.write(Buffer.alloc(600 + Math.floor(random() * 400))));
  }).listen(port, HOST);
  client(sink, socket => socket.once('data', () => leak(socket, leakMs)));
}

function leak(socket: Socket, leakMs: number): void {
  const block = Buffer.alloc(LEAK_BYTES);
  const timer = setInterval(() => socket.writableNeedDrain || socket.write(block), LEAK_EVERY_MS);
  setTimeout(() => clearInterval(timer), leakMs);
}

function api(port: number, dbPort: number): void {
  const random = noise(2);
  let answer: (() => void) | undefined;
  let query: Socket | undefined;
  client(dbPort, socket => {
    query = socket;
    socket.on('data', () => answer?.());
  });
  createServer(socket => {
    socket.on('error', () => socket.destroy());
    socket.on('data', () => {
      answer = () => socket.write(Buffer.alloc(1500 + Math.floor(random() * 3000)));
      query?.write(Buffer.alloc(120 + Math.floor(random() * 80)));
    });
  }).listen(port, HOST);
}

function web(apiPort: number): void {
  const random = noise(3);
  client(apiPort, socket => {
    const next = () => {
      if (socket.destroyed) return;
      socket.write(Buffer.alloc(200 + Math.floor(random() * 300)));
      setTimeout(next, 30 + random() * 40);
    };
    socket.on('data', () => undefined);
    next();
  });
}

const [a = 0, b = 0, c = 0] = numbers;
if (role === 'db') db(a, b, c);
else if (role === 'api') api(a, b);
else if (role === 'web') web(a);
else throw new Error(`unknown role ${role}`);
process.on('SIGTERM', () => process.exit(0));
