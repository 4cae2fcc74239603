import { stringify } from 'yaml';
import { DETECTOR_ROWS, NOTIFIER_ROWS, SCHEMA } from '../../app/wire.ts';
import { findUser } from '../../collector/privsep/user.ts';
import { type Maintenance, maintenanceSchema } from '../../core/config/maintenance.ts';
import { formatCounted } from '../../core/config/units.ts';
import { printable, UsageError } from '../../core/errors.ts';
import type { Silence } from '../../core/incident/silence.ts';
import { addCommand, type Register, setAction } from '../command.ts';
import type { Reference } from '../config/references.ts';
import { entry, typesOf, written } from '../config/written.ts';
import type { CommonFlags, Context } from '../context.ts';
import { unreachableBudgets } from '../rules/budgets.ts';
import { containerRules } from '../rules/container-rules.ts';
import { rulesInStore } from '../rules/rules-in-store.ts';
import { type Present, presentOf } from '../times.ts';
import { windowsOf } from './silence.ts';

interface CheckFlags extends CommonFlags {
  readonly container?: string;
  readonly host?: string;
}

export const registerCheck: Register = (program, signal) => {
  const command = addCommand(
    program,
    'check',
    'check the configuration and print what is in force, without starting anything',
  )
    .option('--container <name>', 'say how each rule judges this container of the newest stored frames')
    .option('--host <name>', 'with --container: the one of this host');
  setAction(command, signal, check);
};

/** The configuration was accepted, or we would not be here: prints what is in force, as a file would hold it. */
async function check(context: Context, flags: CheckFlags): Promise<number> {
  const { config, file, unusedSettings, references, log, out } = context;
  if (config.collector.user !== '') findUser(config.collector.user);
  if (flags.host !== undefined && flags.container === undefined)
    throw new UsageError({
      place: '',
      found: '--host requires --container',
      remedy: 'Add the name of one of its containers.',
    });
  if (flags.container !== undefined) {
    const documents = await containerRules(context, { name: flags.container, host: flags.host });
    out.write(`# ${file ?? 'no tidegauge.yaml, defaults'}: how each rule judges this container\n`);
    out.write(documents.join('---\n'));
    return 0;
  }
  const { detectors, receivers, ...groups } = config;
  const groupsWritten = written(groups, [], typesOf(SCHEMA)) as object & { alert: object };
  const all = {
    ...groupsWritten,
    alert: { ...groupsWritten.alert, maintenance: groups.alert.maintenance.map(windowWritten) },
    detectors: detectors.map((rule, i) => entry(rule, ['detectors', i], DETECTOR_ROWS)),
    receivers: receivers.map((receiver, i) => entry(receiver, ['receivers', i], NOTIFIER_ROWS)),
  };
  out.write(`# ${file ?? 'no tidegauge.yaml, defaults'}: ok\n`);
  const counts = `${formatCounted(detectors.length, 'rule')}, ${formatCounted(receivers.length, 'receiver')}`;
  out.write(`# ${counts}; *** stands for what is not shown\n`);
  const warnings = [
    ...unusedSettings,
    ...unreachableBudgets(detectors),
    ...(await rulesInStore(config, log)),
  ];
  for (const silence of windowsOf(config).upcoming(context.clock.now()))
    out.write(`# ${upcomingText(silence, presentOf(context))}\n`);
  for (const line of warnings) out.write(`# warning: ${printable(line, 500)}\n`);
  for (const [path, reference] of references) referTo(all, path.split('.'), reference);
  out.write(stringify(all));
  return 0;
}

const windowWritten = (window: Maintenance, i: number): unknown => {
  const path = ['alert', 'maintenance', String(i)];
  return written(window, path, typesOf(maintenanceSchema, path));
};

/** `maintenance window backup: next from 2026-01-31T02:30:00.000Z until …`. */
export const upcomingText = ({ id, from, until }: Silence, { now, zone }: Present): string =>
  `maintenance window ${id}: ${from <= now ? 'in force' : 'next'} from ${zone.text(from)} until ${zone.text(until)}`;

/** What stands elsewhere is printed as in the file: where it stands, not what it is. */
function referTo(target: object, path: readonly string[], reference: Reference): void {
  const [key = '', ...rest] = path;
  if (rest.length === 0) Object.assign(target, { [key]: reference });
  else referTo(Object(Reflect.get(target, key)), rest, reference);
}
