import { z } from 'zod';
import { duration } from '../../../core/config/options.ts';
import { EVERYTHING, endedAt, type Silence } from '../../../core/incident/silence.ts';
import type { State } from '../../../state/contract.ts';
import { operation } from '../operation.ts';
import { heldJson, keepSilence, newSilenceId, silenceJsonSchema, words } from './silences.ts';

type SilenceState = Pick<State, 'silences' | 'saveSilence'>;
type Same = Pick<Silence, 'match'>;

/** Deploys of the same service on the same hosts that are under way. */
const sameDeploys = async (state: SilenceState, { match }: Same, now: number): Promise<Silence[]> =>
  (await state.silences(now)).filter(
    one => one.kind === 'deploy' && one.match.service === match.service && one.match.host === match.host,
  );

/** Keeps a deploy, in place of those of the same that are under way. Throws a TidegaugeError when there are too many. */
export async function beginDeploy(state: SilenceState, deploy: Silence, now: number): Promise<Silence> {
  const before = await sameDeploys(state, deploy, now);
  const kept = await keepSilence(state, deploy, now);
  for (const one of before) await keepSilence(state, endedAt(one, now), now);
  return kept;
}

/** What still fires is told. Returns those that were under way, ended. */
export async function endDeploys(state: SilenceState, same: Same, now: number): Promise<Silence[]> {
  const ended: Silence[] = [];
  for (const one of await sameDeploys(state, same, now))
    ended.push(await keepSilence(state, endedAt(one, now), now));
  return ended;
}

/** Longest deploy. */
export const LONGEST_DEPLOY = '24h';

const service = words.describe('Such as `shop/web`, or a glob such as `shop/*`.');
const host = z.exactOptional(words).describe('A glob: on these hosts; absent: all.');

export const deployOperations = [
  operation({
    id: 'beginDeploy',
    method: 'POST',
    path: '/deploys',
    summary:
      'Say that a service is being deployed: nobody is told of what this explains, until it is over or that time is.',
    body: z.strictObject({
      service,
      host,
      for: duration({ min: '1ms', max: LONGEST_DEPLOY }).describe('How long at most, such as `10m`.'),
      reason: words.default('deploy').describe('Such as the release.'),
      owner: z.exactOptional(words).describe('Who deploys, where no token says so.'),
    }),
    answer: silenceJsonSchema,
    async run({ state, now }, { body, by }) {
      const deploy: Silence = {
        ...{ id: newSilenceId(), kind: 'deploy' },
        match: { ...EVERYTHING, service: body.service, host: body.host ?? '*' },
        ...{ from: now, until: Math.ceil(now + body.for) },
        ...{ owner: by ?? body.owner ?? 'api', reason: body.reason },
      };
      return { value: (await heldJson(state, [await beginDeploy(state, deploy, now)], now))[0] };
    },
  }),
  operation({
    id: 'endDeploy',
    method: 'POST',
    path: '/deploys/end',
    summary: 'Say that it is over: what still fires is told now. Answers with those that were under way.',
    body: z.strictObject({ service, host }),
    answer: z.array(silenceJsonSchema),
    async run({ state, now }, { body }) {
      const match = { ...EVERYTHING, service: body.service, host: body.host ?? '*' };
      return { value: await heldJson(state, await endDeploys(state, { match }, now), now) };
    },
  }),
];
