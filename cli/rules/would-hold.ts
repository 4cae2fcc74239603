import { formatCounted } from '../../core/config/units.ts';
import { printable } from '../../core/errors.ts';
import type { Incident } from '../../core/incident/incident.ts';
import { coverage, type Silence } from '../../core/incident/silence.ts';
import type { Frame } from '../../core/traffic/frame.ts';
import { firingAt } from '../../http/api/resources/silences.ts';
import type { Context } from '../context.ts';
import { note } from '../open-data.ts';
import type { SharedState } from '../shared/contract.ts';
import { newestFrames } from './newest-frames.ts';
import { SubjectFilter, type SubjectFlags } from './subjects.ts';

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

/** Whom it is about; says so when that is nobody, as a slip is found in the night otherwise. */
export async function preview(
  { config, log }: Context,
  flags: SubjectFlags,
  { state, silence, now }: { readonly state: SharedState; readonly silence: Silence; readonly now: number },
): Promise<WouldHold> {
  const firing = await firingAt(state, now);
  const newest =
    config.server.url === '' ? await newestFrames(config, log) : { why: 'a server does not tell them' };
  const frames = 'why' in newest ? null : newest.frames;
  const held = wouldHold(silence, firing, frames);
  if (held.incidents.length > 0 || held.containers?.length) return held;
  if ('why' in newest) {
    note(`the names were not compared with stored ones: ${newest.why}`);
    return held;
  }
  const filter = new SubjectFilter(flags);
  for (const incident of firing) filter.takes(incident);
  for (const { host, containers } of newest.frames)
    for (const { name, service } of containers) filter.takes({ host, service, container: name });
  const none = filter.noneText();
  const what = none === null ? 'it is about none of the containers seen last' : `${none} now`;
  note(`${what}; the silence waits for one`);
  return held;
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
