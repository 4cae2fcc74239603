import { printable } from '../errors.ts';
import type { Finding, Incident, Member } from './incident.ts';

/** Whom an incident is about: one container, service or host, or several that it has brought together. */

/** What can have members. */
export type Joint = Pick<Incident, 'service' | 'container' | 'members'>;

/** Names that a text lists; of the others it has their number. */
const LISTED = 3;
const NAME_LIMIT = 80;

/** All whom it is about, the first to be noticed first. */
export function membersOf(incident: Joint & Pick<Incident, 'image' | 'labels' | 'start'>): readonly Member[] {
  if (incident.members) return incident.members;
  const { service, container, image, labels, start } = incident;
  return [
    {
      ...{ service, container, since: start },
      ...(image === undefined ? {} : { image }),
      ...(labels ? { labels } : {}),
    },
  ];
}

/** What `partsOf` takes apart. */
type Whole = Joint & Pick<Incident, 'image' | 'labels' | 'findings'>;

/**
 * An incident of several as one of each member by itself: with that one's names, image and labels, and what was found of
 * it. So who is concerned with one of them is asked of that one. An incident of one is its only part.
 */
export function partsOf<T extends Whole>(incident: T): readonly T[] {
  const { members } = incident;
  if (!members) return [incident];
  const found = Map.groupBy(incident.findings, ({ scope }) => nameKey(scope));
  return members.map(member => {
    const { service, container, image = '', labels = {} } = member;
    const findings = found.get(nameKey(member)) ?? [];
    return { ...incident, service, container, image, labels, findings, members: [member] };
  });
}

/** The container alone where there is one, since it may change its service. */
const nameKey = ({ container, service }: { container: string | null; service: string | null }): string =>
  JSON.stringify(container ? [container] : ['', service ?? '']);

/**
 * Whom it is about, for people: `web-1`, `service shop/web (web-1, web-2, web-3)`, `db and web-1`,
 * `host a (web-1, db, job and 497 more)`. Free of control characters.
 */
export function subjectText({ host, service, container, members }: Joint & Pick<Incident, 'host'>): string {
  if (!members) return oneText({ host, service, container });
  const containers = members.filter(one => one.container !== '');
  const names = containers.map(one => printable(one.container, NAME_LIMIT));
  const inBrackets = names.length === 0 ? '' : ` (${listText(names, ', ')})`;
  if (container === '' && service === '') return `${oneText({ host, service, container })}${inBrackets}`;
  const [one, ...others] = new Set(members.map(member => member.service));
  if (one !== undefined && one !== '' && others.length === 0)
    return `${oneText({ host, service: one, container: '' })}${inBrackets}`;
  return listText(
    members.map(member => oneText({ host, ...member })),
    ' and ',
  );
}

/** The container, else the service, else the host. */
function oneText(who: Pick<Incident, 'host' | 'service' | 'container'>): string {
  if (who.container !== '') return printable(who.container, NAME_LIMIT);
  const [kind, name] = who.service === '' ? ['host', who.host] : ['service', who.service];
  return `${kind} ${printable(name, NAME_LIMIT)}`;
}

/** `a, b, c and 2 more`; of all that are listed the last is joined by `last`. */
export function listText(names: readonly string[], last: ', ' | ' and ', listed = LISTED): string {
  const shown = names.slice(0, listed);
  const more = names.length - shown.length;
  if (more > 0) return `${shown.join(', ')} and ${more} more`;
  return [shown.slice(0, -1).join(', '), ...shown.slice(-1)].filter(part => part !== '').join(last);
}

/** Of an incident of several whom a finding is about, for people: `web-2`; of others empty, as that is said already. */
export function findingSubject({ scope }: Finding, incident: Joint & Pick<Incident, 'host'>): string {
  if (!incident.members) return '';
  const [container, service] = [scope.container ?? '', scope.service ?? ''];
  // Of the host itself: only an incident that is named after it has such a part.
  if (container === '' && (service === '' || (incident.container === '' && service === incident.service)))
    return '';
  return oneText({ host: incident.host, service, container });
}

/** Whether one of those whom it is about fits. */
export const isAboutAny = (
  incident: Joint & Pick<Incident, 'host'>,
  fits: (who: Pick<Incident, 'host' | 'service' | 'container'>) => boolean,
): boolean => whosOf(incident).some(fits);

/** Names of all whom it is about. */
export function whosOf({ host, service, container, members }: Joint & Pick<Incident, 'host'>) {
  return (members ?? [{ service, container }]).map(one => ({
    ...{ host, service: one.service, container: one.container },
  }));
}
