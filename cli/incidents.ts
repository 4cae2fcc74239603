import { printable } from '../core/errors.ts';
import { canonicalJson, incidentLines } from '../review/report.ts';
import type { Delivery } from '../state/contract.ts';
import type { CommonFlags, Context } from './context.ts';
import { rangeFlags } from './times.ts';
import { makeState } from './wire.ts';

interface IncidentFlags extends CommonFlags {
  readonly from: string;
  readonly to: string;
  readonly json?: boolean;
}

/** Incidents and deliveries listed at most. */
const LIMIT = 10_000;

/** `tidegauge incidents`: what was raised, oldest first, and the notifications that wait or are dead. */
export async function incidents(context: Context, flags: IncidentFlags): Promise<number> {
  const state = makeState(context.config, context.clock, context.log);
  try {
    await state.open();
    const found = (await state.incidents(rangeFlags(flags, context.clock.now()), LIMIT)).reverse();
    if (flags.json) {
      context.out.write(canonicalJson(found));
      return 0;
    }
    const lines = found.length === 0 ? ['No incidents.'] : found.flatMap(incidentLines);
    const open = [...(await state.deliveries('pending', LIMIT)), ...(await state.deliveries('dead', LIMIT))];
    context.out.write(`${[...lines, ...open.map(deliveryLine)].join('\n')}\n`);
    return 0;
  } finally {
    await state.close();
  }
}

function deliveryLine({ notification, status, attempts, lastError }: Delivery): string {
  const to = `${notification.status} to ${printable(notification.receiver)}`;
  const error = lastError === null ? '' : `, last error: ${printable(lastError)}`;
  return `notification ${notification.key} (${to}): ${status} after ${attempts} attempts${error}`;
}
