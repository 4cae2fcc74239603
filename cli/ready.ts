import { checkMachine } from '../collector/preflight.ts';
import { TidegaugeError } from '../core/errors.ts';
import type { Context } from './context.ts';

/** Refuse to start a capture that cannot work here: the first thing that is missing, and what to do. */
export async function refuseUnlessReady({ config }: Pick<Context, 'config'>): Promise<void> {
  const checks = await checkMachine(config.capture);
  const missing = checks.find(check => !check.ok && check.required);
  if (!missing) return;
  throw new TidegaugeError(
    {
      place: 'this machine',
      expected: missing.name,
      found: missing.found,
      remedy: `${missing.remedy} (Recorded traffic can be looked at anywhere: tidegauge replay FILE.ndjson.)`,
    },
    { exitCode: 2 },
  );
}
