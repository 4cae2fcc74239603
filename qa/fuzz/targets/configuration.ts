import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeFold, SCHEMA } from '../../../app/wire.ts';
import { ConfigError } from '../../../cli/config/config-error.ts';
import { loadConfig } from '../../../cli/config/load.ts';
import type { Random } from '../../../test/data/random.ts';
import { temporaryFolder } from '../../../test/parts/process.ts';
import type { Prepared, Target, Verdict } from '../contract.ts';
import { broken } from '../fuzz.ts';
import { HOSTILE, mutateText } from '../mutate.ts';

const VARIABLES = [
  'HOST',
  'DATA',
  'DETECTORS',
  'RECEIVERS',
  'CAPTURE_INTERVAL',
  'STORE_INFLUX_URL',
  'LOG_LEVEL',
];
const MACHINE = { hostname: 'fuzz', data: '/nowhere' };

/** The examples, a file with every kind of value, and one with what YAML has besides. */
const CORPUS = [
  ...['embedded', 'shared'].map(name =>
    readFileSync(new URL(`../../../examples/${name}.yaml`, import.meta.url), 'utf8').replace(
      /^ *#.*\n/gm,
      '',
    ),
  ),
  `host: web-1
capture: { interval: 500ms, probe: lhist, docker: off, spool: { size: 1GiB, age: 1d, fsync: always } }
store: { kind: sqlite, retention: { raw: 7d, minute: 90d, hour: 730d } }
state: { lease: 2s, checkpoint: 1s }
http: { listen: 127.0.0.1:8433 }
detectors:
  - { use: threshold, name: a, metric: bytes, direction: send, above: 50MiB/s, for: 30s, match: { container: "web-*" } }
  - { use: rolling-zscore, name: b, metric: messages, side: both, scale: log, warm_up: 1h }
receivers:
  - { use: webhook, name: c, url: "https://x.example/", headers: { a: b }, timeout: 3s }
log: { level: debug }
`,
  `x: &a { host: h }\n<<: *a\nlog: {level: info}\n? {a: b}\n: !!str 1\n--- # another document\nhost: >-\n  x\n`,
  `a: &a [x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a]\nc: &c [*b, *b, *b, *b, *b]\nd: [*c, *c, *c, *c]\n`,
];

export const configuration: Target = {
  name: 'configuration',
  what: 'tidegauge.yaml and environment variables',
  share: 0.1,
  async prepare(): Promise<Prepared> {
    const folder = temporaryFolder();
    const file = join(folder.path, 'tidegauge.yaml');
    return {
      async play(random) {
        writeFileSync(file, mutateText(random.pick(CORPUS), random));
        return load(file, random);
      },
      stop: async () => folder.remove(),
    };
  },
};

/** Either every problem with its place, or settings that detectors and alerts can be made of. */
function load(file: string, random: Random): Verdict {
  const env: Record<string, string> = {};
  if (random.next() < 0.3) env[`TIDEGAUGE_${random.pick(VARIABLES)}`] = random.pick(HOSTILE);
  try {
    makeFold(loadConfig(SCHEMA, { file, env, machine: MACHINE }).config);
    return 'accepted';
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const unplaced = error.lines.find(line => !line.includes(file) && !line.includes('environment variable'));
    if (error.lines.length === 0 || unplaced !== undefined)
      throw broken('a problem without its place', error);
    return 'refused';
  }
}
