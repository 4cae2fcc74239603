import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import { PastFrame } from '../../review/record/past-frame.ts';
import { frameArbitrary } from '../store/arbitrary.ts';

const frames = frameArbitrary(fc.constant('host'));

it('a frame is remembered as it was, whatever was remembered in its place before', () => {
  fc.assert(
    fc.property(fc.array(frames, { minLength: 1, maxLength: 4 }), fc.nat(), (several, which) => {
      const past = new PastFrame(several[0] as (typeof several)[number]);
      for (const frame of several) {
        past.keep(frame);
        const { start, durationMs, faults, containers, flows, windows } = frame;
        expect(past.head).toEqual({ start, durationMs, faults, containers, flows });
        expect(past.windowsOf(new Set(containers.map(({ name }) => name)))).toEqual(windows);
        const one = containers[which % containers.length]?.name ?? '';
        expect(past.windowsOf(new Set([one]))).toEqual(windows.filter(({ container }) => container === one));
      }
    }),
  );
});
