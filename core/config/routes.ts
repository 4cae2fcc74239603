import { z } from 'zod';
import { MATCHER_NAMES, type Matcher, matcherTexts } from '../incident/matcher.ts';
import { isLabelKey } from '../traffic/labels.ts';
import { duration, identifier } from './options.ts';

/** Who is told of which incidents, and which of them become one message. */

/** What incidents can be grouped by, besides `label.KEY`: `incident` puts each into a message of its own. */
export const GROUP_NAMES = [...MATCHER_NAMES, 'incident'] as const;

const isGroupName = (name: string): boolean =>
  GROUP_NAMES.some(known => known === name) || (name.startsWith('label.') && isLabelKey(name.slice(6)));

const groupBy = () =>
  z
    .array(z.string().refine(isGroupName, `one of ${GROUP_NAMES.join(', ')} or label.KEY`))
    .min(1)
    .max(8)
    .meta({ unit: 'list of names' });
const wait = () => duration({ min: '0s', max: '10m' });
const interval = () => duration({ min: '0s', max: '24h' });
const repetition = () => duration({ min: '0s', max: '30d' });

/** How messages are grouped and repeated, unless a route says otherwise. */
export const groupingShape = {
  group_by: groupBy()
    .default(['host'])
    .describe(
      `Incidents in which all of these are the same are told in one message: ${GROUP_NAMES.join(', ')} or label.KEY. \`[incident]\`: each by itself.`,
    ),
  group_wait: wait()
    .prefault('2s')
    .describe('How long the first message of a group waits for others that belong to it.'),
  group_interval: interval()
    .prefault('10s')
    .describe('Least time between two messages of a group; what comes meanwhile waits and is one message.'),
  repeat_interval: repetition()
    .prefault('4h')
    .describe('An incident that still fires after so long is told again; `0s`: never.'),
};

/** A route: incidents that match, and who is told of them. */
export const routeSchema = z.strictObject({
  match: z
    .exactOptional(matcherTexts())
    .describe(
      'Matchers that all have to hold, such as `[severity=critical, host=~"web-.*"]`; none: every incident.',
    ),
  receivers: z
    .array(identifier())
    .max(100)
    .meta({ unit: 'list of names' })
    .describe('Names of receivers that are told; `[]`: nobody is.'),
  continue: z.boolean().default(false).describe('Whether the routes after it are asked as well.'),
  group_by: z.exactOptional(groupBy()).describe('As above, of this route.'),
  group_wait: z.exactOptional(wait()).describe('As above.'),
  group_interval: z.exactOptional(interval()).describe('As above.'),
  repeat_interval: z.exactOptional(repetition()).describe('As above.'),
});
export type Route = z.output<typeof routeSchema>;

/** Incidents of which nobody is told while others fire. */
export const inhibitionSchema = z.strictObject({
  source: matcherTexts().describe('Matchers of the incidents that hold others.'),
  target: matcherTexts().describe('Matchers of those that are held while one of them fires.'),
  equal: groupBy().default(['host']).describe('Only where all of these are the same in both.'),
});
export type Inhibition = z.output<typeof inhibitionSchema>;

export const routesShape = {
  routes: z
    .array(routeSchema)
    .max(100)
    .prefault([])
    .describe(
      'Who is told of what; the first route that matches, and those after it when it says `continue`.',
    ),
  inhibit: z.array(inhibitionSchema).max(100).prefault([]).describe('Which incidents keep others quiet.'),
};

/** Keys of the Docker labels that these look at. */
export function labelKeysIn({
  group_by,
  routes,
  inhibit,
}: {
  readonly group_by: readonly string[];
  readonly routes: readonly Route[];
  readonly inhibit: readonly Inhibition[];
}): string[] {
  const matchers: Matcher[] = [
    ...routes.flatMap(({ match = [] }) => match),
    ...inhibit.flatMap(({ source, target }) => [...source, ...target]),
  ];
  const names = [
    ...matchers.map(({ name }) => name),
    ...[group_by, ...routes.map(route => route.group_by ?? []), ...inhibit.map(({ equal }) => equal)].flat(),
  ];
  return names.filter(name => name.startsWith('label.')).map(name => name.slice('label.'.length));
}
