/**
 * What all programs of the laboratory's containers speak: a message is any bytes without a newline, and one at its end.
 * Real TCP, no dependencies. A connection carries one request at a time, so that a message is one send.
 */
import { connect, type Socket } from 'node:net';

export interface Target {
  readonly host: string;
  readonly port: number;
}

/** Mean size in bytes, and the deviation of its logarithm. */
export interface Size {
  readonly mean: number;
  readonly sigma: number;
}

/** `HOST:PORT`. */
export function targetOf(text: string): Target {
  const [host = '', port] = text.split(':');
  return { host, port: Number(port) };
}

/** `MEAN` or `MEAN~SIGMA`. */
export function sizeOf(text: string): Size {
  const [mean, sigma = 0.4] = text.split('~').map(Number);
  return { mean: mean ?? 0, sigma };
}

const NEWLINE = 0x0a;

/** A message of a size drawn from a lognormal distribution. */
export function message({ mean, sigma }: Size, factor = 1): Buffer {
  const size = mean * factor * Math.exp(sigma * normal() - sigma ** 2 / 2);
  const text = Buffer.alloc(Math.max(2, Math.round(size)), 'x');
  text[text.length - 1] = NEWLINE;
  return text;
}

/** Standard normal (Box and Muller, 1958). */
function normal(): number {
  return Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());
}

/** Time until the next of events that come `rate` times a second, ms. */
export const nextOf = (rate: number): number => (-1000 * Math.log(1 - Math.random())) / rate;

/** Calls `onMessage` with the length of each message that a socket brings. */
export function onMessages(socket: Socket, onMessage: (bytes: number) => void): void {
  let length = 0;
  socket.on('data', data => {
    for (let from = 0; from < data.length; ) {
      const end = data.indexOf(NEWLINE, from);
      if (end < 0) {
        length += data.length - from;
        return;
      }
      onMessage(length + end + 1 - from);
      length = 0;
      from = end + 1;
    }
  });
}

const ANSWER_MS = 500;
const CONNECT_MS = 300;
/** After a failure nobody is asked for so long. */
const REST_MS = 2000;

/** A pool of connections to one server, as clients of databases have it. */
export class Client {
  readonly #target: Target;
  readonly #limit: number;
  readonly #idle: Socket[] = [];
  readonly #answered = new WeakMap<Socket, (ok: boolean) => void>();
  #open = 0;
  #restsUntil = 0;

  constructor(target: Target, limit = 8) {
    this.#target = target;
    this.#limit = limit;
  }

  /** Send one request; resolves with whether an answer came. */
  async ask(request: Buffer): Promise<boolean> {
    if (performance.now() < this.#restsUntil) return false;
    const socket = this.#idle.pop() ?? (await this.#connect());
    if (socket === null) return false;
    const ok = await new Promise<boolean>(resolve => {
      const timer = setTimeout(() => socket.destroy(), ANSWER_MS);
      this.#answered.set(socket, answered => {
        clearTimeout(timer);
        resolve(answered);
      });
      socket.write(request);
    });
    if (ok && !socket.destroyed) this.#idle.push(socket);
    if (!ok) this.#restsUntil = performance.now() + REST_MS;
    return ok;
  }

  #connect(): Promise<Socket | null> {
    if (this.#open >= this.#limit) return Promise.resolve(null);
    this.#open++;
    const { host, port } = this.#target;
    return new Promise(resolve => {
      const socket = connect({ host, port, noDelay: true }, () => resolve(socket));
      onMessages(socket, () => this.#answered.get(socket)?.(true));
      const timer = setTimeout(() => socket.destroy(), CONNECT_MS);
      socket.once('connect', () => clearTimeout(timer)).on('error', () => undefined);
      socket.once('close', () => {
        this.#open--;
        const at = this.#idle.indexOf(socket);
        if (at >= 0) this.#idle.splice(at, 1);
        this.#answered.get(socket)?.(false);
        this.#restsUntil = performance.now() + REST_MS;
        resolve(null);
      });
    });
  }
}
