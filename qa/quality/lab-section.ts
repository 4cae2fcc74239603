import { readRecording } from '../lab/recording.ts';
import { comparisonText, FIXTURE, laboratoryText } from '../lab/report.ts';
import { ABLATIONS, ALONE, DEFAULT, ON_REQUEST, ROLLING_ZSCORE } from './candidates.ts';
import type { Section } from './section.ts';

/** Recorded frames of real containers, judged with the code of now. */
export const laboratory: Section = {
  name: 'laboratory',
  async run(_, progress) {
    const recording = readRecording(FIXTURE);
    progress(`judging ${recording.frames.length} frames`);
    return `${INTRODUCTION}${laboratoryText(recording)}
### The laboratory compared

${comparisonText(recording, [DEFAULT, ROLLING_ZSCORE, ...ALONE, ...ON_REQUEST, ...ABLATIONS])}`;
  },
};

const INTRODUCTION = `## Laboratory

Real containers on a Docker Engine, captured by \`tidegauge run\` with its default rules (\`qa/lab/\`): visitors of three web
replicas with a day of ten minutes, a database with its standby, a cache, a second chain of services, a queue that is polled,
health checks, bulk reads now and then, a job with a new container each minute, and one that is nearly idle. After learning,
incidents are injected one after the other. \`npm run lab\` plays it again; here the frames of one run are judged
(\`npm run lab -- --recorded\`). What is abrupt has to be found within two frames, anything else within a minute of its full
size. Alerts within a minute of an incident, about those that feel it, are not false.

`;
