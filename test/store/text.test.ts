import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { decodeField, decodeTag, encodeField, encodeTag } from '../../store/text.ts';
import { hostileText, NASTY } from './arbitrary.ts';

describe('encoding of texts', () => {
  it.each([
    ['web-1', 'web-1'],
    ['/system.slice/ssh.service', '/system.slice/ssh.service'],
    ['50% more', '50% more'],
    ['100%', '100%'],
    ['', '%'],
    ['%', '%25'],
    ['%0A', '%250A'],
    ['a\nb', 'a%0Ab'],
    ['a\\', 'a%5C'],
    ['\ud800', '%uD800'],
    ['🦀', '🦀'],
  ])('writes %j as the tag %j', (text, tag) => {
    expect(encodeTag(text)).toBe(tag);
    expect(decodeTag(tag)).toBe(text);
  });

  it('leaves texts in fields as people wrote them', () => {
    for (const text of ['two\nlines', 'back\\slash', '', '%', '5 % of 3'])
      expect(encodeField(text)).toBe(text);
  });

  it('can be undone for every text', () => {
    fc.assert(
      fc.property(hostileText, text => {
        expect(decodeTag(encodeTag(text))).toBe(text);
        expect(decodeField(encodeField(text))).toBe(text);
      }),
      { numRuns: 2000, examples: NASTY.map(text => [text]) },
    );
  });

  it('gives tags that InfluxDB can hold', () => {
    fc.assert(
      fc.property(hostileText, text => {
        const tag = encodeTag(text);
        expect(tag).not.toBe('');
        expect(tag).not.toMatch(/[\p{Cc}\\]/u);
        expect(tag.isWellFormed()).toBe(true);
      }),
    );
  });
});
