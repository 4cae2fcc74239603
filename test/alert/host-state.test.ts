import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createHostFold } from '../../alert/host.ts';
import { createPipeline } from '../../alert/pipeline.ts';
import { createFold } from '../../detector/fold/fold.ts';
import { DEFAULT_RULES, DETECTORS } from '../../detector/index.ts';
import { busyParts, frameOf } from '../data/frames.ts';
import { rules } from '../detector/data/frames.ts';

const FOLD = createHostFold({
  fold: createFold({ rules: rules(DEFAULT_RULES), detectors: DETECTORS }),
  pipeline: createPipeline({ alert: { resolve_after: 60_000, critical_score: 3 }, receivers: [] }),
});

function stateOf(containers: number, frames: number) {
  const parts = busyParts(containers);
  let state = FOLD.init();
  for (let n = 0; n < frames; n++) state = FOLD.step(state, frameOf('box', n, parts)).state;
  return state;
}

describe('the text of a state', () => {
  it('gives the same state back, at once or in pieces, of however many containers', async () => {
    const sizes = fc.record({ containers: fc.nat(200), frames: fc.nat(2) });
    await fc.assert(
      fc.asyncProperty(sizes, async ({ containers, frames }) => {
        const state = stateOf(containers, frames);
        const plain = JSON.parse(JSON.stringify(state));
        expect(isDeepStrictEqual(FOLD.decode(FOLD.encode(state)), plain)).toBe(true);
        expect(isDeepStrictEqual(FOLD.decode(await FOLD.save(state)), plain)).toBe(true);
      }),
      { numRuns: 6, examples: [[{ containers: 200, frames: 1 }]] },
    );
  });

  it('is a small part of its JSON for a large host', async () => {
    const state = stateOf(300, 3);
    const { length } = JSON.stringify(state);
    for (const text of [FOLD.encode(state), await FOLD.save(state)])
      expect(text.length).toBeLessThan(length / 5);
  });

  it('is made in pieces, between which others have their turn', async () => {
    const state = stateOf(300, 3);
    let turns = 0;
    let isDone = false;
    const take = () => {
      turns++;
      if (!isDone) setImmediate(take);
    };
    setImmediate(take);
    await FOLD.save(state);
    isDone = true;
    expect(turns).toBeGreaterThan(3);
  });

  it('is refused when it is damaged', async () => {
    const text = await FOLD.save(stateOf(150, 1));
    for (const damaged of [text.slice(0, -40), `${text.slice(0, 60)}AAAA${text.slice(64)}`, 'zstd:'])
      expect(() => FOLD.decode(damaged)).toThrow(/checkpoint: expected the state of a host, found no JSON/);
  });
});
