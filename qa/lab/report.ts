import { fileURLToPath } from 'node:url';
import { makeFold, SCHEMA } from '../../app/wire.ts';
import { isoTime } from '../../core/clock.ts';
import { formatDuration } from '../../core/config/units.ts';
import { DEFAULT } from '../quality/candidates.ts';
import type { Candidate } from '../quality/measure.ts';
import { table } from '../quality/section.ts';
import { type Judgement, judgeRecording, type Outcome, type Phase } from './judge.ts';
import type { Recording } from './recording.ts';

/** The recording of the repository. */
export const FIXTURE = fileURLToPath(new URL('./fixtures', import.meta.url));

/** What one candidate makes of a recording. */
export const judgeWith = (recording: Recording, { rules }: Candidate): Judgement =>
  judgeRecording(recording, makeFold({ ...SCHEMA.parse({}), detectors: [...rules] }));

/** What the default rules make of a recording, as Markdown. */
export const laboratoryText = (recording: Recording): string =>
  `${recordingText(recording)}\n\n${judgementText(judgeWith(recording, DEFAULT))}`;

/** Each incident, and what was raised without a reason. */
function judgementText({ outcomes, falseAlerts, explained, cleanMs }: Judgement): string {
  const rows = outcomes.map(outcome => [
    outcome.done.kind,
    outcome.done.about,
    delayText(outcome),
    cell(outcome.alert?.title ?? ''),
  ]);
  const found = outcomes.filter(({ alert }) => alert !== null).length;
  const inTime = outcomes.filter(one => one.inTime).length;
  const count = (...phases: Phase[]) => falseAlerts.filter(({ phase }) => phases.includes(phase)).length;
  const clean = formatDuration(Math.floor(cleanMs / 60_000) * 60_000);
  return [
    table([['incident', 'what was done', 'found after frames', 'what was said first'], ...rows]),
    `Found: ${found} of ${outcomes.length}, ${inTime} of them in time. False alerts: ${count('clean')} in ${clean} without an incident, ${count('deploy')} at the deploy, ${count('learning')} while learning, ${count('incident')} elsewhere during incidents. ${explained.length} more alerts were about what an incident did to others, or went on.`,
    '',
    ...(falseAlerts.length === 0 ? [] : [falseText(falseAlerts)]),
  ].join('\n');
}

function falseText(falseAlerts: Judgement['falseAlerts']): string {
  const rows = falseAlerts.map(({ alert, phase }) => [
    isoTime(alert.at).slice(11, 19),
    phase,
    cell(alert.title),
  ]);
  return table([['false alert at', 'during', 'what was said'], ...rows]);
}

const delayText = ({ delay, inTime }: Outcome): string =>
  delay === null ? '-' : `${delay}${inTime ? '' : ' (late)'}`;

/** Titles hold names, which are untrusted text. */
const cell = (text: string): string => text.replaceAll('|', '\\|');

/** What several candidates make of one recording, a row each. */
export function comparisonText(recording: Recording, candidates: readonly Candidate[]): string {
  const all = candidates.map(candidate => ({
    name: candidate.name,
    judgement: judgeWith(recording, candidate),
  }));
  const kinds = all[0]?.judgement.outcomes.map(({ done }) => done.kind) ?? [];
  const rows = all.map(({ name, judgement: { outcomes, falseAlerts } }) => [
    name,
    `${outcomes.filter(({ alert }) => alert !== null).length} of ${outcomes.length}`,
    `${falseAlerts.length}`,
    ...outcomes.map(delayText),
  ]);
  return table([['', 'found', 'false alerts', ...kinds], ...rows]);
}

/** How much was recorded, and on what. */
function recordingText({ truth, frames }: Recording): string {
  const containers = new Set(frames.flatMap(frame => frame.containers.map(({ name }) => name))).size;
  const learning = formatDuration(Math.round((truth.learnt - truth.begun) / 60_000) * 60_000);
  const all = formatDuration(Math.round((truth.ended - truth.begun) / 60_000) * 60_000);
  const note = truth.note === undefined ? '' : ` ${truth.note}`;
  return `${frames.length} frames of ${containers} containers, ${all}, the first ${learning} of them for learning.${note}`;
}
