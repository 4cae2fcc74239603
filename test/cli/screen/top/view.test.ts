import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import stringWidth from 'string-width';
import { SIZE_GROUPS, type SORTS, topRows } from '../../../../cli/screen/top/rows.ts';
import { sparkline, type TopOptions, topLines } from '../../../../cli/screen/top/view.ts';
import type { Detection } from '../../../../core/incident/incident.ts';
import type { Container, Frame, Window } from '../../../../core/traffic/frame.ts';
import { frameOf } from '../../../data/frames.ts';

const container = (name: string): Container => ({
  ...{ name, kind: 'container', service: name, replica: '1', image: '', id: name },
});
const sends = (name: string, bytes: number, size: number): Window => ({
  ...{ container: name, direction: 'send', messages: 10, bytes, sizes: [[size, 10]] },
});
const detection = (name: string, score: number, open = false): Detection => ({
  ...{
    service: '',
    host: 'box',
    container: name,
    start: 0,
    score,
    scores: {},
    seen: 1234,
    expected: 1000,
    open,
  },
});

const frames: readonly Frame[] = [
  frameOf('box', 0, { containers: ['a', 'b', 'c'].map(container), windows: [sends('a', 50_000, 65_536)] }),
  frameOf('box', 1, {
    containers: ['a', 'b', 'c'].map(container),
    windows: [sends('a', 1000, 64), sends('b', 10_000, 960)],
  }),
];
const [BOLD, RED, RESET] = ['\u001b[1m', '\u001b[31m', '\u001b[0m'];
const options: TopOptions = {
  ...{ width: 100, height: 24, sort: 'rate', color: false, title: 'tidegauge top: box', keys: true },
};
const names = (sort: keyof typeof SORTS) =>
  topRows(frames, [detection('c', 0.5), detection('a', 2, true)], sort).map(({ name }) => name);

describe('top', () => {
  it('sorts by rate, mean size, score and name', () => {
    expect(names('rate')).toEqual(['b', 'a', 'c']);
    expect(names('sizes')).toEqual(['a', 'b', 'c']);
    expect(names('score')).toEqual(['a', 'c', 'b']);
    expect(names('name')).toEqual(['a', 'b', 'c']);
  });

  it('shows rates of the newest frame, sizes of all, and the newest judgement', () => {
    const rows = topRows(frames, [detection('a', 9), detection('a', 2, true)], 'rate');
    expect(topLines(rows, options)).toEqual([
      'tidegauge top: box',
      'sort by: r rate (now), s sizes, c score, n name; q to quit',
      'CONTAINER   SENT/s  RECEIVED/s  MSG/s  0 B … 64 KiB     MEAN  SCORE   SEEN  EXPECTED',
      '  b        2.0 KiB         0 B      2      █          1000 B      -      -         -',
      '! a          200 B         0 B      2   █         █  2.5 KiB   2.00  1.2 k       1 k',
      '  c            0 B         0 B      0                      -      -      -         -',
    ]);
  });

  it('marks who alarms by colour, where there is colour, and by a sign in any case', () => {
    const rows = topRows(frames, [detection('a', 2, true)], 'score');
    const [, , head, alarming, calm] = topLines(rows, { ...options, color: true });
    expect([head?.startsWith(`${BOLD}CONTAINER `), head?.endsWith(RESET)]).toEqual([true, true]);
    expect([alarming?.startsWith(`${RED}! a `), alarming?.endsWith(RESET)]).toEqual([true, true]);
    expect(calm).not.toContain('\u001b');
    expect(topLines(rows, options).join('')).not.toContain('\u001b');
  });

  it('draws sizes relative to the most frequent, and hides none', () => {
    expect(sparkline([0, 1, 400, 800])).toBe(' ▁▄█');
    expect(SIZE_GROUPS).toHaveLength('0 B … 64 KiB'.length);
  });

  it('says when nothing is stored', () => {
    expect(topLines([], options).at(-1)).toBe('no frame of this host is stored yet');
  });

  it('never is wider or higher than the screen, and keeps its columns in line, whatever the names', () => {
    const name = fc.oneof(
      fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }),
      fc.constantFrom('東京データベース', 'שלום-web-1', 'x'.repeat(300), '\u001b[2J\r\n', '👩‍👩‍👧‍👦'),
    );
    fc.assert(
      fc.property(
        fc.uniqueArray(name, { minLength: 1, maxLength: 30 }),
        fc.integer({ min: 1, max: 140 }),
        fc.integer({ min: 4, max: 40 }),
        (all, width, height) => {
          const frame = frameOf('box', 0, {
            containers: all.map(container),
            windows: all.map(each => sends(each, 1e6, 64)),
          });
          const lines = topLines(topRows([frame], [], 'rate'), { ...options, width, height });
          expect(lines.length).toBeLessThanOrEqual(height);
          for (const line of lines) {
            expect(stringWidth(line)).toBeLessThanOrEqual(width);
            expect(line.replaceAll('\u200e', '')).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}]/u);
          }
          expect(lines.length).toBe(Math.min(height, all.length + 3));
        },
      ),
    );
  });
});
