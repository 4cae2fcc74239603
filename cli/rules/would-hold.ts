import { formatCounted } from '../../core/config/units.ts';
import { printable } from '../../core/errors.ts';
import type { Incident } from '../../core/incident/incident.ts';
import { coverage, type Silence } from '../../core/incident/silence.ts';
import type { Frame } from '../../core/traffic/frame.ts';

/** Whom a silence would keep back: of what fires now, and of the containers that were seen last. */
export interface WouldHold {
  readonly incidents: readonly Incident[];
  /** `host/name` of containers whose incidents it may cover, whatever their severity and rule; null: none are known. */
  readonly containers: readonly string[] | null;
}

/** `frames`: the newest of each host; null: they could not be read. */
export function wouldHold(
  silence: Silence,
  firing: readonly Incident[],
  frames: readonly Frame[] | null,
): WouldHold {
  const { matchers = [], kind: _, ...rest } = silence;
  const covering = coverage([silence]);
  const ofWho = { ...rest, matchers: matchers.filter(({ name }) => name !== 'severity' && name !== 'rule') };
  const takes = coverage([ofWho]);
  return {
    incidents: firing.filter(incident => covering(incident, silence.from) !== null),
    containers:
      frames?.flatMap(({ host, containers }) =>
        containers
          .filter(({ name, service, image, labels }) => {
            const who = { host, service, container: name, image, ...(labels ? { labels } : {}) };
            return takes({ ...who, severity: 'info', findings: [] }, silence.from) !== null;
          })
          .map(({ name }) => (frames.length > 1 ? `${host}/${name}` : name)),
      ) ?? null,
  };
}

/** Names in one line. */
const NAMED = 5;

export function wouldHoldLines({ incidents, containers }: WouldHold): string[] {
  const firing =
    incidents.length === 0
      ? ['Nothing that is firing now is covered.']
      : [
          `Of what is firing now it covers ${formatCounted(incidents.length, 'incident')}${incidents.length > NAMED ? ', such as' : ''}:`,
          ...incidents.slice(0, NAMED).map(({ title }) => `  ${printable(title)}`),
        ];
  if (containers === null || containers.length === 0) return firing;
  const named = containers.slice(0, NAMED).map(name => printable(name, 60));
  const more = containers.length > NAMED ? ` and ${containers.length - NAMED} more` : '';
  return [
    ...firing,
    `Of the containers seen last it is about ${containers.length}: ${named.join(', ')}${more}.`,
  ];
}
