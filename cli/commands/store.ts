import { ensureDataFolder } from '../../app/process-context.ts';
import { makeStore } from '../../app/wire.ts';
import { printable } from '../../core/errors.ts';
import { addCommand, type Register, setAction } from '../command.ts';
import { STORED } from '../config/needs.ts';
import type { Context } from '../context.ts';
import { using } from '../open-data.ts';

export const registerStore: Register = (program, signal) => {
  const store = program.command('store').description('manage the time-series database');
  const init = addCommand(
    store,
    'init',
    'set up database, tiers and retention as configured; says what it did, harmless when repeated',
  );
  setAction(init, signal, storeInit, { needs: STORED });
};

/** Database, tiers and retention as configured; done again, it changes nothing. */
async function storeInit({ config, log, out }: Context): Promise<number> {
  ensureDataFolder(config);
  const lines = await using(makeStore(config, log), store => store.init());
  for (const line of lines) out.write(`${printable(line, 500)}\n`);
  return 0;
}
