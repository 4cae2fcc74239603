import { formatDuration } from '../../core/config/units.ts';
import type { DeliveryResult } from '../../notify/contract.ts';
import type { DeliveryOutcome } from '../../state/contract.ts';

/**
 * What becomes of a delivery after an attempt at `now`, epoch ms. `pauseMs`: until the next one. A message whose first
 * attempt failed `giveUpMs` ago is given up.
 */
export function decide(
  result: DeliveryResult,
  before: Pick<DeliveryOutcome, 'attempts' | 'failingSince'>,
  { now, pauseMs, giveUpMs }: { readonly now: number; readonly pauseMs: number; readonly giveUpMs: number },
): DeliveryOutcome {
  const attempts = before.attempts + 1;
  if (result.kind === 'accepted') return { status: 'delivered', attempts, nextAttempt: now, lastError: null };
  const { reason } = result;
  if (result.kind === 'refused') return { status: 'dead', attempts, nextAttempt: now, lastError: reason };
  const failingSince = before.failingSince ?? now;
  if (now - failingSince >= giveUpMs) {
    const lastError = `gave up after ${formatDuration(giveUpMs)} and ${attempts} attempts: ${reason}`;
    return { status: 'dead', attempts, nextAttempt: now, lastError, failingSince };
  }
  return { status: 'pending', attempts, nextAttempt: now + pauseMs, lastError: reason, failingSince };
}
