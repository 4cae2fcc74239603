import { type Finding, SEVERITIES, type Severity } from '../../core/incident/incident.ts';
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

/** `at`: end of the frame, epoch ms. What the user said of the rule holds, whatever was seen. */
export function severityOf(finding: Finding, at: number, { alert, severities }: Settings): Severity {
  const said = severities?.[finding.rule];
  if (said !== undefined) return said;
  const { peak, first, before } = finding;
  let grade =
    peak >= alert.critical_score ? 2 : peak >= Math.min(WARNING_SCORE, alert.critical_score) ? 1 : 0;
  if (at - first >= LONG_MS) grade++;
  if ((before?.inWeek ?? 0) >= OFTEN) grade--;
  const least = BLIND.includes(finding.rule) ? 1 : 0;
  return SEVERITIES[Math.max(least, Math.min(grade, SEVERITIES.length - 1))] ?? 'info';
}
