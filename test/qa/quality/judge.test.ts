import { isDeepStrictEqual } from 'node:util';
import { expect, it } from '@jest/globals';
import { compareWindows } from '../../../core/traffic/frame.ts';
import { createFold } from '../../../detector/fold/fold.ts';
import { DEFAULT_RULES, DETECTORS } from '../../../detector/index.ts';
import { type AllSaid, createJudge, type Learnt, stronger } from '../../../qa/quality/judge.ts';
import { fleet } from '../../../qa/quality/simulator/fleet.ts';
import { Random } from '../../../qa/quality/simulator/random.ts';
import { ServiceRun } from '../../../qa/quality/simulator/run.ts';
import { frame, rules } from '../../detector/data/frames.ts';

/** Deploys begin at eight. */
const FROM = 8.2 * 720;
const UNTIL = 8.9 * 720;
const written = rules([
  ...DEFAULT_RULES,
  { use: 'host', name: 'host' },
  { use: 'rolling-zscore', name: 'zscore' },
]);

it.each(['web', 'batch'])('the rules say of a %s of the simulator what the fold says of its frames', kind => {
  // Containers are followed by others.
  const found = fleet(new Random(3)).find(one => one.kind === kind);
  if (!found) throw new Error(`no ${kind}`);
  const service = { ...found, rates: { ...found.rates, deploys: 60 } };
  const run = new ServiceRun(service, new Random(4));
  const judge = createJudge(written, DETECTORS);
  const fold = createFold({ rules: written, detectors: DETECTORS });
  const learnt: Learnt = [];
  let state = fold.init();
  const different: unknown[] = [];
  for (let at = 0; at < UNTIL; at++) {
    const inputs = run.next();
    if (at < FROM) continue;
    const { start = 0, durationMs = 0 } = inputs[0] ?? {};
    const windows = inputs.flatMap(({ send, receive }) => [send, receive]).filter(one => one !== undefined);
    const containers = inputs.map(({ container }) => container);
    const all = frame(0, containers, windows.sort(compareWindows), { start, durationMs });
    const step = fold.step(state, all);
    state = step.state;
    const said: AllSaid = { own: inputs.map(() => undefined), service: undefined };
    let ofService = said.service;
    for (const one of step.verdicts) {
      if (one.kind !== 'judged') continue;
      const text = { text: `${one.rule}: ${one.evidence.text}`, score: one.score };
      const index = containers.findIndex(({ name }) => name === one.scope.container);
      if (index < 0) ofService = stronger(ofService, text);
      else said.own[index] = stronger(said.own[index], text);
    }
    const direct = judge.step(learnt, inputs);
    const folded: AllSaid = { ...said, service: ofService };
    if (!isDeepStrictEqual(direct, folded)) different.push({ at, direct, folded });
  }
  expect(different).toEqual([]);
});
