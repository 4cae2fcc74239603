import { stringify } from 'yaml';
import { DETECTOR_ROWS } from '../../app/wire.ts';
import { closest } from '../../core/config/closest.ts';
import type { Rule } from '../../core/config/config.ts';
import { formatCounted } from '../../core/config/units.ts';
import { printable, UsageError } from '../../core/errors.ts';
import type { Container } from '../../core/traffic/frame.ts';
import { matcher, type RuleInForce, refusalOf, ruleChooser, ruleForAll } from '../../detector/fold/match.ts';
import { type HostContainers, hostContainers } from '../../detector/fold/rule-coverage.ts';
import { entry } from '../config/written.ts';
import type { Context } from '../context.ts';
import { learningNow, learningText } from './learning-now.ts';
import { newestFrames } from './newest-frames.ts';

/** Names that a mistyped one is compared with. */
const NAMES_COMPARED = 1000;

/**
 * How each rule judges a container as it is in the newest stored frames, as YAML: one document for each host that has it.
 * Throws a UsageError when no host has it.
 */
export async function containerRules(
  context: Pick<Context, 'config' | 'clock' | 'log' | 'zone'>,
  wanted: { readonly name: string; readonly host: string | undefined },
): Promise<string[]> {
  const { config, clock, log, zone } = context;
  const newest = await newestFrames(config, log);
  if ('why' in newest) throw cannotLookUp(wanted.name, newest.why);
  const stored = newest.frames.map(hostContainers);
  const hosts = stored.filter(({ host }) => wanted.host === undefined || host === wanted.host);
  const found = hosts.flatMap(where =>
    where.containers.filter(one => one.name === wanted.name).map(container => ({ container, where })),
  );
  if (found.length === 0) throw unknownContainer(wanted, hosts);
  const documents: string[] = [];
  for (const { container, where } of found) {
    const { name, kind, service, image, labels = {} } = container;
    const known = await learningNow(config, clock, log, where.host);
    const learning = (rule: string) => learningText(known, rule, container, { zone, now: clock.now() });
    const rules = config.detectors.map((rule, i) => judgementOf(rule, i, container, where, learning));
    documents.push(stringify({ container: name, host: where.host, kind, service, image, labels, rules }));
  }
  return documents;
}

/** What a rule does with a container: the options in force and where they are from, or why it leaves it alone. */
function judgementOf(
  rule: Rule,
  index: number,
  container: Container,
  where: HostContainers,
  learning: (rule: string) => string,
): object {
  const { name, use } = rule;
  const refusal = refusalOf(rule.match, container, where);
  if (refusal !== null) return { name, use, judges: false, because: refusal };
  const { override, options } = inForceFor(rule, container, where);
  const from = override === null ? 'the rule' : `overrides ${override + 1} of ${rule.overrides?.length}`;
  const { use: _, ...inForce } = entry({ use, options }, ['detectors', index], DETECTOR_ROWS);
  return { name, use, judges: true, learning: learning(name), options_from: from, options: inForce };
}

/** The rule with the options that it judges the container by, by itself or as one of its service. */
function inForceFor(rule: Rule, container: Container, where: HostContainers): RuleInForce {
  const choose = ruleChooser(rule);
  const { scope } = DETECTOR_ROWS.find(({ name }) => name === rule.use) ?? {};
  if (scope !== 'service' && scope !== 'host') return choose(container, where);
  const matches = matcher(rule.match);
  const members = where.containers.filter(
    one => matches(one, where) && (scope === 'host' || one.service === container.service),
  );
  return ruleForAll(rule, choose, members, where);
}

const cannotLookUp = (name: string, why: string): UsageError =>
  new UsageError({
    place: `--container ${printable(name, 60)}`,
    found: `the container cannot be looked up: ${why}`,
    remedy: 'Start a capture first, or mend the store.',
  });

function unknownContainer(
  { name, host }: { readonly name: string; readonly host: string | undefined },
  hosts: readonly HostContainers[],
): UsageError {
  const names = [...new Set(hosts.flatMap(({ containers }) => containers.map(one => one.name)))];
  const meant = closest(name, names.slice(0, NAMES_COMPARED));
  const count = `none of ${formatCounted(names.length, 'container')}`;
  const place = host === undefined ? '' : ` of ${printable(host, 60)}`;
  return new UsageError({
    place: `--container ${printable(name, 60)}`,
    found: `${count} in the newest stored frames${place} has this name`,
    remedy:
      meant === null
        ? 'Give the whole name, as `tidegauge traffic` shows it.'
        : `Did you mean ${printable(meant, 60)}?`,
  });
}
