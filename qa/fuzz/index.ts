import type { Target } from './contract.ts';
import { configuration } from './targets/configuration.ts';
import { docker, webhooks } from './targets/http.ts';
import { influx } from './targets/influx.ts';
import { captures, lines, recordings } from './targets/lines.ts';
import { frames, records } from './targets/records.ts';
import { series } from './targets/series.ts';
import { spool } from './targets/spool.ts';
import { sqlite } from './targets/sqlite.ts';

/** Everything that reads what others wrote. */
export const TARGETS: readonly Target[] = [
  lines,
  captures,
  recordings,
  frames,
  records,
  spool,
  series,
  configuration,
  influx,
  sqlite,
  webhooks,
  docker,
];
