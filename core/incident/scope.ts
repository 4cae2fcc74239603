import type { Scope } from './verdict.ts';

/** What was judged, in words: `bytes sent`, `mean size received`; empty for a container, service or host as a whole. */
export function describeScope(scope: Pick<Scope, 'direction' | 'metric'>): string {
  const metric = scope.metric?.replace('-', ' ') ?? '';
  const direction = { send: 'sent', receive: 'received', none: '' }[scope.direction ?? 'none'];
  return [metric, direction].filter(Boolean).join(' ');
}
