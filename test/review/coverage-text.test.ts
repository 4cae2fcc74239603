import { describe, expect, it } from '@jest/globals';
import { UTC } from '../../core/time-zone.ts';
import { coverageText } from '../../review/coverage-text.ts';
import type { HostReview } from '../../review/review.ts';

const HOUR = 3_600_000;
const T0 = Date.UTC(2026, 0, 31, 22);
const RANGE = { from: T0, to: T0 + 10 * HOUR };
const STORED = { oldest: T0 - 48 * HOUR, keptMs: 168 * HOUR, now: T0 + 11 * HOUR };

const review = (parts: Partial<HostReview> = {}): HostReview => ({
  host: 'a',
  folded: 100,
  frames: 10,
  checkpoint: T0 - 5000,
  from: T0,
  to: RANGE.to,
  covered: RANGE,
  blind: [],
  missing: { incomplete: 0, faults: {}, lost: 0, dropped: 0 },
  incidents: [],
  ...parts,
});
const nothing = { covered: null, frames: 0, folded: 0, from: null, to: null, checkpoint: null };
const text = (parts: Partial<HostReview> = {}, stored: Partial<typeof STORED> | { oldest: null } = {}) =>
  coverageText(review(parts), RANGE, { ...STORED, ...stored }, UTC).join(' ');

describe('what a review covers', () => {
  it('is all of the range', () => {
    expect(text()).toBe(
      '10 frames from 2026-01-31T22:00:00Z to 2026-02-01T08:00:00Z, all of the range. What is normal was known as it was live after the frame of 2026-01-31T21:59:55Z.',
    );
  });

  it.each([
    ['a range in the future', {}, { now: T0 - HOUR }, 'The range is in the future'],
    [
      'a range whose frames were deleted',
      {},
      { oldest: RANGE.to + HOUR },
      'any more: the oldest frame is of 2026-02-01T09:00:00Z. Frames are kept for 7d.',
    ],
    ['a range in which nobody watched', {}, {}, 'No frame is stored of the range'],
    ['a host without frames', {}, { oldest: null }, 'Nothing is stored of this host'],
  ])('%s', (_, parts, stored, said) => {
    expect(text({ ...nothing, ...parts }, stored)).toContain(said);
  });

  it('begins late where frames were deleted, or nobody watched', () => {
    const late = { covered: { from: T0 + HOUR, to: RANGE.to } };
    const before = 'Nothing is stored of the range before 2026-01-31T23:00:00Z';
    expect(text(late)).toContain(`90.0 % of the range. ${before}: the host was not watched.`);
    expect(text(late, { oldest: T0 + HOUR, keptMs: 10 * HOUR })).toContain(
      `${before}. Frames are kept for 10h.`,
    );
  });

  it('ends early where nobody watched, or it is not over yet', () => {
    const early = { covered: { from: T0, to: T0 + HOUR } };
    expect(text(early)).toContain('Nothing is stored of the range after 2026-01-31T23:00:00Z');
    expect(text(early, { now: T0 + HOUR })).toContain('The range ends in the future.');
  });

  it('lacks what is incomplete or lost, and never counts as all then', () => {
    const blind = [{ from: T0, to: T0 + 5000 }];
    const missing = { incomplete: 2, faults: { saturated: 2, restart: 1 }, lost: 1, dropped: 3 };
    const said = text({ blind, missing });
    expect(said).toContain('99.9 % of the range');
    expect(said).toContain('1 part of the range, 5s in all');
    expect(said).toContain(
      '2 frames may not hold all that happened: a map of the probe was full (2), the probe was restarted (1).',
    );
    expect(said).toContain('1 message was lost in the kernel.');
    expect(said).toContain('3 frames were captured and lost on their way to the store.');
  });

  it('says from when on what is normal was learned', () => {
    expect(text({ checkpoint: null, from: T0 - HOUR })).toContain('from 2026-01-31T21:00:00Z on, 1h before');
    expect(text({ checkpoint: null })).toContain('its beginning was not judged');
  });
});
