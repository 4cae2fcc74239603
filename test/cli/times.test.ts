import { describe, expect, it } from '@jest/globals';
import { rangeFlags, timeFlag } from '../../cli/times.ts';
import { TimeZone, UTC } from '../../core/time-zone.ts';

const now = Date.UTC(2026, 0, 31, 22);
const present = { now, zone: UTC };
const BERLIN = TimeZone.named('Europe/Berlin') as TimeZone;

describe('times of flags', () => {
  it('a duration is that long ago, and never before 1970', () => {
    expect(timeFlag('--from', '12h', present)).toBe(now - 12 * 3_600_000);
    expect(timeFlag('--from', '1h30m', present)).toBe(now - 5_400_000);
    expect(timeFlag('--to', '0s', present)).toBe(now);
    expect(timeFlag('--from', '99999w', present)).toBe(0);
  });

  it('a time without an offset is of the zone that output has', () => {
    expect(timeFlag('--from', '2026-01-31T21:00', present)).toBe(now - 3_600_000);
    expect(timeFlag('--from', '2026-01-31T21:00', { now, zone: BERLIN })).toBe(now - 7_200_000);
    expect(timeFlag('--from', '2026-01-31T21:00Z', { now, zone: BERLIN })).toBe(now - 3_600_000);
  });

  it.each([
    ['12', 'Add the unit: 12h is 12 hours ago, 12m minutes.'],
    ['2026-01-31 21:00', 'Write a T between day and time: 2026-01-31T21:00.'],
    ['2026-02-31', 'There is no such day'],
    ['2026-01-31T25:00', 'There is no such day, hour or offset'],
    ['web-7', 'A time without an offset is taken in the time zone UTC.'],
    ['24:00', 'There is no such time of day: they go from 00:00 to 23:59.'],
    ['9:00', 'Write 09:00: an hour has two digits.'],
    ['', 'found nothing'],
    ['12 h', 'Correct the flag'],
    ['-12h', 'Correct the flag'],
  ])('%j is refused: %s', (text, said) => {
    expect(() => timeFlag('--from', text, present)).toThrow(said);
    expect(() => timeFlag('--from', text, present)).toThrow(
      '--from: expected a duration ago with its unit, such as 12h, or a time such as 2026-01-31T22:00 or 22:00',
    );
  });

  it('a time of day is the latest one in the zone, up to this moment', () => {
    expect(timeFlag('--to', '08:00', present)).toBe(Date.UTC(2026, 0, 31, 8));
    expect(timeFlag('--to', '22:00', present)).toBe(now);
    expect(timeFlag('--to', '22:00:01', present)).toBe(now - 86_399_000);
    // It is 23:00 in Berlin.
    expect(timeFlag('--to', '23:00', { now, zone: BERLIN })).toBe(now);
    expect(timeFlag('--to', '23:30', { now, zone: BERLIN })).toBe(now - 84_600_000);
    // Tomorrow has begun there.
    expect(timeFlag('--to', '00:30', { now: now + 2 * 3_600_000, zone: BERLIN })).toBe(now + 5_400_000);
  });

  it('from one time of day to another is the latest such stretch that is over', () => {
    const night = { from: Date.UTC(2026, 0, 30, 22), to: Date.UTC(2026, 0, 31, 8) };
    expect(rangeFlags({ from: '22:00', to: '08:00' }, present)).toEqual(night);
    expect(rangeFlags({ from: '08:00', to: '22:00' }, present)).toEqual({ from: night.to, to: now });
    expect(rangeFlags({ from: '22:00', to: '22:00' }, present)).toEqual({ from: night.from, to: now });
    expect(rangeFlags({ from: '22:00', to: '0s' }, { ...present, now: night.to })).toEqual(night);
  });

  it('a range that is empty or backwards is refused', () => {
    expect(() => rangeFlags({ from: '1h', to: '2h' }, present)).toThrow('--from 1h is not before --to 2h');
    expect(rangeFlags({ from: '2h', to: '1h' }, present)).toEqual({
      from: now - 7_200_000,
      to: now - 3_600_000,
    });
  });
});
