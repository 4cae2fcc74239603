import type { Container } from '../traffic/frame.ts';
import type { Abstained, Scope, Verdict } from './verdict.ts';

/** Who is still being learned in a frame: what rules say of whom they do not judge yet. */
export type Learning = readonly Abstained[];

export const learningIn = (verdicts: readonly Verdict[]): Learning =>
  verdicts.filter(verdict => verdict.kind === 'abstained').filter(({ reason }) => reason === 'warming up');

/** A rule speaks of a container by itself, or of its service as a whole. */
export const concerns = ({ container, service }: Scope, one: Pick<Container, 'name' | 'service'>): boolean =>
  container === null ? service !== null && service === one.service : container === one.name;

/** Until when the last of them is learned, epoch ms; null: not known of all, or there are none. */
export function learnedAt(learning: Learning): number | null {
  let last: number | null = null;
  for (const { until } of learning) {
    if (until === null) return null;
    last = Math.max(last ?? until, until);
  }
  return last;
}

/** The same for each container of a frame that a rule is still learning. */
export function learnedAtByContainer(
  learning: Learning,
  containers: readonly Pick<Container, 'name' | 'service'>[],
): Map<string, number | null> {
  if (learning.length === 0) return new Map();
  const byContainer = Map.groupBy(learning, ({ scope }) => scope.container);
  const byService = Map.groupBy(byContainer.get(null) ?? [], ({ scope }) => scope.service);
  const found = containers.map(({ name, service }) => {
    const own = [...(byContainer.get(name) ?? []), ...(byService.get(service) ?? [])];
    return [name, own] as const;
  });
  return new Map(found.filter(([, own]) => own.length > 0).map(([name, own]) => [name, learnedAt(own)]));
}
