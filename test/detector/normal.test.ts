import { describe, expect, it } from '@jest/globals';
import type { Window } from '../../core/traffic/frame.ts';
import { bucketOf } from '../../core/traffic/histogram.ts';
import { dynamicThreshold } from '../../detector/dynamic-threshold.ts';
import { createNormals } from '../../detector/fold/normal.ts';
import { inputOf } from '../../detector/shared/example-inputs.ts';

const options = dynamicThreshold.options.parse({ views: ['level'] });
const web = {
  ...{ name: 'web', service: 'web', replica: '1', image: 'web:1', id: 'web' },
  kind: 'container',
} as const;
const MINUTE = 60_000;

const window = (direction: Window['direction'], messages: number): Window => ({
  ...{ container: 'web', direction, messages, bytes: messages * 200 },
  sizes: [[bucketOf(200), messages]],
});
const minute = (i: number, messages: number) =>
  inputOf(
    web,
    { start: i * MINUTE, durationMs: MINUTE },
    {
      send: window('send', messages),
      receive: window('receive', messages),
    },
  );

/** The state after so many minutes of about ten messages a second. */
function stateAfter(minutes: number) {
  let state = dynamicThreshold.init(options);
  for (let i = 0; i < minutes; i++)
    state = dynamicThreshold.step(state, minute(i, 600 + 20 * (i % 3)), options).state;
  return state;
}
const normals = (minutes: number) => dynamicThreshold.normal?.(stateAfter(minutes), options) ?? [];

describe('what is normal of a container', () => {
  it('is, of bytes and messages, the greatest there was, and the rate from which on there is an alarm', () => {
    const sent = normals(120).find(({ direction, unit }) => direction === 'send' && unit === 'msg/s');
    expect(sent?.now?.usual).toBeCloseTo(640 / 60, 0);
    const limit = (sent?.now?.limit ?? 0) * 60;
    const scoreOf = (messages: number): number => {
      const { opinion } = dynamicThreshold.step(stateAfter(120), minute(120, messages), options);
      return 'abstain' in opinion ? Number.NaN : opinion.score;
    };
    expect(scoreOf(0.9 * limit)).toBeLessThan(1);
    expect(scoreOf(1.1 * limit)).toBeGreaterThanOrEqual(1);
  });

  it('is, of messages both ways, the least there was, and the rate below which there is an alarm', () => {
    const both = normals(120).find(({ side }) => side === 'low');
    expect(both?.now?.usual).toBeCloseTo(1200 / 60, 0);
    const limit = (both?.now?.limit ?? 0) * 60;
    const scoreOf = (messages: number): number => {
      const { opinion } = dynamicThreshold.step(stateAfter(120), minute(120, messages / 2), options);
      return 'abstain' in opinion ? Number.NaN : opinion.score;
    };
    expect(limit).toBeGreaterThan(0);
    expect(scoreOf(Math.ceil(1.2 * limit))).toBeLessThan(1);
    expect(scoreOf(Math.floor(0.8 * limit))).toBeGreaterThanOrEqual(1);
  });

  it('is known of the times of day that were watched, and of no others', () => {
    const known = normals(120)[0]?.byHalfHour.map(rate => rate !== null) ?? [];
    expect(known).toHaveLength(48);
    expect(known.slice(0, 3)).toEqual([true, true, true]);
    expect(known.slice(4)).not.toContain(true);
  });

  it('is not known at first', () => {
    expect(normals(5).map(({ now }) => now)).toEqual([null, null, null, null]);
  });

  it('is told by the rule that holds for the container, and by none of one that nobody has seen', () => {
    const rule = { use: 'dynamic-threshold', name: 'traffic', match: {}, options, overrides: [] };
    const normalsOf = createNormals([rule as never], [dynamicThreshold as never]);
    const nothing = { last: null, hasContainers: true, expected: {} };
    const subjects = { byKey: {}, count: 0, dropped: 0, swept: 0 };
    expect(normalsOf({ ...nothing, subjects }, web, 'host')).toEqual([]);
  });
});
