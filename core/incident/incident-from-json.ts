import { circumstancesOf } from './evidence-text.ts';
import type { Finding, Flapping, Incident, Member } from './incident.ts';
import { type IncidentJson, incidentSchema } from './incident-json.ts';

/**
 * An incident as `incidentJson` wrote it, so that its text and its JSON are the same again. What JSON does not carry,
 * such as how far marks have raised a limit, is not there. Other keys are left out. Throws a ZodError when it is none.
 */
export function incidentFromJson(json: unknown): Incident {
  const { members, image, labels, escalation, start, end, resolved_at, ended, flapping, findings, ...rest } =
    incidentSchema.strip().parse(json);
  return {
    ...rest,
    ...(members.length === 0 ? {} : { members: members.map(memberOf) }),
    ...(image === '' ? {} : { image }),
    ...(Object.keys(labels).length === 0 ? {} : { labels }),
    ...(escalation === null ? {} : { escalation: { from: escalation.from, at: Date.parse(escalation.at) } }),
    ...{ start: Date.parse(start), end: Date.parse(end) },
    resolvedAt: resolved_at === null ? null : Date.parse(resolved_at),
    ...(ended === null ? {} : { ended }),
    ...(flapping === null ? {} : { flapping: flappingOf(flapping) }),
    findings: findings.map(findingOf),
  };
}

const flappingOf = ({ times, since, last }: NonNullable<IncidentJson['flapping']>): Flapping => ({
  ...{ times, since: Date.parse(since), last: Date.parse(last) },
});

const memberOf = ({ service, container, image, labels, since }: IncidentJson['members'][number]): Member => ({
  ...{ service, container },
  ...(image === '' ? {} : { image }),
  ...(Object.keys(labels).length === 0 ? {} : { labels }),
  since: Date.parse(since),
});

function findingOf(json: IncidentJson['findings'][number]): Finding {
  const { rule, container, direction, metric, first, last, score, window, before, peer, view } = json;
  const found: Finding = {
    rule,
    scope: { service: null, container, direction, metric },
    ...{ first: Date.parse(first), last: Date.parse(last), peak: score },
    evidence: {
      ...{ seen: json.seen, low: json.expected_low, high: json.expected_high, unit: json.unit },
      ...(view === null ? {} : { view }),
      text: json.text,
    },
    ...(window === null ? {} : { window: { from: Date.parse(window.from), to: Date.parse(window.to) } }),
    ...(peer === null ? {} : { peer }),
    ...(before === null ? {} : { before: recurrenceOf(before) }),
  };
  return { ...found, evidence: { ...found.evidence, text: withoutCircumstances(found) } };
}

const recurrenceOf = ({
  times,
  in_last_7_days,
  last,
  since,
}: NonNullable<IncidentJson['findings'][number]['before']>): NonNullable<Finding['before']> => ({
  ...{ times, inWeek: in_last_7_days },
  last: last === null ? null : Date.parse(last),
  since: Date.parse(since),
});

/** In JSON the circumstances stand behind the evidence; they are made again, in the zone of whoever reads. */
function withoutCircumstances(finding: Finding): string {
  const { text } = finding.evidence;
  const behind = circumstancesOf(finding)
    .map(part => `; ${part}`)
    .join('');
  return behind !== '' && text.endsWith(behind) ? text.slice(0, -behind.length) : text;
}
