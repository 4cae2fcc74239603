import { describe, expect, it } from '@jest/globals';
import { argumentsText, settingsOf } from '../../../qa/quality/settings.ts';
import { MAGNITUDES } from '../../../qa/quality/simulator/incidents.ts';

describe('what a quality run is asked for', () => {
  it('sizes of incidents that are not named stay as they are', () => {
    expect(settingsOf(['--sizes', 'flood=10, spike=30']).sizes).toEqual({
      ...MAGNITUDES,
      flood: 10,
      spike: 30,
    });
    expect(settingsOf([]).sizes).toBeNull();
  });

  it.each(['flood', 'flood=', 'flood=x', 'flood=0', 'flood=-1', 'toString=2', 'deluge=2', ''])(
    'sizes are refused that are none: %p',
    text => {
      expect(() => settingsOf(['--sizes', text])).toThrow('--sizes: NAME=NUMBER above 0');
    },
  );

  it('kinds of container are named in full', () => {
    expect(settingsOf(['--kinds', 'worker,quiet site']).kinds).toEqual(['worker', 'quiet site']);
    expect(() => settingsOf(['--kinds', 'worker,site'])).toThrow('not site');
  });

  it('the page says what to type to get it again', () => {
    const typed = ['--quick', '--days', '7', '--seeds', '4,5', '--kinds', 'worker', '--sizes', 'flood=10'];
    expect(argumentsText(settingsOf(typed))).toBe(
      ' -- --quick --days 7 --seeds 4,5 --kinds "worker" --sizes flood=10',
    );
  });
});
