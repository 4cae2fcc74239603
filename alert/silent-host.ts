import { formatDuration, formatLength } from '../core/config/units.ts';
import { type Detection, type Incident, incidentId } from '../core/incident/incident.ts';
import { titleOf } from './text.ts';

/** Incidents of hosts whose frames have stopped coming. No frame can raise them, so they are not part of the fold. */

/** Name under which the watch over hosts speaks, where rules have theirs. */
export const FRAMES_RULE = 'frames';

/** Whoever finds a host silent since the same frame finds the same incident. */
const idOf = (host: string, since: number): string => incidentId(host, JSON.stringify([FRAMES_RULE]), since);

/** `since`: end of its last frame, epoch ms; `quietMs`: how long nothing came, of which `limitMs` are usual. */
export function silentHost(host: string, since: number, quietMs: number, limitMs: number): Incident {
  const who = { host, service: '', container: '' };
  const finding = {
    rule: FRAMES_RULE,
    scope: { service: null, container: null, direction: null, metric: null },
    first: since,
    last: since,
    peak: quietMs / limitMs,
    evidence: {
      seen: quietMs / 1000,
      low: null,
      high: limitMs / 1000,
      unit: 's',
      text: `no frames for ${formatLength(quietMs)}, expected at least every ${formatDuration(limitMs)}: none of its containers is watched. See whether tidegauge runs there and reaches store and queue`,
    },
  };
  return {
    id: idOf(host, since),
    ...who,
    severity: 'critical',
    start: since,
    end: since + quietMs,
    resolvedAt: null,
    score: finding.peak,
    findings: [finding],
    title: titleOf(who, [finding]),
  };
}

/** The row of the host in `detections`, for who reads no annotations. `start`: when it is written, epoch ms. */
export function silentHostRow({ host, score, findings }: Incident, start: number, open: boolean): Detection {
  const { seen = 0, high = null } = findings[0]?.evidence ?? {};
  return {
    ...{ host, service: '', container: '', start, score: open ? score : 0 },
    ...{ scores: open ? { [FRAMES_RULE]: score } : {}, seen: open ? seen : 0, expected: high, open },
  };
}

export const isOfSilentHost = ({ id, host, start }: Pick<Incident, 'id' | 'host' | 'start'>): boolean =>
  id === idOf(host, start);
