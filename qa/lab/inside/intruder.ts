/**
 * What goes wrong in a container of the laboratory, started beside its own program: `node intruder.ts KIND LENGTH_MS
 * HOST:PORT … --rate N --size N`. Prints `from N until N`, epoch ms, when it is over.
 *
 *   send     `rate` messages a second of `size` bytes to one server
 *   grow     the same, but from none to all of them in the first half of the time
 *   scan     tries `rate` ports a second of all hosts
 *   beacon   opens a connection `rate` times a second, sends one message, hears one, closes it
 */
import { connect } from 'node:net';
import { parseArgs } from 'node:util';
import { message, targetOf } from './traffic.ts';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { rate: { type: 'string', default: '1' }, size: { type: 'string', default: '100' } },
});
const [kind = '', length, ...places] = positionals;
const [rate, size] = [Number(values.rate), Number(values.size)];
const targets = places.map(targetOf);
const wanted = { mean: size, sigma: 0 };
/** So many times a second what is due is done. */
const TICKS = 200;

const sleep = (ms: number) => new Promise(resolve => setTimeout(resolve, ms));

/** Calls `act` as often as `rate` says; `ramp`: share of the time in which the rate grows from 0. */
async function paced(act: (n: number) => void, ramp = 0): Promise<void> {
  const begun = performance.now();
  const whole = Number(length);
  let done = 0;
  let due = 0;
  for (let age = 0; age < whole; age = performance.now() - begun) {
    await sleep(1000 / TICKS);
    const now = Math.min(performance.now() - begun, whole);
    // Of a rate that grows evenly the mean since the last look is that in the middle.
    const strength = ramp === 0 ? 1 : Math.min(1, (age + now) / 2 / (ramp * whole));
    due += (rate * strength * (now - age)) / 1000;
    for (; done < due; done++) act(done);
  }
}

async function send(ramp = 0): Promise<void> {
  const [target] = targets;
  if (!target) throw new Error('nobody to send to');
  const socket = connect({ ...target, noDelay: true });
  socket.on('error', () => undefined).on('data', () => undefined);
  await paced(() => socket.writableNeedDrain || socket.write(message(wanted)), ramp);
  socket.destroy();
}

const scan = () =>
  paced(n => {
    const target = targets[n % targets.length];
    const port = 1 + Math.floor(n / targets.length);
    const socket = connect({ host: target?.host ?? '', port }, () => socket.destroy());
    socket.on('error', () => undefined);
    socket.setTimeout(1000, () => socket.destroy());
  });

const beacon = () =>
  paced(() => {
    const socket = connect({ host: '', port: 0, ...targets[0] }, () => socket.write(message(wanted)));
    socket.on('error', () => undefined).on('data', () => socket.end());
  });

const KINDS = { send: () => send(), grow: () => send(0.5), scan, beacon };
const run = Object.entries(KINDS).find(([name]) => name === kind)?.[1];
if (!run) throw new Error(`unknown kind ${kind}, expected one of ${Object.keys(KINDS).join(', ')}`);
const from = Date.now();
await run();
// Connections that hang must not keep it alive.
process.stdout.write(`from ${from} until ${Date.now()}\n`, () => process.exit(0));
