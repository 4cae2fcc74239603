import { TidegaugeError } from '../../../core/errors.ts';
import { judgeSeries } from '../../../review/score/judge-series.ts';
import { readLabels } from '../../../review/score/read-labels.ts';
import { readSeries } from '../../../review/score/read-series.ts';
import { scoreLines } from '../../../review/score/report.ts';
import type { Random } from '../../../test/data/random.ts';
import type { Target, Verdict } from '../contract.ts';
import { golden } from '../corpus.ts';
import { broken } from '../fuzz.ts';
import { mutateLines, mutateText } from '../mutate.ts';

const WINDOWS = '{"any/app1-02.csv": [["2018-07-15 05:00:00.000000", "2018-07-16 05:00:00.000000"]]}';

export const series: Target = {
  name: 'series',
  what: 'the CSV and the labels that `tidegauge score` is given',
  share: 0.05,
  async prepare() {
    const lines = golden('series/app1-02.csv');
    return {
      play: random => play(lines, random),
      stop: async () => {},
    };
  },
};

/** Whatever is written there: a refusal with words, or a finite score for each row. */
async function play(lines: readonly string[], random: Random): Promise<Verdict> {
  try {
    const read = await readSeries(mutateLines(lines, random), 'any.csv');
    const { scores, alerts } = judgeSeries(read);
    if (!scores.every(score => Number.isFinite(score) && score >= 0)) throw broken('a score that is none');
    const labels = await readLabels(mutateText(WINDOWS, random), read, {
      place: 'labels',
      file: 'app1-02.csv',
    });
    const written = [...scoreLines({ file: 'any.csv', series: read, judged: { scores, alerts }, labels })];
    if (written.length !== read.times.length + 1)
      throw broken(`${written.length} lines of ${read.times.length} rows`);
    return read.refused.count > 0 ? 'refused' : 'accepted';
  } catch (error) {
    if (error instanceof TidegaugeError) return 'refused';
    throw error;
  }
}
