import { Option } from 'commander';
import { formatCounted } from '../../core/config/units.ts';
import { printable, UsageError } from '../../core/errors.ts';
import {
  DELIVERIES,
  deliveryJson,
  type ListedDelivery,
  OPEN_DELIVERIES,
} from '../../http/api/resources/deliveries.ts';
import { jsonText } from '../../review/report.ts';
import { DELIVERY_STATUSES, type DeliveryStatus } from '../../state/contract.ts';
import { type Register, setAction } from '../command.ts';
import { STORED } from '../config/needs.ts';
import type { CommonFlags, Context } from '../context.ts';
import type { SharedState } from '../shared/contract.ts';
import { addSharedCommand, openSharedState } from '../shared/open.ts';
import { deliveryText } from './incidents.ts';

interface ListFlags extends CommonFlags {
  readonly status?: DeliveryStatus;
  readonly receiver?: string;
  readonly json?: boolean;
}

export const registerDeliveries: Register = (program, signal) => {
  const deliveries = program
    .command('deliveries')
    .description('messages on their way to receivers, and those that were given up');
  const list = addSharedCommand(
    deliveries,
    'list',
    'those that wait, are held by a silence, or were given up',
  );
  list
    .addOption(new Option('--status <status>', 'only of one status').choices(DELIVERY_STATUSES))
    .option('--receiver <name>', 'only to this receiver')
    .option('--json', 'machine-readable');
  setAction(list, signal, listDeliveries, { needs: STORED });
  const show = addSharedCommand(deliveries, 'show', 'one of them, with its incident, as JSON');
  show.argument('<key>', 'as `deliveries list` shows it');
  setAction(show, signal, showDelivery, { needs: STORED });
  const replay = addSharedCommand(
    deliveries,
    'replay',
    'try what was given up again, as if it were new; receivers get it under its old key',
  );
  replay
    .argument('[key]', 'as `deliveries list` shows it')
    .option('--receiver <name>', 'all that this receiver did not get');
  setAction(replay, signal, replayDeliveries, { needs: STORED });
};

/** The open ones, or those of one status, newest first. */
async function listDeliveries(context: Context, flags: ListFlags): Promise<number> {
  const { out, zone } = context;
  const statuses = flags.status === undefined ? OPEN_DELIVERIES : [flags.status];
  const list = async (state: SharedState) => {
    const found: ListedDelivery[] = [];
    for (const status of statuses) found.push(...(await state.deliveries(status, DELIVERIES)));
    const mine = found.filter(
      ({ notification }) => flags.receiver === undefined || notification.receiver === flags.receiver,
    );
    if (flags.json) return out.write(jsonText(mine.map(deliveryJson)));
    const lines = mine.map(
      delivery => `${printable(delivery.notification.key)}: ${deliveryText(delivery, zone)}`,
    );
    return out.write(`${lines.join('\n') || 'No deliveries.'}\n`);
  };
  return openSharedState(context, 'read', list, () => flags.json && out.write(jsonText([])));
}

async function showDelivery(context: Context, _flags: CommonFlags, key: string): Promise<number> {
  return openSharedState(context, 'read', async state =>
    context.out.write(jsonText(await state.shownDelivery(key))),
  );
}

/** Dead ones become pending, as if they had never been tried. */
async function replayDeliveries(
  context: Context,
  { receiver }: CommonFlags & { readonly receiver?: string },
  key?: string,
): Promise<number> {
  if ((key === undefined) === (receiver === undefined)) {
    throw new UsageError({
      place: 'deliveries replay',
      found: 'either a key or --receiver is required',
      remedy: '`tidegauge deliveries list --status dead` shows what was given up.',
    });
  }
  return openSharedState(context, 'write', async state => {
    const replayed = await state.replay(key === undefined ? { receiver: receiver ?? '' } : { key });
    context.out.write(`${formatCounted(replayed, 'message')} will be tried again.\n`);
  });
}
