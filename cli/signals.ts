import { errorCode } from '../core/errors.ts';

/** The first SIGINT or SIGTERM asks for an orderly end, the second one ends at once. A closed output asks too. */
export function stopSignal(): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(130);
      controller.abort();
    });
  }
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', error => {
      // `tidegauge … | head`: nobody reads any more, which is no error.
      if (errorCode(error) !== 'EPIPE') throw error;
      controller.abort();
    });
  }
  return controller.signal;
}
