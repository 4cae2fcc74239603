import { parseArgs } from 'node:util';
import { fuzz } from './fuzz.ts';
import { TARGETS } from './index.ts';

/**
 * `npm run fuzz -- --cases 100000 --seed 1 [--only lines,spool] [--case N]`: mutated input through everything that reads
 * from outside. Exit code 1 when a case crashed; what is printed then plays it again.
 */
const { values } = parseArgs({
  options: {
    cases: { type: 'string', default: '100000' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string' },
    case: { type: 'string' },
  },
});
const names = values.only?.split(',');
const targets = TARGETS.filter(target => names?.includes(target.name) ?? true);
const [cases, seed, only] = [values.cases, values.seed, values.case ?? 0].map(Number) as [
  number,
  number,
  number,
];
if (
  targets.length !== (names ?? TARGETS).length ||
  !(cases > 0 && only >= 0) ||
  !Number.isSafeInteger(seed)
) {
  const known = TARGETS.map(({ name }) => name).join(', ');
  console.error(`expected --cases N, --seed N, --case N and --only of ${known}`);
  process.exit(2);
}
const step = Math.ceil(cases / 20);
const { tallies, crashes } = await fuzz({
  targets,
  cases,
  seed,
  ...(values.case !== undefined && { only }),
  onProgress(done, target) {
    if (done % step === 0) console.log(`${done} cases, at ${target}`);
  },
});
console.table(tallies);
for (const { target, number, error } of crashes.slice(0, 10)) {
  console.log(`\nnpm run fuzz -- --seed ${seed} --only ${target} --case ${number}`);
  console.log(error);
}
const sum = tallies.reduce((total, tally) => total + tally.cases, 0);
console.log(`${sum} cases, seed ${seed}: ${crashes.length} crashes`);
process.exitCode = crashes.length === 0 ? 0 : 1;
