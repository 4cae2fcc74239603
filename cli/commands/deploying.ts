import { printable, UsageError } from '../../core/errors.ts';
import { EVERYTHING, type Silence } from '../../core/incident/silence.ts';
import { newSilenceId } from '../../http/api/resources/silences.ts';
import { type Register, setAction } from '../command.ts';
import { STORED } from '../config/needs.ts';
import type { CommonFlags, Context } from '../context.ts';
import { note } from '../open-data.ts';
import { personHere } from '../person.ts';
import { preview, wouldHoldLines } from '../rules/would-hold.ts';
import { addSharedCommand, openSharedState } from '../shared/open.ts';
import { silenceLine } from '../silence-text.ts';
import { type Present, presentOf } from '../times.ts';
import { lengthOf, textOf } from './silence.ts';

export interface DeployFlags extends CommonFlags {
  readonly for: string;
  readonly host?: string;
  readonly reason: string;
  readonly owner?: string;
  readonly done?: boolean;
  readonly dryRun?: boolean;
}

/** Longest deploy, ms. */
const LONGEST_MS = 86_400_000;

export const registerDeploying: Register = (program, signal) => {
  const command = addSharedCommand(
    program,
    'deploying',
    'for a CI job: a service is being deployed. Until --done or the end of that time nobody is told of what this explains: all but what is critical, unless that is only that somebody is gone',
  );
  command
    .argument('<service>', 'such as shop/web, or a glob such as shop/*')
    .option('--for <duration>', 'how long at most', '10m')
    .option('--host <glob>', 'on these hosts (default: all)')
    .option('--reason <text>', 'such as the release', 'deploy')
    .option('--owner <name>', 'who deploys (default: you)')
    .option('--done', 'it is over: what still fires is told now')
    .option('--dry-run', 'only say whom it would be about');
  setAction(command, signal, deploying, { needs: STORED });
};

async function deploying(context: Context, flags: DeployFlags, service: string): Promise<number> {
  const present = presentOf(context);
  const deploy = deployOf(flags, service, present);
  if (flags.dryRun) return tryOut(context, deploy, flags);
  return openSharedState(context, 'write', async state => {
    if (!flags.done) {
      const kept = await state.beginDeploy(deploy, present.now);
      return context.out.write(`deploying ${silenceLine(kept, present)}\n`);
    }
    const ended = await state.endDeploys(deploy, present.now);
    if (ended.length === 0) note(`no deploy of ${printable(service)} is under way`);
    return context.out.write(ended.map(one => `ended: ${silenceLine(one, present)}\n`).join(''));
  });
}

/** Whom it would be about: a name that fits nobody is found before the deploy, not in the middle of it. */
async function tryOut(context: Context, deploy: Silence, { host, done }: DeployFlags): Promise<number> {
  if (done)
    throw new UsageError({
      place: 'deploying',
      found: '--dry-run says what a deploy would keep back, and --done ends one',
      remedy: 'Leave one of them out. `tidegauge silence list` shows deploys that are under way.',
    });
  const present = presentOf(context);
  const subjects = { service: deploy.match.service, ...(host === undefined ? {} : { host }) };
  return openSharedState(context, 'read', async state => {
    const held = await preview(context, subjects, { state, silence: deploy, now: present.now });
    const line = silenceLine({ ...deploy, id: 'dry run, nothing is begun' }, present);
    context.out.write(`${[line, ...wouldHoldLines(held)].join('\n')}\n`);
  });
}

/** The silence of a deploy that begins now. Throws a UsageError about the flag that is wrong. */
export function deployOf(flags: DeployFlags, service: string, { now }: Present): Silence {
  return {
    id: newSilenceId(),
    kind: 'deploy',
    match: {
      ...EVERYTHING,
      service: textOf('deploying', service),
      host: textOf('--host', flags.host ?? '*'),
    },
    from: now,
    until: now + lengthOf(flags.for, LONGEST_MS),
    owner: textOf('--owner', flags.owner ?? personHere()),
    reason: textOf('--reason', flags.reason),
  };
}
