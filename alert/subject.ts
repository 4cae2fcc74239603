import type { Finding, Incident } from '../core/incident/incident.ts';
import type { Scope } from '../core/incident/verdict.ts';
import type { Container, Frame } from '../core/traffic/frame.ts';
import type { Labels } from '../core/traffic/labels.ts';

/** Whom alarms, incidents and detections are about; what does not apply to the scope is empty. */
export type Who = Pick<Incident, 'service' | 'container'>;

export const whoOf = (scope: Scope): Who => ({
  container: scope.container ?? '',
  service: scope.service ?? '',
});

/**
 * Key of whom it is about: the container alone where there is one, since it may change its service while its incident
 * is open. A JSON list, so that no name can be mistaken for another.
 */
export const keyOf = (who: Who): string =>
  JSON.stringify(who.container === '' ? ['service', who.service] : ['container', who.container]);

/** Key of one finding: what a rule sees in one series, or of one whole. What has been seen before is known again by it. */
export const findingKey = ({ rule, scope }: Pick<Finding, 'rule' | 'scope'>): string =>
  JSON.stringify([rule, keyOf(whoOf(scope)), scope.direction, scope.metric]);

/** What is known of a container or service besides its name. */
export type Origin = Pick<Incident, 'image' | 'labels'>;

/** Image and labels of those in a frame, of a service what all its containers agree on. */
export function originsIn({ containers }: Frame): (who: Who) => Origin {
  const byContainer = new Map(containers.map(one => [one.name, one]));
  const byService = Map.groupBy(containers, ({ service }) => service);
  return ({ container, service }) => {
    const one = byContainer.get(container);
    if (container !== '') return originOf(one ? [one] : []);
    return originOf(service === '' ? [] : (byService.get(service) ?? []));
  };
}

function originOf(members: readonly Container[]): Origin {
  const [first, ...others] = members;
  if (!first) return {};
  const shared = Object.entries(first.labels ?? {}).filter(([key, value]) =>
    others.every(({ labels = {} }) => Object.hasOwn(labels, key) && labels[key] === value),
  );
  const labels: Labels = Object.fromEntries(shared);
  const isOneImage = first.image !== '' && others.every(({ image }) => image === first.image);
  return { ...(isOneImage ? { image: first.image } : {}), ...(shared.length > 0 ? { labels } : {}) };
}
