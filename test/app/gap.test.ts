import { expect, it } from '@jest/globals';
import { gapTeller } from '../../app/collector-process.ts';
import { frameOf } from '../data/frames.ts';

const HOST = 'web-1';
const [first, second] = [frameOf(HOST, 10), frameOf(HOST, 11)];

/** What is logged when these frames come after one that ended `ago` ms before the first; null: there was none. */
function told(ago: number | null): unknown[] {
  const lines: unknown[] = [];
  const previous = ago === null ? null : { from: first.start - ago - 1000, to: first.start - ago };
  const tell = gapTeller(previous, { info: (...line: unknown[]) => void lines.push(line) });
  for (const frame of [first, second]) tell(frame);
  return lines;
}

it('a start says once, with the first frame, since when nobody watched and until when', () => {
  expect(told(64_000)).toEqual([
    [
      {
        host: HOST,
        from: new Date(first.start - 64_000).toISOString(),
        to: new Date(first.start).toISOString(),
        gap: '1m4s',
      },
      'nobody watched this host for a while: nothing can be said about that time',
    ],
  ]);
});

it('says nothing of a host that was never watched before, or where the first frame follows the last one', () => {
  expect([told(null), told(0)]).toEqual([[], []]);
});
