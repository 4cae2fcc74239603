import { startServing } from '../../app/api/serving.ts';
import { aborted } from '../../core/aborted.ts';
import { addCommand, type Register, setAction } from '../command.ts';
import type { Context } from '../context.ts';

export const registerServe: Register = (program, signal) => {
  const command = addCommand(
    program,
    'serve',
    'the HTTP API over the store and state that other processes fill; `run` has it as well',
  );
  setAction(command, signal, serve, { ends: 'in order' });
};

/** Until it is asked to end. */
async function serve(context: Context): Promise<number> {
  const { signal, log } = context;
  for (const line of context.unusedSettings) log.warn(line);
  const serving = await startServing(context);
  try {
    log.info({ url: serving.listener.url }, 'the API is there');
    const reason = await Promise.race([aborted(signal), serving.failed]);
    if (reason !== null) throw reason;
    return 0;
  } finally {
    await serving.close();
  }
}
