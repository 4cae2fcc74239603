import { type Check, checkMachine, checkRoot } from '../collector/capture/preflight.ts';
import { type TidegaugeError, UsageError } from '../core/errors.ts';
import type { ProcessContext } from './process-context.ts';

/**
 * Refuse to start a capture that cannot work here: the first thing that is missing, and what to do. After Ctrl-C nothing is
 * refused: it has ended the programs that were asked, too.
 */
export async function refuseUnlessReady({
  config,
  signal,
}: Pick<ProcessContext, 'config' | 'signal'>): Promise<void> {
  const checks = await checkMachine(config.capture);
  const missing = checks.find(check => !check.ok && check.required);
  if (missing && !signal.aborted)
    throw refusal(missing, ' (Recorded traffic can be looked at anywhere: tidegauge replay FILE.ndjson.)');
}

/** For what needs no more of the machine than bpftrace says for itself. */
export function refuseUnlessRoot(): void {
  const root = checkRoot();
  if (!root.ok) throw refusal(root, ' (What is stored is listed with --from.)');
}

function refusal({ name, found, remedy }: Check, instead: string): TidegaugeError {
  return new UsageError({ place: 'this machine', expected: name, found, remedy: `${remedy}${instead}` });
}
