import { createReadStream, createWriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { describeFileError, printable, UsageError } from '../../core/errors.ts';
import { jsonText } from '../../review/report.ts';
import { judgeSeries } from '../../review/score/judge-series.ts';
import { type Labels, readLabels } from '../../review/score/read-labels.ts';
import { readSeries } from '../../review/score/read-series.ts';
import { scoreJson, scoreLines, scoreText } from '../../review/score/report.ts';
import type { Series } from '../../review/score/series.ts';
import { addCommand, type Register, setAction } from '../command.ts';
import { STORED } from '../config/needs.ts';
import type { CommonFlags, Context } from '../context.ts';
import { refuseToReplace } from '../refuse-to-replace.ts';

interface ScoreFlags extends CommonFlags {
  readonly labels?: string;
  readonly out?: string;
  readonly json?: boolean;
  readonly force?: boolean;
}

export const registerScore: Register = (program, signal) => {
  const command = addCommand(
    program,
    'score',
    'find anomalies in any series: a CSV of timestamp,value[,label], such as an exported KPI',
  );
  command
    .argument('<file>', 'times are dates, or epoch seconds or ms, in any order; - reads standard input')
    .option(
      '--labels <file>',
      "what is anomalous: windows (NAB's JSON, or a CSV of start,end) or rows (a CSV of timestamp,label)",
    )
    .option('--out <file>', 'write timestamp,value,anomaly_score,alert for each row; 1 is the alarm limit')
    .option('--force', 'let --out replace an existing file')
    .option('--json', 'machine-readable, with all alerts');
  setAction(command, signal, score, { needs: STORED });
};

/** Anomalies of a series, and how well they agree with labels. */
export async function score(context: Context, flags: ScoreFlags, file: string): Promise<number> {
  if (flags.out !== undefined) refuseToReplace('--out', flags.out, flags.force ?? false);
  const place = file === '-' ? 'standard input' : file;
  const series = await readSeries(linesOf(file, place), place);
  const labels = await labelsOf(series, flags.labels, file);
  const scored = { file: place, series, judged: judgeSeries(series), labels };
  if (flags.out !== undefined) await writeLines(scoreLines(scored), flags.out);
  context.out.write(flags.json ? jsonText(scoreJson(scored)) : scoreText(scored));
  return 0;
}

async function* linesOf(file: string, place: string): AsyncIterable<string> {
  const input = file === '-' ? process.stdin : createReadStream(file);
  try {
    yield* createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
  } catch (cause) {
    throw unreadable(place, 'a file of timestamp,value lines', cause);
  }
}

/** Labels of their own file, or of the series itself. */
async function labelsOf(series: Series, path: string | undefined, file: string): Promise<Labels | null> {
  if (path === undefined) return series.labels && { anomalous: series.labels, windows: null };
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw unreadable(path, 'a file of labels', cause);
  });
  return readLabels(text, series, { place: path, file });
}

async function writeLines(lines: Iterable<string>, path: string): Promise<void> {
  try {
    await pipeline(Readable.from(lines), createWriteStream(path));
  } catch (cause) {
    throw new UsageError(
      {
        place: `--out ${printable(path)}`,
        expected: 'a file that can be written',
        found: describeFileError(cause, 'write'),
        remedy: 'Name one in a folder of yours.',
      },
      cause,
    );
  }
}

const unreadable = (path: string, expected: string, cause: unknown) =>
  new UsageError(
    {
      place: printable(path),
      expected,
      found: describeFileError(cause, 'read'),
      remedy: 'Give a file that exists and that you may read.',
    },
    cause,
  );
