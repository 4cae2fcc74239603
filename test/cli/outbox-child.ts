import { createContext, ensureDataFolder } from '../../cli/context.ts';
import { openOutbox } from '../../cli/outbox.ts';
import { openParts } from '../../cli/wire.ts';

/** A collector without capture that lives until it is killed: CONFIG. Prints `open` when it may collect. */
const context = createContext({ config: process.argv[2] ?? '' }, new AbortController().signal);
ensureDataFolder(context.config);
const parts = await openParts(context.config, context.clock, context.log);
try {
  await openOutbox(context, parts);
  console.log('open');
  setInterval(() => undefined, 1000);
} catch (error) {
  console.log(error instanceof Error ? error.message : error);
  process.exit(2);
}
