import { LONG_MS, OFTEN, WARNING_SCORE } from '../../alert/finding/severity.ts';
import { formatDuration } from '../../core/config/units.ts';
import { SEVERITIES, type Severity } from '../../core/incident/incident.ts';
import { CALIBRATION } from '../../detector/dynamic/sensitivity.ts';
import { table } from './markdown.ts';

const MEANING: Readonly<Record<Severity, string>> = {
  info: 'barely beyond the limit and soon over, or well known by now: have a look when there is time',
  warning: 'clearly beyond the limit, or barely but for long: have a look today',
  critical: 'far beyond the limit, or clearly and for long: have a look now',
};

/** Score that critical begins with where nobody says otherwise. */
const CRITICAL_SCORE = 3;

/** The page about severities: its thresholds are those of the code, its figures those of the calibration. */
export function severityPage(): string {
  const from: Readonly<Record<Severity, number>> = {
    info: 1,
    warning: WARNING_SCORE,
    critical: CRITICAL_SCORE,
  };
  const rows = SEVERITIES.map((severity, i) => {
    const next = SEVERITIES[i + 1];
    const score = next === undefined ? `from ${from[severity]} on` : `${from[severity]} to ${from[next]}`;
    const most = falseAlertsFrom(from[severity]) - (next === undefined ? 0 : falseAlertsFrom(from[next]));
    return [`\`${severity}\``, score, most.toFixed(2), MEANING[severity]];
  });
  return `# Severity

How bad an incident is said to be depends on how far, how long and how rare. Each of its findings has a grade, and the worst
of them is the incident's:

1. How far: its highest score, of which 1 is the limit of the rule, by the table below. What is lost by capture or shipping
   is a \`warning\` at least; a host whose frames stop coming is \`critical\`.
2. How long: what has lasted for ${formatDuration(LONG_MS)} is a grade worse.
3. How rare: what the same rule (and view of the detector) has noticed about the same container at least ${OFTEN} times in the
   seven days before is a grade better.

${table([['severity', 'score', 'false alerts per container-week', 'means'], ...rows])}
False alerts are those of the default rules at their default \`sensitivity\`, on simulated containers after their first day,
counted by their highest score: the same calibration that budgets of false alerts are
mapped by ([quality.md](quality.md)). Scores of \`threshold\`, \`rolling-zscore\`, \`scan\` and \`beacon\` are graded alike, but
no false alerts were counted for them.

\`alert.critical_score\` moves the last row. \`severity: info\`, \`warning\` or \`critical\` on a rule is the last word for what
that rule notices, however far, long and rare.

\`tidegauge explain ID\` says which of these made an incident what it is.

An incident never becomes less severe while it fires. One that becomes worse says so: \`escalation\` has what it was at first
and when it was raised last, in \`--json\` and in the resolved message of a [webhook](webhook.md); the text of its annotation
and the terminal say it in words, as soon as it happens.
`;
}

/** Per container and week, of at least this score: the nearest row of the calibration that is not above it. */
const falseAlertsFrom = (score: number): number =>
  CALIBRATION.findLast(({ strictness }) => strictness <= score)?.perWeek ?? 0;
