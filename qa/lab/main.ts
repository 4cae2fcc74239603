/**
 * `npm run lab -- [--learn 20m] [--between 2m] [--clean 30m] [--only scan,beacon] [--record DIR]`: real containers under the
 * real program, incidents injected into them, and what was found. `npm run lab -- --recorded [DIR]` judges a recording
 * (that of the repository) with the code of now, in seconds.
 */
import { parseArgs } from 'node:util';
import { isoTime, systemClock } from '../../core/clock.ts';
import { parseDuration } from '../../core/config/units.ts';
import { INCIDENTS } from './incidents.ts';
import { runLaboratory } from './live.ts';
import { type Recording, readRecording, writeRecording } from './recording.ts';
import { FIXTURE, laboratoryText } from './report.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    learn: { type: 'string', default: '20m' },
    between: { type: 'string', default: '2m' },
    clean: { type: 'string', default: '30m' },
    only: { type: 'string' },
    record: { type: 'string' },
    recorded: { type: 'boolean', default: false },
  },
});

function fail(message: string): never {
  console.error(message);
  process.exit(2);
}

function durationOf(flag: 'learn' | 'between' | 'clean'): number {
  return parseDuration(values[flag]) ?? fail(`--${flag}: a duration such as 20m, not ${values[flag]}`);
}

async function live(): Promise<Recording> {
  const names = values.only?.split(',');
  const incidents = INCIDENTS.filter(({ kind }) => names?.includes(kind) ?? true);
  if (incidents.length !== (names ?? INCIDENTS).length)
    fail(`--only: some of ${INCIDENTS.map(({ kind }) => kind).join(', ')}`);
  const [learnMs, betweenMs, cleanMs] = [durationOf('learn'), durationOf('between'), durationOf('clean')];
  const ending = new AbortController();
  const tell = (line: string) => console.log(`${isoTime(systemClock.now()).slice(11, 19)} ${line}`);
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      tell('ending');
      ending.abort();
    });
  }
  const recording = await runLaboratory({ learnMs, betweenMs, cleanMs, incidents }, tell, ending.signal);
  if (values.record !== undefined) writeRecording(values.record, recording);
  return recording;
}

const recording = values.recorded ? readRecording(positionals[0] ?? FIXTURE) : await live();
console.log(`\n${laboratoryText(recording)}`);
