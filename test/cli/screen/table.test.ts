import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import stringWidth from 'string-width';
import { frameLines, frameTable } from '../../../cli/screen/table.ts';
import type { Frame } from '../../../core/traffic/frame.ts';
import { frameOf } from '../../data/frames.ts';

function frame(names: readonly string[], bytes = 1000): Frame {
  return frameOf('box', 0, {
    containers: names.map(name => ({
      name,
      kind: 'container',
      service: name,
      replica: name,
      image: '',
      id: '',
    })),
    windows: names.slice(0, -1).map((container, i) => ({
      container,
      direction: 'send',
      messages: 10,
      bytes: bytes * (i + 1),
      sizes: [[0, 10]],
    })),
  });
}

const plain = { width: 100, height: 20, anomalous: new Set<string>(), learning: new Map<string, string>() };

describe('the live table', () => {
  it('shows rates per second, busiest first, the silent last, and marks the anomalous', () => {
    expect(frameTable(frame(['a', 'b', 'silent'], 10_240), { ...plain, anomalous: new Set(['b']) })).toEqual([
      'CONTAINER   SENT/s  MSG/s   MEAN  RECEIVED/s  MSG/s  MEAN',
      '! b          4 KiB      2  2 KiB         0 B      0     -',
      '  a          2 KiB      2  1 KiB         0 B      0     -',
      '  silent       0 B      0      -         0 B      0     -',
    ]);
  });

  it('says until when somebody is learned, in a column that is there only then', () => {
    const learning = new Map([
      ['a', 'until 22:53'],
      ['silent', 'yes'],
    ]);
    expect(frameTable(frame(['a', 'b', 'silent'], 10_240), { ...plain, learning })).toEqual([
      'CONTAINER   SENT/s  MSG/s   MEAN  RECEIVED/s  MSG/s  MEAN     LEARNING',
      '  b          4 KiB      2  2 KiB         0 B      0     -',
      '  a          2 KiB      2  1 KiB         0 B      0     -  until 22:53',
      '  silent       0 B      0      -         0 B      0     -          yes',
    ]);
  });

  it('explains the root of all cgroups', () => {
    expect(frameTable(frame(['/']), plain)[1]).toMatch(/^ {2}\/ \(the host itself\) /);
  });

  it('has names that can be told apart on a narrow screen', () => {
    const names = ['docker:f61937bbd410', 'docker:72f94e913591', 'z'];
    expect(frameTable(frame(names, 10_240), { ...plain, width: 60 })).toEqual([
      'CONTAINER              SENT/s  MSG/s  RECEIVED/s  MSG/s',
      '  docker:72f94e913591   4 KiB      2         0 B      0',
      '  docker:f61937bbd410   2 KiB      2         0 B      0',
      '  z                       0 B      0         0 B      0',
    ]);
    expect(frameTable(frame(names, 10_240), { ...plain, width: 50 })).toEqual([
      'CONTAINER         SENT/s  MSG/s  RECEIVED/s  MSG/s',
      '  docker…e913591   4 KiB      2         0 B      0',
      '  docker…7bbd410   2 KiB      2         0 B      0',
      '  z                  0 B      0         0 B      0',
    ]);
  });

  it('leaves messages out before names cannot be told apart, and is never wider than the screen', () => {
    const names = ['docker:f61937bbd410', 'docker:72f94e913591', 'z'];
    expect(frameTable(frame(names, 10_240), { ...plain, width: 40 })).toEqual([
      'CONTAINER             SENT/s  RECEIVED/s',
      '  docker:7…94e913591   4 KiB         0 B',
      '  docker:f…937bbd410   2 KiB         0 B',
      '  z                      0 B         0 B',
    ]);
    for (let width = 1; width < 120; width++)
      for (const line of frameTable(frame(names), { ...plain, width }))
        expect(line.length).toBeLessThanOrEqual(width);
  });

  it('keeps columns in line beside wide and right-to-left names', () => {
    const lines = frameTable(frame(['東京データベース', 'שלום', 'web', 'z'], 10_240), plain);
    expect(new Set(lines.map(line => stringWidth(line)))).toEqual(new Set([stringWidth(lines[0] ?? '')]));
  });

  it('fits the screen and says what it leaves out', () => {
    const lines = frameTable(frame(Array.from({ length: 50 }, (_, i) => `container-${i}`)), {
      ...plain,
      height: 10,
    });
    expect(lines).toHaveLength(10);
    expect(lines.at(-1)).toBe('… and 42 more');
  });

  it('fills a screen that is just large enough, and says so when there is nothing', () => {
    expect(frameTable(frame(['a', 'b', 'c']), { ...plain, height: 4 })).toHaveLength(4);
    expect(frameTable(frame([]), plain)).toEqual(['no traffic yet']);
  });

  it('lets no name break a line, move the cursor or widen the table', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: 'binary', maxLength: 300 }), { minLength: 1, maxLength: 5 }),
        names => {
          const hostile = [...new Set([...names, '\u001b[2Jx', 'a\nb', '‮evil', 'silent'])];
          for (const line of [...frameTable(frame(hostile), plain), ...frameLines(frame(hostile), 'T')]) {
            // Marks of our own stand around names from right to left; a name cannot bring one.
            expect(line.replaceAll('\u200e', '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
          }
        },
      ),
    );
  });
});

describe('lines for a pipe', () => {
  it('one per container with traffic, sizes in binary units', () => {
    expect(frameLines(frame(['a', 'silent'], 1229), 'T')).toEqual([
      'T a sent 1.2 KiB in 10 messages received 0 B in 0 messages',
    ]);
  });

  it('of one message it is said as of one', () => {
    const { windows, ...rest } = frame(['a', 'silent'], 100);
    const single = { ...rest, windows: windows.map(one => ({ ...one, messages: 1 })) };
    expect(frameLines(single, 'T')).toEqual(['T a sent 100 B in 1 message received 0 B in 0 messages']);
  });
});
