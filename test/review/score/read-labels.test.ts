import { describe, expect, it } from '@jest/globals';
import { readLabels } from '../../../review/score/read-labels.ts';
import { readSeries } from '../../../review/score/read-series.ts';

/** Rows at 0, 60, … 540 s. */
const series = await readSeries(
  Array.from({ length: 10 }, (_, i) => `${i * 60},1`),
  'a.csv',
);
const read = (text: string, file = 'web/a.csv') => readLabels(text, series, { place: 'labels', file });
const rows = (anomalous: readonly boolean[]) => anomalous.flatMap((one, row) => (one ? [row] : []));

describe('labels', () => {
  it('are windows of JSON, as dates or numbers, both ends included', async () => {
    const { anomalous, windows } = await read(
      '[["1970-01-01 00:01:00.000000","1970-01-01 00:03:00"],[420,480]]',
    );
    expect(windows).toEqual([
      [1, 3],
      [7, 8],
    ]);
    expect(rows(anomalous)).toEqual([1, 2, 3, 7, 8]);
  });

  it('are those of the file among the windows of many, the one in the same folder first', async () => {
    const text = '{"db/a.csv": [[0,60]], "web/a.csv": [[120,180]], "web/b.csv": []}';
    expect((await read(text)).windows).toEqual([[2, 3]]);
    expect((await read(text, '/data/db/a.csv')).windows).toEqual([[0, 1]]);
    await expect(read(text, 'web/c.csv')).rejects.toThrow(
      'labels: it has no windows for c.csv. Its keys have',
    );
  });

  it('are windows of a CSV with start and end', async () => {
    expect((await read('start,end\n60,119\n\n"500","9999"\n')).windows).toEqual([
      [1, 1],
      [9, 9],
    ]);
  });

  it('leave out windows without a row', async () => {
    expect((await read('[[61,119],[9000,9999],[120,60]]')).windows).toEqual([]);
  });

  it('are rows of a CSV with timestamp and label, with or without values and a header', async () => {
    for (const text of [
      'timestamp,label\n120,1\n180,0\n240,1\n',
      '120,1\n180,0\n240,1',
      'timestamp,value,label\n120,5,1\n240,5,1',
    ]) {
      const { anomalous, windows } = await read(text);
      expect([rows(anomalous), windows]).toEqual([[2, 4], null]);
    }
  });

  it.each([
    ['broken JSON', '[[', 'it begins like JSON and is none'],
    ['windows that are none', '[[1,2,3]]', 'labels: window 0'],
    ['a word for a time', '[["noon",5]]', 'a time, not "noon"'],
    ['text', 'hello', 'neither JSON nor has two columns'],
    ['times of another series', 'timestamp,label\n7,1\n', 'none of its times is one of the series'],
    ['half a window', 'start,end\n60\n', 'line 2 has no two times'],
  ])('refuse %s and say what to give', async (_, text, message) => {
    await expect(read(text)).rejects.toThrow(message);
    await expect(read(text)).rejects.toThrow('Give windows as JSON');
  });
});
