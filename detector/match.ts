import type { Match } from '../core/config/config.ts';
import { globMatcher } from '../core/config/options.ts';
import type { Container } from '../core/traffic/frame.ts';

/**
 * Which containers a rule looks at. `hasContainers`: this host has shown a container at some time; until then `auto`
 * takes the host's own cgroups. What nobody could name (`other`) is only in `any`.
 */
export function matcher(match: Match): (container: Container, hasContainers: boolean) => boolean {
  const globs = (['container', 'service', 'image'] as const)
    .filter(part => match[part] !== '*')
    .map(part => {
      const test = globMatcher(match[part]);
      const key = part === 'container' ? 'name' : part;
      return (container: Container) => test(container[key]);
    });
  return (container, hasContainers) => {
    const wanted = match.kind === 'auto' ? (hasContainers ? 'container' : 'cgroup') : match.kind;
    if (wanted !== 'any' && container.kind !== wanted) return false;
    return globs.every(test => test(container));
  };
}
