import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { closest, closestToGlob } from '../../../core/config/closest.ts';
import { globMatcher } from '../../../core/config/options.ts';

describe('the nearest name', () => {
  it.each([
    ['abvoe', ['above', 'below'], 'above'],
    ['qeueu', ['queue'], 'queue'],
    ['recievers', ['redis', 'receivers'], 'receivers'],
    ['zzz', ['host', 'data'], null],
    ['hsot', [], null],
  ])('to %s of %j is %s', (word, known, found) => {
    expect(closest(word, known)).toBe(found);
  });

  it.each([
    ['wbe-*', ['db-1', 'web-1'], 'web-1'],
    ['shop-web-?', ['shop_web-1'], 'shop_web-1'],
    ['Postgres*', ['web', 'postgres-main'], 'postgres-main'],
    ['*-frontned', ['a-backend', 'a-frontend'], 'a-frontend'],
    ['x*', ['web', 'db'], null],
    ['redis', ['postgres'], null],
  ])('to the pattern %s of %j is %s', (glob, names, found) => {
    expect(closestToGlob(glob, names)).toBe(found);
  });

  it('to a pattern is one that it matches, if there is one', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '-'), maxLength: 8 });
    const glob = fc.string({ unit: fc.constantFrom('a', 'b', '-', '*', '?'), maxLength: 8 });
    fc.assert(
      fc.property(glob, text, fc.array(text, { maxLength: 4 }), (pattern, name, others) => {
        fc.pre(globMatcher(pattern)(name));
        const found = closestToGlob(pattern, [...others, name]);
        expect(found !== null && globMatcher(pattern)(found)).toBe(true);
      }),
    );
  });
});
