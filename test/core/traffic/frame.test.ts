import { expect, it } from '@jest/globals';
import type { ConnectionRow } from '../../../core/traffic/connection.ts';
import { type Container, decodeFrame, encodeFrame } from '../../../core/traffic/frame.ts';
import { busyParts, frameOf } from '../../data/frames.ts';

const CONNECTION: ConnectionRow = {
  container: 'c',
  kind: 'opened',
  own: '',
  peer: '',
  port: 80,
  clientPort: 50_000,
  count: 1,
};

it('a frame that an earlier version left in a spool or queue has no connections', () => {
  const frame = frameOf('h', 1);
  const { connections: _, ...earlier } = JSON.parse(encodeFrame(frame)) as Record<string, unknown>;
  expect(decodeFrame(JSON.stringify(earlier), 'a spool')).toEqual(frame);
});

it('labels of a container come back, and no more of them than a frame may hold', () => {
  const [first] = frameOf('h', 1, busyParts(1)).containers;
  const withLabels = (labels: object) =>
    frameOf('h', 1, { containers: [{ ...first, labels } as Container], windows: [], flows: [] });
  const good = withLabels({ 'com.example.team': 'shop', team: '' });
  expect(decodeFrame(encodeFrame(good), 'a spool')).toEqual(good);
  const many = Object.fromEntries(Array.from({ length: 17 }, (_, i) => [`k${i}`, '']));
  for (const labels of [{}, many, { team: 'x'.repeat(129) }, { 'a b': '' }, { team: 1 }])
    expect(() => decodeFrame(encodeFrame(withLabels(labels)), 'a spool')).toThrow(/containers\.0\.labels/);
});

it('connections that an earlier version left there have no port of the client', () => {
  const { clientPort: _, ...earlier } = CONNECTION;
  const frame = frameOf('h', 1, { connections: [{ ...CONNECTION, clientPort: 0 }] });
  const text = JSON.stringify({ ...frame, connections: [earlier] });
  expect(decodeFrame(text, 'a spool')).toEqual(frame);
});

it.each([
  ['a kind that is none', { kind: 'guessed' }],
  ['a port that is none', { port: 65_536 }],
  ['a port of the client that is none', { clientPort: -1 }],
  ['a count of none', { count: 0 }],
])('a frame with a connection of %s is refused', (_, wrong) => {
  const good = frameOf('h', 1, { connections: [CONNECTION] });
  expect(decodeFrame(encodeFrame(good), 'here')).toEqual(good);
  const bad = JSON.stringify({ ...good, connections: [{ ...CONNECTION, ...wrong }] });
  expect(() => decodeFrame(bad, 'here')).toThrow(/here: expected a frame, found connections\.0\./);
});

it.each([
  ['no list', 5],
  ['no pair', [64]],
  ['a bound that is none', [[1, 3]]],
  ['a third number', [[64, 3, 0]]],
  [
    'a bucket twice',
    [
      [64, 1],
      [64, 2],
    ],
  ],
  [
    'buckets out of order',
    [
      [128, 1],
      [64, 2],
    ],
  ],
  ['a count of none', [[64, 0]]],
  ['a count that is text', [[64, '3']]],
  ['a count that is not exact', [[64, 2 ** 53]]],
  ['other counts than its messages', [[64, 2]]],
])('a frame with a histogram of %s is refused', (_, sizes) => {
  const container = { name: 'c', kind: 'container', service: 'c', replica: '1', image: '', id: '' } as const;
  const row = { container: 'c', direction: 'send', messages: 3, bytes: 200, sizes: [[64, 3]] } as const;
  const good = frameOf('h', 1, { containers: [container], windows: [row] });
  expect(decodeFrame(encodeFrame(good), 'here')).toEqual(good);
  const bad = JSON.stringify({ ...good, windows: [{ ...row, sizes }] });
  expect(() => decodeFrame(bad, 'here')).toThrow(/here: expected a frame, found windows\.0/);
});

it.each([
  ['start', 2 ** 53 - 1],
  ['durationMs', 2 ** 53 - 1],
  ['previous', -(2 ** 53) + 1],
])('a frame whose %s no date can say is refused', (key, value) => {
  const bad = JSON.stringify({ ...frameOf('h', 1), [key]: value });
  expect(() => decodeFrame(bad, 'here')).toThrow(new RegExp(`here: expected a frame, found ${key} `));
});
