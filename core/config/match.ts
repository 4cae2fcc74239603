import { z } from 'zod';
import { printable } from '../errors.ts';
import { isLabelKey, LABEL_CAPS } from '../traffic/labels.ts';

/** What a rule looks at. Patterns are globs over the whole text: `*` is any text, `?` one character. */

const WHAT = 'a pattern such as web-*, or a list of them such as [web-*, api-*]';
const NEGATED =
  'a pattern without `!`: whom to leave out goes under `not`, such as match: { not: { container: backup } }';

const isPattern = (value: unknown): value is string => typeof value === 'string' && !value.startsWith('!');

/** One pattern, or a list of which one has to match. */
export const patterns = () =>
  z
    .unknown()
    .transform((value, context): string | readonly string[] => {
      const all: readonly unknown[] = Array.isArray(value) ? value : [value];
      const wrong = all.find(one => !isPattern(one));
      if (all.length > 0 && all.every(isPattern)) return typeof value === 'string' ? value : all;
      const message = typeof wrong === 'string' ? NEGATED : WHAT;
      // Of a list, the entry that is wrong is named.
      const found = wrong === undefined ? 'an empty list' : `a list with ${JSON.stringify(wrong)}`;
      const params = Array.isArray(value) ? { found: printable(found, 80) } : {};
      context.addIssue({ code: 'custom', message, params });
      return z.NEVER;
    })
    .meta({ unit: 'pattern or list' });

const labels = () =>
  z
    .record(z.string().refine(isLabelKey, 'the key of a label, such as team or com.example.team'), patterns())
    .refine(value => Object.keys(value).length > 0, 'at least one label, such as { team: shop }')
    .refine(value => Object.keys(value).length <= LABEL_CAPS.keys, `at most ${LABEL_CAPS.keys} labels`)
    .meta({ unit: 'labels' });

/** Keys without a default: absent where they are not given, so that what a rule was before stays what it is. */
const more = {
  host: z.exactOptional(patterns()).describe('Patterns over the name of the host.'),
  label: z
    .exactOptional(labels())
    .describe(
      'Patterns over the labels of its Docker container, such as `{ team: shop }`; all of them have to match, and a label that it does not have matches nothing.',
    ),
};

const named = {
  container: z.exactOptional(patterns()),
  service: z.exactOptional(patterns()),
  image: z.exactOptional(patterns()),
};

const someKey = (value: object) => Object.keys(value).length > 0;
/** An unknown key says enough. */
const unlessRefused = ({ issues }: z.core.ParsePayload) => issues.length === 0;

/** What a group of keys is written as, where a text or a list stands. */
const asKeys = (example: string) => ({
  error: (issue: { readonly code: string }) =>
    issue.code === 'invalid_type' ? `a group of keys, such as ${example}` : undefined,
});

const MATCH = asKeys('match: { container: web-* }');

const notSchema = z
  .strictObject({ ...named, ...more }, asKeys('not: { container: backup }'))
  .refine(someKey, {
    error: 'at least one of container, service, image, host and label',
    when: unlessRefused,
  })
  .meta({ unit: 'group of keys' })
  .describe(
    'Leaves out everybody for whom any of these keys matches: `container`, `service`, `image`, `host` and `label`, written as above; of several labels one is enough.',
  );

/** Whom to leave out. */
export type Not = z.output<typeof notSchema>;

/** Which containers a rule looks at: all keys have to match, and none of those under `not`. */
export const matchSchema = z.strictObject(
  {
    kind: z
      .enum(['auto', 'container', 'cgroup', 'any'])
      .default('auto')
      .describe("`auto`: containers, or the host's own cgroups where there never was a container."),
    container: patterns().prefault('*').describe('Patterns over the name.'),
    service: patterns().prefault('*').describe('Patterns over the service.'),
    image: patterns().prefault('*').describe('Patterns over the image.'),
    ...more,
    not: z.exactOptional(notSchema),
  },
  MATCH,
);
export type Match = z.output<typeof matchSchema>;

/** Which of a rule's containers an override is for: the rule's own `match` has chosen the kind already. */
export const overrideMatchSchema = z
  .strictObject({ ...named, ...more, not: z.exactOptional(notSchema) }, MATCH)
  .refine(someKey, {
    error: 'at least one of container, service, image, host, label and not',
    when: unlessRefused,
  })
  .transform((given): Match => ({ kind: 'any', container: '*', service: '*', image: '*', ...given }));

/** A name rather than a pattern. */
export const isExact = (pattern: string): boolean => !/[*?]/.test(pattern);

/** Patterns as a list. */
export const listOf = (given: string | readonly string[]): readonly string[] =>
  typeof given === 'string' ? [given] : given;
