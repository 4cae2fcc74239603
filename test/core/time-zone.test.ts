import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { TimeZone, UTC } from '../../core/time-zone.ts';

const zone = (name: string): TimeZone => {
  const found = TimeZone.named(name);
  if (!found) throw new Error(`no zone ${name}`);
  return found;
};

describe('a time zone', () => {
  it.each([
    ['2026-01-31', '2026-01-31T00:00:00.000Z'],
    ['2026-01-31T22:00', '2026-01-31T22:00:00.000Z'],
    ['2026-01-31T22:00:07', '2026-01-31T22:00:07.000Z'],
    ['2026-01-31T22:00:07.1234Z', '2026-01-31T22:00:07.123Z'],
    ['2026-01-31T22:00+01:00', '2026-01-31T21:00:00.000Z'],
    ['2026-01-31T22:00-0330', '2026-02-01T01:30:00.000Z'],
    ['2026-01-31T22:00+01', '2026-01-31T21:00:00.000Z'],
    ['2024-02-29', '2024-02-29T00:00:00.000Z'],
    ['0099-01-01', '0099-01-01T00:00:00.000Z'],
  ])('reads %s', (text, expected) => {
    expect(new Date(UTC.parse(text) ?? Number.NaN).toISOString()).toBe(expected);
  });

  it.each([
    '12',
    '2001',
    '2026',
    '2026-01',
    'web-7',
    'Jan 31 2026',
    '31.01.2026',
    '2026-1-31',
    '2026-02-31',
    '2026-02-29',
    '2026-13-01',
    '2026-00-10',
    '2026-01-31 22:00',
    '2026-01-31T24:00',
    '2026-01-31T22',
    '2026-01-31T22:60',
    '2026-01-31T22:00:60',
    '2026-01-31Z',
    '2026-01-31T22:00+24:00',
    '2026-01-31T22:00+01:60',
    ' 2026-01-31',
    '',
    '2026-01-31T22:00 CET',
    '+002026-01-31',
    'now',
    '1769896800000',
  ])('takes no %j for a time', text => expect(UTC.parse(text)).toBeNull());

  it('is known by its name, or not at all', () => {
    expect(zone('europe/berlin').name).toBe('Europe/Berlin');
    expect([TimeZone.named('Europe/Bonn'), TimeZone.named(''), TimeZone.named('local')]).toEqual([
      null,
      null,
      null,
    ]);
  });

  it('a time without an offset is its own, a date begins at its midnight', () => {
    const berlin = zone('Europe/Berlin');
    expect(berlin.parse('2026-01-31')).toBe(Date.UTC(2026, 0, 30, 23));
    expect(berlin.parse('2026-07-31T22:00')).toBe(Date.UTC(2026, 6, 31, 20));
    expect(berlin.parse('2026-07-31T22:00Z')).toBe(Date.UTC(2026, 6, 31, 22));
  });

  it('an hour that comes twice is the first; what is written tells them apart', () => {
    const berlin = zone('Europe/Berlin');
    const first = Date.UTC(2026, 9, 25, 0, 30);
    expect(berlin.parse('2026-10-25T02:30')).toBe(first);
    expect(berlin.seconds(first)).toBe('2026-10-25T02:30:00+02:00');
    expect(berlin.seconds(first + 3_600_000)).toBe('2026-10-25T02:30:00+01:00');
  });

  it('a time that the clocks skip is as much later as they are set forward', () => {
    const berlin = zone('Europe/Berlin');
    expect(berlin.seconds(berlin.parse('2026-03-29T02:30') ?? 0)).toBe('2026-03-29T03:30:00+02:00');
    expect(
      zone('Australia/Lord_Howe').seconds(zone('Australia/Lord_Howe').parse('2026-10-04T02:10') ?? 0),
    ).toBe('2026-10-04T02:40:00+11:00');
  });

  it('a day that a country has skipped is the next one', () => {
    const apia = zone('Pacific/Apia');
    expect(apia.seconds(apia.parse('2011-12-30T12:00') ?? 0)).toBe('2011-12-31T12:00:00+14:00');
  });

  it('what it writes it reads, in every zone, to the millisecond', () => {
    const zones = fc
      .constantFrom('UTC', 'Europe/Berlin', 'America/St_Johns', 'Asia/Kathmandu', 'Africa/Casablanca')
      .map(zone);
    const time = fc.integer({ min: 0, max: Date.UTC(2100, 0) });
    fc.assert(fc.property(zones, time, (one, ms) => expect(one.parse(one.text(ms))).toBe(ms)));
  });

  it('writes the time of day with its offset', () => {
    const ms = Date.UTC(2026, 0, 31, 22, 0, 7, 5);
    expect([UTC.clock(ms), UTC.clockMs(ms)]).toEqual(['22:00:07Z', '22:00:07.005Z']);
    expect(zone('Asia/Kathmandu').clock(ms)).toBe('03:45:07+05:45');
  });
});
