import { parseArgs } from 'node:util';
import { KINDS, type Kind } from './plan.ts';
import { playRound } from './round.ts';

/**
 * `npm run chaos -- --rounds 100 --seed 1 [--jobs 3] [--only stack,fleet] [--break] [--verbose]`: kills and stops every part of real
 * installations at random moments, and compares what is left with what an undisturbed run would have left. The seed of
 * a round is printed: `--rounds 1 --seed THAT --only KIND` plays it again. With `--break` the collectors make a mistake,
 * and every round must fail. `--jobs`: so many rounds at once.
 */
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '8' },
    seed: { type: 'string', default: '1' },
    jobs: { type: 'string', default: '1' },
    only: { type: 'string' },
    break: { type: 'boolean', default: false },
    verbose: { type: 'boolean', default: false },
  },
});
// Only a collector of ours can be broken on purpose.
const possible = KINDS.filter(kind => !values.break || kind !== 'real');
const names = values.only?.split(',');
const kinds = possible.filter(kind => names?.includes(kind) ?? true);
const [rounds, firstSeed, jobs] = [Number(values.rounds), Number(values.seed), Number(values.jobs)];
if (
  kinds.length !== (names ?? possible).length ||
  !(rounds > 0) ||
  !(jobs > 0) ||
  !Number.isSafeInteger(firstSeed)
) {
  console.error(`expected --rounds N, --seed N, --jobs N and --only of ${possible.join(', ')}`);
  process.exit(2);
}
let failed = 0;
const sums = { frames: 0, incidents: 0, deliveries: 0, silenced: 0, during: 0, repeated: 0 };
async function play(round: number): Promise<void> {
  const seed = firstSeed + round;
  const kind = kinds[round % kinds.length] as Kind;
  const { differences, figures, story } = await playRound({
    kind,
    seed,
    broken: values.break,
    ...(values.verbose ? { tell: console.log } : {}),
  });
  for (const [name, value] of Object.entries(figures)) sums[name as keyof typeof sums] += value;
  const text = `${figures.frames} frames, ${figures.incidents} incidents, ${figures.deliveries} deliveries`;
  const told = `${text}, ${figures.repeated} of them attempted again after acceptance, ${figures.silenced} silenced, ${figures.during} during an outage of the store`;
  console.log(
    `round ${round + 1}, ${kind}, seed ${seed}: ${differences.length === 0 ? 'ok' : 'FAILED'}; ${told}`,
  );
  if (differences.length === 0) return;
  failed++;
  console.log([...story, ...differences].join('\n'));
}

let next = 0;
await Promise.all(
  Array.from({ length: jobs }, async () => {
    while (next < rounds) await play(next++);
  }),
);
console.log(`${rounds} rounds, ${failed} failed; in all ${JSON.stringify(sums)}`);
process.exitCode = failed === 0 ? 0 : 1;
