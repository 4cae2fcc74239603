import { describe, expect, it } from '@jest/globals';
import type { Target } from '../../qa/fuzz/contract.ts';
import { fuzz } from '../../qa/fuzz/fuzz.ts';
import { TARGETS } from '../../qa/fuzz/index.ts';
import { mutateBytes, mutateLines, mutateText } from '../../qa/fuzz/mutate.ts';
import { Random } from '../data/random.ts';
import { Child } from '../parts/process.ts';

/** Of each target. */
const CASES = 80;

/** `npm run fuzz` plays as many cases as one likes; these are few, and always the same. */
describe('whatever comes from outside', () => {
  it.each(TARGETS)('$what: is taken or refused, and nothing crashes', async target => {
    const { tallies, crashes } = await fuzz({ targets: [target], cases: CASES / target.share, seed: 1 });
    expect(crashes).toEqual([]);
    const [{ cases, accepted, refused } = { cases: 0, accepted: 0, refused: 0 }] = tallies;
    expect(cases).toBe(CASES);
    expect(accepted + refused).toBe(cases);
    // Neither harmless changes only, nor rubbish only.
    expect(Math.min(accepted, refused)).toBeGreaterThan(0);
  });

  it('is divided among the targets', () => {
    expect(TARGETS.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1);
    expect(new Set(TARGETS.map(({ name }) => name)).size).toBe(TARGETS.length);
  });
});

describe('a case', () => {
  const played: number[] = [];
  const target: Target = {
    name: 'sometimes',
    what: 'crashes for every tenth number',
    share: 1,
    async prepare() {
      return {
        async play(random) {
          const number = random.integer(0, 9);
          played.push(number);
          if (number === 0) throw new Error('zero');
          return number < 5 ? 'accepted' : 'refused';
        },
        async stop() {},
      };
    },
  };

  it('that crashes is counted, and can be played again alone', async () => {
    const all = await fuzz({ targets: [target], cases: 100, seed: 7 });
    const [first] = all.crashes;
    expect(all.tallies).toMatchObject([
      { cases: 100, crashed: played.filter(number => number === 0).length },
    ]);
    expect(first).toMatchObject({ target: 'sometimes', number: played.indexOf(0) });
    const again = await fuzz({ targets: [target], cases: 100, seed: 7, only: first?.number ?? -1 });
    expect(again.tallies).toMatchObject([{ cases: 1, crashed: 1 }]);
  });

  it('changes with its seed and number only', () => {
    const made = (seed: number) => {
      const random = new Random(seed);
      return [
        mutateText('{"a":[1,2,3]}', random),
        mutateBytes(Buffer.from('abc'.repeat(20)), random).toString('hex'),
        ...mutateLines(['x 1', 'y 2', 'z 3'], random),
      ];
    };
    expect(made(3)).toEqual(made(3));
    expect(new Set(Array.from({ length: 50 }, (_, seed) => made(seed).join())).size).toBeGreaterThan(45);
  });
});

it('npm run fuzz starts', async () => {
  const child = new Child(process.execPath, ['qa/fuzz/main.ts', '--cases', '20']);
  expect(await child.exited).toBe(0);
  expect(child.output).toMatch(/cases, seed \d+: 0 crashes/);
});
