import { openOutbox } from '../../app/outbox.ts';
import { ensureDataFolder } from '../../app/process-context.ts';
import { startBackends } from '../../app/wire.ts';
import { createContext } from '../../cli/context.ts';
import { frameOf } from '../data/frames.ts';

/**
 * A collector without capture that lives until it is killed: CONFIG [FRAMES [FIRST]]. Ships so many frames, from that
 * number on. Prints `open` when they are in its spool, and why it must end.
 */
const [file = '', frames = '0', first = '0'] = process.argv.slice(2);
const context = createContext({ config: file }, new AbortController().signal);
ensureDataFolder(context.config);
try {
  const backends = await startBackends(context.config, context.clock, context.log);
  const outbox = await openOutbox(context, backends);
  for (let i = 0; i < Number(frames); i++)
    outbox.shipper.push(frameOf(context.config.host, Number(first) + i));
  console.log('open');
  const alive = setInterval(() => undefined, 1000);
  const reason = await Promise.race([backends.startup.failed, outbox.lost]);
  clearInterval(alive);
  throw reason;
} catch (error) {
  console.log(error instanceof Error ? error.message : error);
  process.exit(2);
}
