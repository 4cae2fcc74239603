import { describe, expect, it } from '@jest/globals';
import { configSchema } from '../../../core/config/config.ts';
import { DETECTORS } from '../../../detector/index.ts';

/** What the configuration says about one rule: `key: what is expected`, or nothing. */
function refusals(rule: Record<string, unknown>): string[] {
  const parsed = configSchema(DETECTORS, [], []).safeParse({ detectors: [{ name: 'x', ...rule }] });
  return (parsed.error?.issues ?? []).map(issue => `${issue.path.slice(2).join('.')}: ${issue.message}`);
}

describe('threshold', () => {
  const refused = (rule: Record<string, unknown>) => refusals({ use: 'threshold', ...rule });

  it.each([
    { above: '10MiB/s' },
    { metric: 'messages', below: '500msg/s' },
    { metric: 'mean-size', above: '1KiB' },
    { rises_by: '10MiB/s' },
    { falls_by: '2.5x', at_least: '1kB/s', within: '5m', for: '1m' },
  ])('takes %j', rule => expect(refused(rule)).toEqual([]));

  it.each([
    [{ above: '10' }, /^above: a rate or size with a unit, above 0, such as/],
    [{ above: 10 }, /^above: a rate or size with a unit/],
    [{ above: '0B/s' }, /^above: .* above 0/],
    [{ above: '500msg/s' }, /^above: a value in B\/s \(such as 10MiB\/s\), because the metric is bytes/],
    [{ above: '10MiB' }, /^above: a value in B\/s/],
    [{ metric: 'messages', rises_by: '1KiB/s' }, /^rises_by: a value in msg\/s/],
    [{ metric: 'mean-size', falls_by: '2x', at_least: '1KiB/s' }, /^at_least: a value in B \(such as 1KiB\)/],
    [{}, /^above: at least one of above, below, rises_by and falls_by/],
    [{ above: '1kB/s', below: '2kB/s' }, /^below: a value less than that of above/],
    [{ rises_by: '3x' }, /^at_least: a value, because from zero on/],
    [{ rises_by: '1x', at_least: '1B/s' }, /^rises_by: a factor above 1/],
    [{ rises_by: '1kB/s', within: '10s', for: '20s' }, /^for: at most `within`/],
    [{ above: '1kB/s', for: 30 }, /^for: a duration with a unit/],
    [{ above: '1kB/s', fro: '30s' }, /fro/],
  ])('refuses %j', (rule, expected) => expect(refused(rule).join('\n')).toMatch(expected));
});

describe('rolling-zscore', () => {
  const refused = (rule: Record<string, unknown>) => refusals({ use: 'rolling-zscore', ...rule });

  it.each([
    {},
    { metric: 'messages', floor: '5msg/s', direction: 'receive' },
    { side: 'both', scale: 'log', limit: 4 },
    { side: 'below', limit: 3 },
  ])('takes %j', rule => expect(refused(rule)).toEqual([]));

  it.each([
    [{ floor: '5msg/s' }, /^floor: a value in B\/s/],
    [{ window: '1m' }, /^warm_up: at most `window`/],
    [{ for: '1h' }, /^for: at most `relearn`/],
    [{ side: 'below' }, /^side: `scale: log`, or limit x min_spread below 1/],
    [{ window: '15' }, /^window: a duration with a unit/],
    [{ limit: 0 }, /^limit: /],
  ])('refuses %j', (rule, expected) => expect(refused(rule).join('\n')).toMatch(expected));
});
