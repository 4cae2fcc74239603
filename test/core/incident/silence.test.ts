import { describe, expect, it } from '@jest/globals';
import { isCovered, type Silence, silenceText, subjectOf } from '../../../core/incident/silence.ts';

const SILENCE: Silence = {
  id: '1a2b3c4d',
  match: { host: 'a', service: '*', container: 'web-?' },
  from: 1000,
  until: 2000,
  owner: 'anna',
  reason: 'deploy\n\u001b[31m',
};
const incident = (container: string, host = 'a') => ({ host, service: 'shop', container });

describe('silence', () => {
  it('covers what all its globs match, from its beginning until before its end', () => {
    const at = (now: number) => isCovered(SILENCE, incident('web-1'), now);
    expect([999, 1000, 1999, 2000].map(at)).toEqual([false, true, true, false]);
    expect(isCovered(SILENCE, incident('web-1', 'b'), 1500)).toBe(false);
    expect(isCovered(SILENCE, incident('web-10'), 1500)).toBe(false);
    // Of the service or the host as a whole: no container has such an empty name.
    expect(isCovered(SILENCE, incident(''), 1500)).toBe(false);
  });

  it('says what it is about, and can be printed', () => {
    expect(subjectOf(SILENCE)).toBe('container web-?, host a');
    expect(subjectOf({ match: { host: '*', service: '*', container: '*' } })).toBe('everything');
    expect(silenceText(SILENCE)).toMatch(
      /^silenced until 1970-01-01T00:00:02\.000Z by anna: deploy.+ \(1a2b3c4d\)$/,
    );
    expect(silenceText(SILENCE)).not.toMatch(/\p{Cc}/u);
  });
});
