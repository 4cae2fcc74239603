import { formatDuration } from '../../core/config/units.ts';
import { type Finding, type Incident, SEVERITIES, type Severity } from '../../core/incident/incident.ts';
import type { Settings } from '../contract.ts';
import { CAPTURE_RULE, SHIPPING_RULE } from '../data-loss.ts';

/**
 * How bad a finding is: how far beyond the limit, how long, and how rare. The thresholds and what they are worth on
 * simulated traffic are in docs/severity.md.
 */

/** From this score on it is a warning: three of four false alerts stay below (CALIBRATION of the sensitivity). */
export const WARNING_SCORE = 1.5;
/** What has lasted for so long is a grade worse, ms. */
export const LONG_MS = 600_000;
/** What has happened so often in the seven days before is a grade better: it is known by now. */
export const OFTEN = 2;

/** What nobody could judge is never less than a warning. */
const BLIND: readonly string[] = [CAPTURE_RULE, SHIPPING_RULE];

export const worse = (a: Severity, b: Severity): Severity =>
  SEVERITIES.indexOf(a) >= SEVERITIES.indexOf(b) ? a : b;

/** Grades of a finding, and what each comes from: the sum of the first is its severity, within what there is. */
interface Grades {
  readonly score: number;
  readonly long: 0 | 1;
  readonly often: 0 | -1;
}

/** `at`: end of the frame, epoch ms. */
function gradesOf({ peak, first, before }: Finding, at: number, { alert }: Pick<Settings, 'alert'>): Grades {
  const warning = Math.min(WARNING_SCORE, alert.critical_score);
  return {
    score: peak >= alert.critical_score ? 2 : peak >= warning ? 1 : 0,
    long: at - first >= LONG_MS ? 1 : 0,
    often: (before?.inWeek ?? 0) >= OFTEN ? -1 : 0,
  };
}

/** `at`: end of the frame, epoch ms. What the user said of the rule holds, whatever was seen. */
export function severityOf(
  finding: Finding,
  at: number,
  settings: Pick<Settings, 'alert' | 'severities'>,
): Severity {
  const said = saidOf(finding.rule, settings);
  if (said !== undefined) return said;
  const { score, long, often } = gradesOf(finding, at, settings);
  const least = BLIND.includes(finding.rule) ? 1 : 0;
  return gradeName(Math.max(least, score + long + often));
}

/** A rule may have the name of what every object has, such as `constructor`. */
const saidOf = (rule: string, { severities = {} }: Pick<Settings, 'severities'>): Severity | undefined =>
  Object.hasOwn(severities, rule) ? severities[rule] : undefined;

const gradeName = (grade: number): Severity =>
  SEVERITIES[Math.max(0, Math.min(grade, SEVERITIES.length - 1))] ?? 'info';

/**
 * Why an incident is as severe as it is, in words: `score 4.2 is critical, one grade less as it was noticed 2 times in the
 * 7 days before`. Null: by these settings it would be something else, as they have changed since.
 */
export function severityReason(
  { findings, severity, end }: Incident,
  settings: Pick<Settings, 'alert' | 'severities'>,
): string | null {
  const finding = findings.find(one => severityOf(one, end, settings) === severity);
  if (!finding) return null;
  const { rule, peak, before } = finding;
  if (saidOf(rule, settings) !== undefined) return `as the rule ${rule} says`;
  const { score, long, often } = gradesOf(finding, end, settings);
  if (BLIND.includes(rule) && score + long + often < 1) return 'what nobody could judge is never less';
  const parts = [
    `score ${peak.toFixed(1)} is ${gradeName(score)}`,
    long > 0 && `one grade more as it lasted for ${formatDuration(LONG_MS)}`,
    often < 0 && `one grade less as it was noticed ${before?.inWeek} times in the 7 days before`,
  ];
  return parts.filter(Boolean).join(', ');
}
