import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import { boundedLines, type Line } from '../../../collector/decode/lines.ts';

async function linesOf(chunks: readonly Uint8Array[], cap: number): Promise<Line[]> {
  const source = (async function* () {
    yield* chunks;
  })();
  const lines: Line[] = [];
  for await (const line of boundedLines(source, cap)) lines.push(line);
  return lines;
}

/** Cut bytes at the given places. */
function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const ends = [...new Set(places.map(place => place % (bytes.length + 1)))].sort((a, b) => a - b);
  return [0, ...ends].map((from, i) => bytes.subarray(from, ends[i] ?? bytes.length));
}

it('gives the same lines however the bytes arrive', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.string({ unit: 'grapheme' }).map(text => text.replaceAll('\n', ''))),
      fc.array(fc.nat()),
      async (texts, places) => {
        const bytes = Buffer.from(texts.map(text => `${text}\n`).join(''));
        expect(await linesOf(cut(bytes, places), 1000)).toEqual(texts);
      },
    ),
  );
});

it('skips lines beyond the cap, wherever they are cut, and goes on', async () => {
  const bytes = Buffer.from(`ok\n${'x'.repeat(100)}\nfine\n${'y'.repeat(11)}\n0123456789`);
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat()), async places => {
      expect(await linesOf(cut(bytes, places), 10)).toEqual(['ok', null, 'fine', null, '0123456789']);
    }),
  );
});
