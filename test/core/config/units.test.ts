import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  formatCount,
  formatDuration,
  formatFrequency,
  formatLength,
  formatSize,
  formatValue,
  parseDuration,
  parseFrequency,
  parseRate,
  parseSize,
} from '../../../core/config/units.ts';

describe('durations', () => {
  it.each([
    ['5s', 5000],
    ['200ms', 200],
    ['1h30m', 5_400_000],
    ['1.5s', 1500],
    ['0s', 0],
    ['2w', 1_209_600_000],
  ])('%s is %d ms', (text, ms) => expect(parseDuration(text)).toBe(ms));

  it.each(['', '5', 's', '5 s', '-5s', '5sec', '1e3s', '5s!'])('%j is refused', text => {
    expect(parseDuration(text)).toBeNull();
  });

  it('what is written is read back as the same', () => {
    fc.assert(fc.property(fc.nat(10 ** 10), ms => expect(parseDuration(formatDuration(ms))).toBe(ms)));
  });
});

describe('sizes and rates', () => {
  it.each([
    ['64KiB', 65_536],
    ['1.5MB', 1_500_000],
    ['200B', 200],
    ['2GiB', 2_147_483_648],
  ])('%s is %d bytes', (text, bytes) => expect(parseSize(text)).toBe(bytes));

  it.each(['64', '64kib', 'KiB', '1 MiB', '-1B'])('%j is refused', text =>
    expect(parseSize(text)).toBeNull(),
  );

  it('rates say what they count', () => {
    expect(parseRate('1MiB/s')).toEqual({ value: 1_048_576, unit: 'B/s' });
    expect(parseRate('500msg/s')).toEqual({ value: 500, unit: 'msg/s' });
    expect(parseRate('500/s')).toBeNull();
    expect(parseRate('1MiB')).toBeNull();
  });

  it.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1 KiB'],
    [1229, '1.2 KiB'],
    [1_048_575, '1.0 MiB'],
    [150 * 1024, '150 KiB'],
    [-2048, '-2 KiB'],
  ])('%d bytes are shown as %s', (bytes, text) => expect(formatSize(bytes)).toBe(text));

  it('counts are shown in thousands, values with their unit', () => {
    expect(formatCount(950)).toBe('950');
    expect(formatCount(1234)).toBe('1.2 k');
    expect(formatValue(2048, 'B/s')).toBe('2 KiB/s');
    expect(formatValue(340, 'msg/s')).toBe('340 msg/s');
  });

  it('rates below 1 are told from each other, and rounding errors are 0', () => {
    expect([0.083, 0.117, 0.5, 0.996, 1e-16, -1e-16].map(x => formatValue(x, 'msg/s'))).toEqual([
      ...['0.08 msg/s', '0.12 msg/s', '0.5 msg/s', '1 msg/s', '0 msg/s', '0 msg/s'],
    ]);
  });
});

it('a length of time is rounded as people read it', () => {
  expect([0, 999, 9949, 10_001, 83_456, 3_600_001].map(formatLength)).toEqual([
    ...['0s', '999ms', '9s900ms', '10s', '1m23s', '1h'],
  ]);
});

describe('frequencies', () => {
  it('are written as they are read', () => {
    for (const text of ['1/s', '30/m', '7/m', '100/h', '5/s'])
      expect(formatFrequency(parseFrequency(text) ?? 0)).toBe(text);
    expect(parseFrequency('30/m')).toBe(2000);
    for (const text of ['', '0/s', '1', '/s', '1/d', '-1/s', '1.5/s'])
      expect(parseFrequency(text)).toBeNull();
  });
});
