import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type Maintenance, maintenance } from '../../../core/config/maintenance.ts';
import { MaintenanceWindows } from '../../../core/incident/maintenance.ts';
import { isCovered, silenceText } from '../../../core/incident/silence.ts';
import { TimeZone } from '../../../core/time-zone.ts';
import { incidentOf } from '../../data/incidents.ts';

const BERLIN = TimeZone.named('Europe/Berlin') as TimeZone;
const at = (text: string): number => BERLIN.parse(text) ?? Number.NaN;
const configured = (more: Record<string, unknown> = {}): Maintenance[] =>
  maintenance().parse([
    {
      ...{ name: 'backup', matchers: ['service=shop/db'], schedule: '30 2 * * *', duration: '2h' },
      ...{ zone: 'Europe/Berlin', reason: 'nightly' },
      ...more,
    },
  ]);
const windowsOf = (more: Record<string, unknown> = {}) => new MaintenanceWindows(configured(more), 'UTC');
/** The windows that begin in a range, by their times in Berlin. */
function startsIn(windows: MaintenanceWindows, from: string, to: string): string[] {
  const starts = new Set<number>();
  for (let now = at(from); now < at(to); now += 600_000)
    for (const { from: start } of windows.at(now)) if (start >= at(from)) starts.add(start);
  return [...starts].map(start => BERLIN.text(start));
}
const rejection = (more: Record<string, unknown>): string => {
  try {
    configured(more);
    return 'accepted';
  } catch (error) {
    return String(error);
  }
};

describe('a maintenance window', () => {
  it('is in force from its start by the wall clock for as long as it lasts', () => {
    const windows = windowsOf();
    const start = at('2026-02-03T02:30');
    const inForce = (now: number) => windows.at(now).length;
    expect([start - 1, start, start + 7_199_999, start + 7_200_000].map(inForce)).toEqual([0, 1, 1, 0]);
    const [silence] = windows.at(start);
    if (!silence) throw new Error('none in force');
    expect(silence).toMatchObject({
      id: 'backup',
      kind: 'maintenance',
      from: start,
      until: start + 7_200_000,
    });
    expect(isCovered(silence, incidentOf(start, { service: 'shop/db' }), start)).toBe(true);
    expect(isCovered(silence, incidentOf(start, { service: 'shop/web' }), start)).toBe(false);
    expect(silenceText(silence)).toBe('maintenance window backup until 2026-02-03T03:30:00.000Z: nightly');
  });

  it('whose start is skipped when clocks are set forward starts at the end of the gap, and lasts as long', () => {
    const windows = windowsOf();
    expect(startsIn(windows, '2026-03-28', '2026-03-31')).toEqual([
      '2026-03-28T02:30:00.000+01:00',
      '2026-03-29T03:00:00.000+02:00',
      '2026-03-30T02:30:00.000+02:00',
    ]);
    expect(BERLIN.text(windows.at(at('2026-03-29T03:00'))[0]?.until ?? 0)).toBe(
      '2026-03-29T05:00:00.000+02:00',
    );
  });

  it('whose start comes twice when clocks are set back starts once, the first time', () => {
    expect(startsIn(windowsOf({ duration: '30m' }), '2026-10-24', '2026-10-27')).toEqual([
      '2026-10-24T02:30:00.000+02:00',
      '2026-10-25T02:30:00.000+02:00',
      '2026-10-26T02:30:00.000+01:00',
    ]);
  });

  it('that is under way when clocks change lasts as long as it says', () => {
    const start = at('2026-03-29T01:00');
    const [silence] = windowsOf({ schedule: '0 1 * * *' }).at(start);
    expect(BERLIN.text(silence?.until ?? 0)).toBe('2026-03-29T04:00:00.000+02:00');
  });

  it('that is longer than the time to its next start is in force without a gap', () => {
    const windows = windowsOf({ schedule: '0 * * * *', duration: '90m' });
    for (let now = at('2026-02-03'); now < at('2026-02-04'); now += 420_000)
      expect(windows.at(now)).toHaveLength(1);
  });

  it('takes the zone of the configuration where it names none', () => {
    const windows = new MaintenanceWindows(configured({ zone: '' }), 'Asia/Kathmandu');
    expect(windows.upcoming(at('2026-02-03')).map(({ from }) => new Date(from).toISOString())).toEqual([
      '2026-02-03T20:45:00.000Z',
    ]);
  });

  it('upcoming is the one in force, else the next, and none that never comes again', () => {
    const from = (now: string) =>
      windowsOf()
        .upcoming(at(now))
        .map(silence => BERLIN.text(silence.from));
    expect(from('2026-02-03T02:30')).toEqual(['2026-02-03T02:30:00.000+01:00']);
    expect(from('2026-02-03T04:30')).toEqual(['2026-02-04T02:30:00.000+01:00']);
  });

  it('gives the same answer whatever was asked before, also when the clock jumps', () => {
    const asked = windowsOf({ schedule: '*/15 2,3 * * 1-5', duration: '10m' });
    const time = fc.integer({ min: at('2026-01-01'), max: at('2026-12-31') });
    fc.assert(
      fc.property(time, now => {
        const fresh = windowsOf({ schedule: '*/15 2,3 * * 1-5', duration: '10m' });
        expect(asked.at(now)).toEqual(fresh.at(now));
        expect(asked.upcoming(now)).toEqual(fresh.upcoming(now));
      }),
    );
  });

  it.each([
    [{ schedule: '0 22 * *' }, 'a schedule of five parts'],
    [{ schedule: '61 2 * * *' }, 'Invalid value for minute: 61'],
    [{ schedule: '* * * * * *' }, 'a schedule of five parts'],
    [{ schedule: '0 0 30 2 *' }, 'there is no such day'],
    [{ zone: 'Europe/Berlim' }, 'a time zone of the IANA database'],
    [{ duration: '30s' }, 'at least 1m'],
    [{ name: 'a b' }, 'a name of letters'],
    [{ matchers: ['contianer=a'] }, 'incidents have no'],
    [{ matchers: [] }, 'Too small'],
  ])('with %j is refused', (more, message) => {
    expect(rejection(more)).toContain(message);
  });

  it('needs a name of its own', () => {
    const [one] = [{ name: 'a', matchers: ['host=a'], schedule: '0 0 * * *', duration: '1h' }];
    expect(() => maintenance().parse([one, one])).toThrow('a name that no other window has');
  });
});
