import { z } from 'zod';
import { duration } from '../core/config/options.ts';
import { printable } from '../core/errors.ts';
import type { Evidence } from '../core/incident/verdict.ts';
import type { ContainerInput, Detector, GroupInput, Opinion } from './contract.ts';
import { exampleInputs } from './shared/example-inputs.ts';
import { hash } from './shared/peers.ts';
import { graded } from './shared/score.ts';
import { limitOf, note, nothingUsual, USUAL_BYTES, type Usual } from './shared/usual.ts';

/**
 * Many containers of the host deviate at once: a network that is gone, a flood, a host that is too slow. Each has a
 * level, the mean of the logarithm of its bytes per second with a half-life of 15 minutes, and how far it strays from
 * it; counted are those that are far from it for two frames.
 */

const options = z.strictObject({
  share: z
    .number()
    .gt(0)
    .max(1)
    .default(0.4)
    .describe(
      'Share of the containers that have traffic of their own which has to deviate at once, all up or all down.',
    ),
  at_least: z.int().min(2).max(10_000).default(4).describe('And at least so many containers.'),
  warm_up: duration({ max: '7d' }).prefault('10m').describe('Time to learn before the first judgement.'),
});

type Options = z.output<typeof options>;

/** Level, mean distance from it (both natural logarithms), ms watched, frames in a row far above (below: negative). */
type Level = [mean: number, spread: number, watched: number, run: number];

interface State {
  watched: number;
  levels: Record<string, Level>;
  up: Usual;
  down: Usual;
}

const MAX_MEMBERS = 512;
const HALF_LIFE_MS = 900_000;
/** Below so many bytes per second nothing is said of a container. */
const QUIET = 1000;
/** A third, or three times: less is no deviation, and neither is what is within five times the usual distance. */
const LEAST = Math.log(3);
const SPREADS = 5;
/** A container is judged once it was watched for so long, and not just after its start. */
const WATCHED_MS = 300_000;
const FRAMES = 2;
const FACTOR = 1.5;

const levelOf = ({ send, receive, durationMs }: ContainerInput): number =>
  Math.log(QUIET + (((send?.bytes ?? 0) + (receive?.bytes ?? 0)) * 1000) / durationMs);

function step(state: State, input: GroupInput, o: Options): { state: State; opinion: Opinion } {
  const { start, durationMs, members } = input;
  const deviating = { up: [] as string[], down: [] as string[] };
  let talking = 0;
  for (const member of members) {
    const level = levelAfter(state, member);
    if (level === null) continue;
    const [mean, , watched, run] = level;
    const young = member.startedAt !== null && start - member.startedAt < WATCHED_MS;
    if (watched < WATCHED_MS || young) continue;
    if (mean > Math.log(QUIET) + LEAST || run > 0) talking++;
    if (run >= FRAMES) deviating.up.push(member.container.name);
    if (run <= -FRAMES) deviating.down.push(member.container.name);
  }
  forgetOthers(state, members);
  state.watched += durationMs;
  if (state.watched <= o.warm_up) {
    const until = start + o.warm_up - state.watched + durationMs;
    return { state, opinion: { abstain: 'warming up', until } };
  }
  const floor = Math.max(o.at_least, o.share * talking);
  const [up, down] = (['up', 'down'] as const).map(way => {
    const names = deviating[way];
    const high = Math.ceil(limitOf(state[way], floor, FACTOR));
    const ratio = names.length / high;
    note(state[way], names.length, start, ratio >= 1);
    return { way, names, high, ratio };
  });
  const worst = up && down && down.ratio > up.ratio ? down : up;
  if (!worst) return { state, opinion: { abstain: 'no value' } };
  return { state, opinion: { score: graded(worst.ratio), evidence: evidenceOf(worst, talking) } };
}

/** A member's level with this frame in it; null when there are too many. What is far away pulls no more than what is near. */
function levelAfter(state: State, member: ContainerInput): Level | null {
  const key = hash(member.identity);
  const value = levelOf(member);
  const known = state.levels[key];
  if (!known) {
    const level: Level = [short(value), 0.5, member.durationMs, 0];
    if (Object.keys(state.levels).length < MAX_MEMBERS) state.levels[key] = level;
    return null;
  }
  const [mean, spread, watched, run] = known;
  const difference = value - mean;
  const bound = Math.max(LEAST, SPREADS * spread);
  const way = Math.abs(difference) < bound ? 0 : Math.sign(difference);
  const weight = 1 - 2 ** (-member.durationMs / Math.min(HALF_LIFE_MS, Math.max(watched, 1)));
  const near = Math.max(-bound, Math.min(bound, difference));
  const level: Level = [
    short(mean + weight * near),
    short(spread + weight * (Math.abs(near) - spread)),
    Math.min(watched + member.durationMs, HALF_LIFE_MS),
    way === 0 ? 0 : way * Math.min(FRAMES, way === Math.sign(run) ? Math.abs(run) + 1 : 1),
  ];
  state.levels[key] = level;
  return level;
}

/** When there is no room for those who are here, those who are not are forgotten. */
function forgetOthers(state: State, members: readonly ContainerInput[]): void {
  const keys = Object.keys(state.levels);
  if (keys.length < MAX_MEMBERS) return;
  const here = new Set(members.map(({ identity }) => hash(identity)));
  for (const key of keys) if (!here.has(key)) delete state.levels[key];
}

const short = (x: number): number => Math.round(x * 1e4) / 1e4;

function evidenceOf(
  { way, names, high }: { way: 'up' | 'down'; names: readonly string[]; high: number },
  talking: number,
): Evidence {
  const few = names.slice(0, 3).map(name => printable(name, 40));
  const who = names.length === 0 ? '' : ` (${[...few, ...(names.length > 3 ? ['…'] : [])].join(', ')})`;
  const direction = way === 'up' ? 'above' : 'below';
  const text = `${names.length} of ${talking} containers at once far ${direction} their levels${who}, expected fewer than ${high}`;
  return { seen: names.length, low: null, high, unit: 'containers', text };
}

/** Inputs of a host with six containers, `bytes` received by each in a frame. */
const six = (frames: readonly (readonly number[])[]): GroupInput[] =>
  frames.map((bytes, i) => ({
    start: i * 5000,
    durationMs: 5000,
    exits: [],
    nameless: [],
    members: bytes.map((n, member) => ({
      ...(exampleInputs([[]])[0] as ContainerInput),
      start: i * 5000,
      identity: `web-${member}`,
      receive:
        n === 0
          ? undefined
          : { container: 'web', direction: 'receive', messages: 1, bytes: n, sizes: [[65_536, 1]] },
    })),
  }));
const repeat = <T>(n: number, value: T): T[] => Array.from({ length: n }, () => value);

export const hostWide: Detector<'host', Options, State> = {
  name: 'host',
  summary: 'Many containers of the host far above or below their levels at once.',
  scope: 'host',
  input: 'traffic',
  options,
  series: () => [],
  examples: [
    {
      title: 'The network is gone: five of six containers fall silent',
      options: { warm_up: '1m' },
      inputs: six([...repeat(80, repeat(6, 500_000)), ...repeat(3, [500_000, 0, 0, 0, 0, 0])]),
      alarms: [81, 82],
    },
    {
      title: 'Three of six are no event of the host',
      options: { warm_up: '1m' },
      inputs: six([...repeat(80, repeat(6, 500_000)), ...repeat(3, [500_000, 500_000, 500_000, 0, 0, 0])]),
      alarms: [],
    },
  ],
  stateBytes: () => 150 + 2 * USUAL_BYTES + MAX_MEMBERS * 45,
  init: () => ({ watched: 0, levels: {}, up: nothingUsual(), down: nothingUsual() }),
  step,
};
