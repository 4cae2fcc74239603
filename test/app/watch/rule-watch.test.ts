import { beforeEach, describe, expect, it } from '@jest/globals';
import { createHostFold } from '../../../alert/host.ts';
import { createPipeline } from '../../../alert/pipeline.ts';
import { RuleWatch } from '../../../app/watch/rule-watch.ts';
import { matchSchema } from '../../../core/config/match.ts';
import { createFold } from '../../../detector/fold/fold.ts';
import { DETECTORS } from '../../../detector/index.ts';
import { frameOf } from '../../data/frames.ts';
import { ManualClock } from '../../parts/clock.ts';
import { recordingLog } from '../../parts/log.ts';

const ruleOf = (name: string, container: string) => ({
  ...{ use: 'threshold', name, match: matchSchema.parse({ container }) },
  options: DETECTORS.find(({ name }) => name === 'threshold')?.options.parse({ above: '1MiB/s' }),
});
const RULES = [ruleOf('all', '*'), ruleOf('web', 'web-*')];
const containerOf = (name: string) => ({
  ...{ name, kind: 'container' as const, service: name, replica: name, image: 'x', id: name },
});

const foldOf = (rules: typeof RULES) =>
  createHostFold({
    fold: createFold({ rules, detectors: DETECTORS }),
    pipeline: createPipeline({ alert: { resolve_after: 0, critical_score: 3 }, receivers: [] }),
  });

describe('the watch over rules', () => {
  let clock: ManualClock;
  let logged: ReturnType<typeof recordingLog>;
  let watch: RuleWatch;
  let see: (host: string, names: string[], agoMs?: number) => void;
  beforeEach(() => {
    clock = new ManualClock();
    logged = recordingLog();
    watch = new RuleWatch({ rules: RULES, clock, log: logged.log });
    const fold = watch.over(foldOf(RULES));
    see = (host, names, agoMs = 0) => {
      const containers = names.map(containerOf);
      const start = clock.now() - agoMs - 5000;
      fold.step(fold.init(), { ...frameOf(host, 0, { containers, windows: [], flows: [] }), start });
    };
  });
  const rules = () => watch.unmatched().map(({ rule }) => rule);
  const told = () => logged.lines.map(({ level, message }) => `${level} ${message}`);

  it('says whom a rule does not find when it stays like that, not in the first seconds', () => {
    expect(watch.matches()).toEqual([]);
    see('one', ['wbe-1']);
    expect(rules()).toEqual([]);
    expect(watch.matches()).toEqual([
      ['all', 1],
      ['web', 0],
    ]);
    for (let seconds = 5; seconds < 75; seconds += 5) {
      clock.advance(5000);
      see('one', ['wbe-1']);
      expect(told()).toHaveLength(seconds < 60 ? 0 : 1);
      expect(rules()).toEqual(seconds < 15 ? [] : ['web']);
    }
    expect(told()).toEqual([
      'warn rule web matches no containers: none of 1 is named "web-*" (did you mean "wbe-1"?)',
    ]);
    clock.advance(5000);
    see('one', ['web-1']);
    expect(rules()).toEqual([]);
    expect(told().slice(1)).toEqual(['info rule web matches containers again']);
  });

  it('says once for each host whom no rule covers, when names had time to come', () => {
    const web = [ruleOf('web', 'web-*')];
    watch = new RuleWatch({ rules: web, clock, log: logged.log });
    const fold = watch.over(foldOf(web));
    see = (host, names) => {
      const containers = names.map(containerOf);
      fold.step(fold.init(), {
        ...frameOf(host, 0, { containers, windows: [], flows: [] }),
        start: clock.now() - 5000,
      });
    };
    see('one', ['docker:0123456789ab']);
    for (let seconds = 5; seconds < 30; seconds += 5) {
      clock.advance(5000);
      see('one', ['web-1', 'backup']);
    }
    expect(told()).toEqual([
      'info 1 of 2 containers is covered by no rule: backup (tidegauge check --container NAME says why)',
    ]);
  });

  it('says nothing of a container that is away for a moment', () => {
    see('one', ['web-1']);
    clock.advance(30_000);
    see('one', []);
    expect(rules()).toEqual([]);
    clock.advance(30_000);
    see('one', ['web-1']);
    expect([rules(), told()]).toEqual([[], []]);
  });

  it('is content when any host has somebody, until nothing is heard of it', () => {
    see('one', ['db']);
    see('two', ['web-1']);
    expect(rules()).toEqual([]);
    expect(watch.matches()).toContainEqual(['all', 2]);
    clock.advance(600_001);
    see('one', ['db']);
    clock.advance(15_000);
    expect(rules()).toEqual(['web']);
    expect(watch.matches()).toContainEqual(['all', 1]);
  });

  it('does not judge by history that is folded again', () => {
    see('one', ['db'], 3_600_000);
    expect([rules(), watch.matches()]).toEqual([[], []]);
  });
});
