import { createReadStream } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import { TidegaugeError } from '../../../core/errors.ts';
import { type Labels, readLabels } from '../../../review/score/read-labels.ts';
import { readSeries } from '../../../review/score/read-series.ts';
import type { Series } from '../../../review/score/series.ts';

export interface LabelledSeries {
  readonly name: string;
  readonly series: Series;
  readonly labels: Labels;
}

/** Labelled series of one origin. */
export interface Source {
  readonly name: string;
  /** What it is, and where it can be had. */
  readonly about: string;
  /** Files below the folder of all sources, whose series this is. */
  readonly folder: string;
  /** File of labels below it; without one the series carry their own. */
  readonly labels?: string;
}

export const SOURCES: readonly Source[] = [
  {
    name: 'aiops',
    about:
      'KPIs of services and machines, every 1 or 5 minutes (AIOps challenge 2018, NetManAIOps/KPI-Anomaly-Detection)',
    folder: 'kpi/aiops',
  },
  {
    name: 'microsoft',
    about: 'request rates, ingress and errors, every minute or hour (microsoft/cloud-monitoring-dataset)',
    folder: 'kpi/microsoft',
  },
  {
    name: 'eth1out',
    about: 'bytes sent by a network interface, every 5 minutes',
    folder: 'eth1out',
  },
  {
    name: 'nab',
    about: 'Numenta Anomaly Benchmark v1.1, mostly every 5 minutes (numenta/NAB)',
    folder: 'nab/data',
    labels: 'nab/labels/combined_windows.json',
  },
];

/** All series of a source that lie below `root`, by name; none when its folder is not there. */
export async function* seriesOf(source: Source, root: string): AsyncGenerator<LabelledSeries> {
  const folder = join(root, source.folder);
  const labels = source.labels === undefined ? null : await textOf(join(root, source.labels));
  const files = await readdir(folder, { recursive: true }).catch(() => []);
  for (const file of files.filter(name => name.endsWith('.csv')).sort()) {
    const path = join(folder, file);
    const series = await readSeries(createInterface({ input: createReadStream(path) }), path);
    yield { name: basename(file, '.csv'), series, labels: await labelsOf(series, labels, path) };
  }
}

const textOf = (path: string): Promise<string | null> => readFile(path, 'utf8').catch(() => null);

async function labelsOf(series: Series, text: string | null, path: string): Promise<Labels> {
  if (text !== null) return readLabels(text, series, { place: 'labels', file: path });
  if (series.labels) return { anomalous: series.labels, windows: null };
  throw new TidegaugeError({
    place: path,
    expected: 'a third column with labels',
    found: 'none',
    remedy: 'Add it, or name a file of labels in qa/quality/series/sources.ts.',
  });
}
