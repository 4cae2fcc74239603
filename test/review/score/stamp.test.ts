import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseStamp } from '../../../review/score/stamp.ts';

const NOON = Date.UTC(2026, 0, 31, 12, 30, 15);

it.each([
  ['epoch seconds', `${NOON / 1000}`, NOON],
  ['epoch seconds with a fraction', `${NOON / 1000}.25`, NOON + 250],
  ['epoch milliseconds', `${NOON}`, NOON],
  ['seconds before 1970', '-86400', -86_400_000],
  ['a date with a time, which is UTC', '2026-01-31 12:30:15', NOON],
  ['ISO 8601', '2026-01-31T12:30:15Z', NOON],
  ['ISO 8601 with a fraction and a zone', '2026-01-31T14:30:15.5+02:00', NOON + 500],
  ['a zone west of Greenwich', '2026-01-31 07:30:15-0500', NOON],
  ['no seconds', '2026-01-31 12:30', NOON - 15_000],
  ['a day', '2026-01-31', Date.UTC(2026, 0, 31)],
  ['a leap day', '2024-02-29', Date.UTC(2024, 1, 29)],
])('understands %s', (_, text, expected) => {
  expect(parseStamp(text)).toBe(expected);
});

it.each([
  '',
  'yesterday',
  '2026-02-30',
  '2026-13-01',
  '2026-01-31 25:00',
  '31.01.2026',
  '1e9',
  'NaN',
  '9'.repeat(20),
])('understands no time in %p', text => {
  expect(parseStamp(text)).toBeNull();
});

it('reads every time that a Date writes, and the same as seconds and milliseconds', () => {
  const dates = fc.date({ min: new Date(0), max: new Date('9999-01-01'), noInvalidDate: true });
  fc.assert(
    fc.property(dates, date => {
      const ms = Math.floor(date.getTime() / 1000) * 1000;
      expect(parseStamp(new Date(ms).toISOString())).toBe(ms);
      expect(parseStamp(new Date(ms).toISOString().replace('T', ' ').slice(0, 19))).toBe(ms);
      if (ms < 1e11 * 1000) expect(parseStamp(`${ms / 1000}`)).toBe(ms);
      if (ms >= 1e11) expect(parseStamp(`${ms}`)).toBe(ms);
    }),
  );
});
