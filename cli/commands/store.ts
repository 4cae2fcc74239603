import { ensureDataFolder } from '../../app/process-context.ts';
import { makeStore } from '../../app/wire.ts';
import { printable } from '../../core/errors.ts';
import type { Context } from '../context.ts';

/** `tidegauge store init`: database, tiers and retention as configured; done again, it changes nothing. */
export async function storeInit({ config, log, out }: Context): Promise<number> {
  ensureDataFolder(config);
  const store = makeStore(config, log);
  try {
    for (const line of await store.init()) out.write(`${printable(line, 500)}\n`);
    return 0;
  } finally {
    await store.close();
  }
}
