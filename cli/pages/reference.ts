import { readFileSync } from 'node:fs';
import { stringify } from 'yaml';
import { z } from 'zod';
import { LATENCIES, metricsOf } from '../../app/metrics/table.ts';
import { DETECTOR_ROWS, NOTIFIER_ROWS, payloadOf, payloadSchema, RULES, SCHEMA } from '../../app/wire.ts';
import { CAPS } from '../../core/caps.ts';
import { systemClock } from '../../core/clock.ts';
import { maintenanceSchema } from '../../core/config/maintenance.ts';
import { matchSchema } from '../../core/config/match.ts';
import { inhibitionSchema, routeSchema } from '../../core/config/routes.ts';
import {
  findingSchema,
  memberSchema,
  peerSchema,
  recurrenceSchema,
} from '../../core/incident/incident-json.ts';
import { PLACES } from '../config/references.ts';
import { type SchemaKey, schemaKeys } from '../config/schema-keys.ts';
import { apiDocument, apiPage } from './api-page.ts';
import { EXAMPLE } from './example-message.ts';
import { table } from './markdown.ts';
import { severityPage } from './severity-page.ts';
import { templateSection } from './template-section.ts';

/** Pages that are derived from code; `npm run docs` writes them, a test keeps them current. */
export const PAGES: Readonly<Record<string, () => string>> = {
  'docs/api.json': apiDocument,
  'docs/api.md': () => `${HEADER}${apiPage()}`,
  'docs/configuration.md': configurationPage,
  'docs/detectors.md': detectorsPage,
  'docs/metrics.md': metricsPage,
  'docs/severity.md': () => `${HEADER}${severityPage()}`,
  'docs/webhook.md': webhookPage,
};

/** Examples of this page; a test reads them. */
const MATCH_EXAMPLE = {
  ...{ use: 'threshold', name: 'uplink', above: '50MiB/s' },
  match: { container: ['web-*', 'api-*'], label: { team: 'shop' }, not: { container: 'web-backup' } },
};
const CONFIRM_EXAMPLE = {
  ...{ use: 'threshold', name: 'spikes', above: '10MiB/s', for: '0s', confirm: '2 of 3' },
};
const OVERRIDES_EXAMPLE = {
  ...{ use: 'threshold', name: 'busy', above: '10MiB/s', for: '1m' },
  overrides: [
    { match: { container: 'video-*' }, above: '200MiB/s' },
    { match: { label: { team: ['batch', 'reports'] } }, above: '50MiB/s', for: '10m' },
  ],
};

const ABSENT_EXAMPLE = {
  ...{ use: 'threshold', name: 'worker', metric: 'messages', below: '1msg/s', for: '15s' },
  ...{ match: { container: 'worker' }, absent_after: '2m' },
};
const AUTO_EXAMPLE = [
  {
    use: 'auto',
    sensitivity: '1 false alert per container per month',
    overrides: [
      { match: { service: 'shop/payment' }, sensitivity: '1 false alert per container per week' },
      { match: { label: { team: 'batch' } }, sensitivity: '3 false alerts per container per year' },
    ],
  },
  { use: 'threshold', name: 'uplink', above: '50MiB/s' },
];
const TOKENS_EXAMPLE = {
  http: { tokens: [{ name: 'ci', scope: 'write', token: 'a-long-random-text' }] },
};
const SECRETS_EXAMPLE = {
  redis: { url: 'redis://redis.internal:6379', password: { file: '/run/secrets/redis-password' } },
  receivers: [{ use: 'slack', name: 'chat', url: { env: 'CHAT_URL' } }],
};
const RECEIVERS_EXAMPLE = {
  receivers: [
    { use: 'slack', name: 'chat', url: 'https://hooks.slack.example/services/T0/B0/TOKEN' },
    {
      ...{ use: 'email', name: 'night-shift', server: 'mail.example.org' },
      ...{ from: 'tidegauge@example.org', to: ['night@example.org'] },
    },
  ],
};

const MAINTENANCE_EXAMPLE = {
  name: 'backup',
  matchers: ['service="shop/db"', 'severity!="critical"'],
  schedule: '30 2 * * *',
  duration: '2h',
  zone: 'Europe/Berlin',
  reason: 'nightly backup',
};
const ROUTES_EXAMPLE = {
  receivers: [
    { use: 'ntfy', name: 'pager', topic: 'ops' },
    { use: 'webhook', name: 'shop-chat', url: 'https://chat.example/hook' },
  ],
  alert: {
    routes: [
      { match: ['severity=critical'], receivers: ['pager'], continue: true },
      { match: ['label.team=shop'], receivers: ['shop-chat'], group_by: ['service'] },
    ],
    inhibit: [{ source: ['rule=frames'], target: ['rule!=frames'] }],
  },
};

const HEADER = '<!-- Made by `npm run docs` from the code; edit there. -->\n';

function configurationPage(): string {
  const groups = new Map<string, SchemaKey[]>();
  for (const key of schemaKeys(SCHEMA)) {
    if (key.type === 'list') continue;
    const group = key.path.length === 1 ? '' : (key.path[0] ?? '');
    groups.set(group, [...(groups.get(group) ?? []), key]);
  }
  const sections = [...groups].map(
    ([group, keys]) => `${group === '' ? '' : `## ${group}\n\n`}${keyTable(keys, true)}`,
  );
  return `${HEADER}# Configuration

\`tidegauge.yaml\` in the working directory, or the file given by \`--config\` or \`TIDEGAUGE_CONFIG\`. Every key below can
also be set by its environment variable, which wins. Durations (\`5s\`, \`1h30m\`), sizes (\`64KiB\`) and rates (\`1MiB/s\`,
\`500msg/s\`) always carry units. A configuration with a mistake is refused before anything starts; a command that
does not need the group in which it is (\`silence add\` no receivers) says so in a line and goes on. A file that is no YAML
is refused by all. \`tidegauge check\` says what is in force, what has no effect, and which rules match no containers.

${sections.join('\n')}
## Maintenance windows

\`alert.maintenance\` is a list of times by the calendar in which messages are kept back as by a silence: what is over by
the end is never sent, what still fires then is sent then. All matchers of a window have to hold; they are written as for
\`tidegauge silence add\`. \`tidegauge check\` says when each comes next, \`tidegauge silence list\` what it keeps back.

${keyTable(schemaKeys(maintenanceSchema), false)}
\`\`\`yaml
${stringify({ alert: { maintenance: [MAINTENANCE_EXAMPLE] } })}\`\`\`

A window starts by the clock on the wall of its zone and lasts as long as it says. A start in the hour that is skipped when
clocks are set forward comes at the end of that hour; in the hour that comes twice when they are set back, a daily window
starts the first time only.

## Secrets as files

So that the configuration holds no secret, a value may stand elsewhere: in place of it, \`{ file: PATH }\` is the text of a file,
without the line end after it, and \`{ env: NAME }\` that of an environment variable. This goes for all values of
${PLACES.map(path => `\`${path.join('.')}\``).join(', ')}, also in their own variables, such as
\`TIDEGAUGE_REDIS_PASSWORD='{ file: /run/secrets/redis-password }'\`: secrets of Docker Compose and Kubernetes and credentials of
systemd (\`LoadCredential=\`) are files. The file is read at the start, by the user that starts the process. What stands
elsewhere is not shown, of an address its host at most; \`check\` says where. A file that is missing, empty or cannot be read is refused before anything starts.

\`\`\`yaml
${stringify(SECRETS_EXAMPLE)}\`\`\`

## http.tokens

A list of those who may use the [HTTP API](api.md): \`name\`, \`scope\` (\`read\`, unless it is \`write\`) and \`token\`, 16 characters or more.
It may stand [elsewhere](#secrets-as-files).

\`\`\`yaml
${stringify(TOKENS_EXAMPLE)}\`\`\`

## detectors

A list of rules; given, it replaces the default one, \`use: auto\` (below). Besides the options of its detector ([detectors.md](detectors.md))
a rule has \`use\` (the detector), \`name\` (unique), \`match\`, \`confirm\`, \`overrides\`, \`absent\` and \`absent_after\`; with \`severity: info\`, \`warning\` or
\`critical\` all that it notices is that, otherwise it depends on what is seen ([severity.md](severity.md)).

### confirm

With \`confirm: 2 of 3\` a rule fires when it has alarmed in two of three frames, the newest included; until then its alarms are
pending, and nobody hears of them. Its incident begins with the frame that confirms it, and says when the first alarm was.
Frames of which not all is known do not count. Not for rules that alarm once about what does not go on (\`new-peer\`), nor for \`auto\`.

\`\`\`yaml
${stringify({ detectors: [CONFIRM_EXAMPLE] })}\`\`\`

### match

Which containers a rule judges. All keys that are given have to match.

${keyTable(schemaKeys(matchSchema), false)}
A pattern is for the whole text: \`*\` is any text, \`?\` one character, all else is literal. A list of patterns matches
when one of them does. Every rule judges every container that it matches, whatever other rules do. For example:

\`\`\`yaml
${stringify({ detectors: [MATCH_EXAMPLE] })}\`\`\`

\`tidegauge check\` and the start of \`tidegauge run\` say which containers no rule covers;
\`tidegauge check --container NAME\` says how each rule judges one, and why it leaves it alone.

### overrides

Other options for some of a rule's containers: a list of groups with a \`match\` (as above, without \`kind\`) and options of
the detector. **The first one that matches is in force, alone:** its options over those of the rule. Where none matches, the
rule's own are. What an override changes starts to learn anew. A rule that judges services as a whole follows an override
that is in force for all containers of a service; one that judges hosts takes none.

\`\`\`yaml
${stringify({ detectors: [OVERRIDES_EXAMPLE] })}\`\`\`

### absent

A container that is gone has no traffic that could raise an alarm. So a rule whose \`match\` names a container, or else a
service, without a wildcard also alarms when that was there and is gone for longer than \`absent_after\` (1m unless said
otherwise, long enough for a deploy), until it is back or the rule says otherwise. \`absent: ignore\` switches that off.
The default rule \`gone\` finds by itself what was always there, and forgets it after an hour; a rule that names somebody never does.

\`\`\`yaml
${stringify({ detectors: [ABSENT_EXAMPLE] })}\`\`\`

### auto

\`use: auto\` stands for the default rules, and is all that a fresh install runs. Its \`sensitivity\` is a budget: how many
false alerts one is ready to bear of each container in a time. The smaller it is, the higher are all limits, by what was
measured on simulated traffic ([quality.md](quality.md)); rules whose limits are counts, such as \`scan\`, do not depend
on it. \`match\` and \`overrides\` are those of any rule, and other rules may stand beside it:

\`\`\`yaml
${stringify({ detectors: AUTO_EXAMPLE })}\`\`\`

It is the same as these rules, one by one:

\`\`\`yaml
${stringify({ detectors: RULES })}\`\`\`

## receivers

A list of those who are told about incidents: \`use\` (the kind), \`name\` (unique), and the kind's options.

A value may stand [elsewhere](#secrets-as-files). For example:

\`\`\`yaml
${stringify(RECEIVERS_EXAMPLE)}\`\`\`

Each receiver has a queue of its own: one that is slow or away delays nobody else. When it asks for a pause (\`Retry-After\`)
or fails, nothing is sent to it until the pause is over. Alarms go before the ends of others.

${templateSection()}
### Routes

Without routes every receiver is told of every incident. With them, \`alert.routes\` is asked from the top: the first route
whose matchers all hold says who is told, and those after it as well where it says \`continue\`. **What no route takes is
told to everybody:** nothing is lost for want of a route; a last route with \`receivers: []\` keeps the rest from all. An
incident that becomes more severe is told to those whose route it comes into. Its end goes to all who were told of it.

\`\`\`yaml
${stringify(ROUTES_EXAMPLE)}\`\`\`

${keyTable(schemaKeys(routeSchema), false)}
Incidents that have the values of \`group_by\` in common are one message, with their number and the ten worst: the first waits
for \`group_wait\`, and what comes within \`group_interval\` of a message is the next one. Beginnings and ends are told apart. What
still fires after \`repeat_interval\` is told again; one that becomes critical, or goes up and down, at once. Receivers that
keep incidents of their own (\`pagerduty\`, \`alertmanager\`, \`grafana\` and \`exec\`) get each by itself, and are not told again. In Alertmanager's format a
\`webhook\` is an alert for each incident: one that goes by \`groupKey\`, such as a ticket for each group, wants a route with
\`group_by: [incident]\`, as beginnings and ends come in groups of their own.

### Inhibition

An incident that matches \`target\` is told to nobody while another one that matches \`source\` fires with the same values of
\`equal\`. It is told when that one is over, if it still fires.

${keyTable(schemaKeys(inhibitionSchema), false)}
${NOTIFIER_ROWS.map(({ name, summary, options }) => `### ${name}\n\n${summary}\n\n${keyTable(schemaKeys(options), false)}`).join('\n')}`;
}

function detectorsPage(): string {
  const sections = DETECTOR_ROWS.map(({ name, summary, scope, options, examples }) => {
    const shown = examples.map(
      example =>
        `${example.title}:\n\n\`\`\`yaml\n${stringify([{ use: name, name: 'my-rule', ...example.options }])}\`\`\`\n`,
    );
    return `## ${name}\n\n${summary}\n\nJudges each ${scope}.\n\n${keyTable(schemaKeys(options as z.ZodType), false)}\n${shown.join('\n')}`;
  });
  return `${HEADER}# Detectors

Every rule of \`detectors\` in tidegauge.yaml is one of these with its options. A score of 1 is the rule's alarm limit.
The examples below run as tests. Detectors never judge incomplete frames, and never invent samples for a gap.

${sections.join('\n')}`;
}

function metricsPage(): string {
  const idle = {
    collector: () => null,
    worker: () => null,
    maintenance: () => null,
    rules: () => null,
    learning: () => null,
    queue: { depth: async () => 0 },
    startup: { unreached: [] },
    clock: systemClock,
  };
  const metrics = metricsOf(idle).map(({ name, type, labels, help }) => [
    `\`${name}\``,
    type,
    labels.map(label => `\`${label}\``).join(', '),
    help,
  ]);
  const latencies = Object.values(LATENCIES).map(({ name, help }) => [
    `\`${name}\``,
    'histogram',
    '`operation`, `outcome`',
    help,
  ]);
  const caps = Object.values(CAPS).map(({ what, limit, beyond, shows }) => [
    what,
    String(limit),
    beyond,
    shows
      .split(', ')
      .map(name => `\`${name}\``)
      .join(', '),
  ]);
  return `${HEADER}# Metrics and bounds

Every process has one HTTP listener (\`http.listen\`): \`/metrics\` for Prometheus, \`/healthz\` (200 while the process
turns), \`/readyz\` (503 with the reasons while something that it needs is away). What a process does not do, it does not
report.

${table([['metric', 'type', 'labels', 'meaning'], ...metrics, ...latencies])}
## Containers in Prometheus

With \`http.containers: 50\` \`run\` and \`collect\` have traffic and sizes of that many containers in \`/metrics\`, and of all others
as \`other\`, so that the sum is that of the host. Places are given as traffic comes, to containers before cgroups that are
none, and are free ten minutes after their container is gone. Counters begin at zero with the process, as always.
[examples/prometheus](../examples/prometheus) has a configuration of Prometheus and recording rules: rates by container and
service, the size that nine of ten messages do not exceed, and alerts for a host that is not watched. \`/metrics\` has no
token: let only Prometheus reach it.

## Bounds

What would otherwise grow with what is watched, or with how long something is away. Further bounds are configured:
\`capture.map_keys\` (\`tidegauge_map_occupancy_ratio\`), \`capture.spool.size\` and \`capture.spool.age\`
(\`tidegauge_spool_bytes\`, \`tidegauge_pending_age_seconds\`), \`capture.pending\` (\`tidegauge_spool_unwritten_frames\`),
\`store.retention\` (\`tidegauge_expired_rows_total\`).

${table([['what', 'at most', 'beyond', 'shows as'], ...caps])}`;
}

function webhookPage(): string {
  const keys = schemaKeys(payloadSchema).map(key => [`\`${key.path.join('.')}\``, key.type, key.description]);
  const keysOf = (schema: z.ZodType, above = '') =>
    schemaKeys(schema).map(key => [`\`${above}${key.path.join('.')}\``, key.type, key.description]);
  const findings = keysOf(findingSchema);
  const members = keysOf(memberSchema);
  const groups = [
    ...keysOf(z.strictObject(recurrenceSchema.shape), 'before.'),
    ...keysOf(z.strictObject(peerSchema.shape), 'peer.'),
  ];
  return `${HEADER}# Webhook

What a receiver of the kind \`webhook\` is sent, by POST as JSON; what \`tidegauge incidents --json\`, \`review --json\` and
\`replay --json\` print of an incident is the same. Times are ISO 8601 in UTC.

- Every answer of 2xx is an acceptance. 408, 425, 429, 5xx, an unreachable receiver or no answer within \`timeout\` are tried
  again, later and later, in the order of the incident's messages; any other answer, a redirect as well, is final and is
  logged. \`Retry-After\`, in seconds or as a date, holds all messages to this receiver for so long, an hour at most.
- \`tidegauge notify test NAME\` sends a test message and its end the whole way of an alert. \`tidegauge deliveries list\` shows
  what waits or was given up, \`deliveries replay\` tries it again.
- The header \`webhook-id\` is the message's \`key\`, the same in every attempt. An attempt whose answer was lost is made
  again: drop what you know already.
- What goes wrong together is one incident, which lists whom it is about in \`members\`
  ([architecture.md](architecture.md#what-is-one-incident)).
- Several incidents at once are one message: \`group\` counts them, \`incidents\` has all of them, and \`incident\` is the most severe.
  What one message tells stays together in every attempt, less what is no longer true, or silenced, by then. Only a Redis that has lost
  its last second, as in a failover, may tell it again in other groups, each with a \`webhook-id\` of its own: each of \`incidents\` has the \`key\` that it had.
- With a \`secret\`, \`webhook-signature\` is \`v1,\` and the base64 of the HMAC-SHA256 of
  \`webhook-id.webhook-timestamp.body\`: any library for Standard Webhooks checks it, and so do these lines.

In Node.js ([examples/verify/verify.mjs](../examples/verify/verify.mjs)):

\`\`\`js
${example('verify.mjs')}\`\`\`

In Python ([examples/verify/verify.py](../examples/verify/verify.py)):

\`\`\`python
${example('verify.py')}\`\`\`

## The message

${table([['key', 'type', 'meaning'], ...keys])}
Each of \`members\`:

${table([['key', 'type', 'meaning'], ...members])}
Each of \`findings\`:

${table([['key', 'type', 'meaning'], ...findings])}
Of these the groups:

${table([['key', 'type', 'meaning'], ...groups])}
For example:

\`\`\`json
${JSON.stringify(payloadOf(EXAMPLE), null, 2)}
\`\`\`
`;
}

/** A file of examples/verify, which a test runs. */
const example = (name: string): string =>
  readFileSync(new URL(`../../examples/verify/${name}`, import.meta.url), 'utf8');

function keyTable(keys: readonly SchemaKey[], variables: boolean): string {
  const head = ['key', 'type', 'default', ...(variables ? ['environment variable'] : []), 'meaning'];
  const rows = keys.map(key => [
    `\`${key.path.join('.')}\``,
    key.type,
    key.fallback === null ? 'required or none' : key.fallback === '' ? 'empty' : `\`${key.fallback}\``,
    ...(variables ? [`\`${key.variable}\``] : []),
    key.description,
  ]);
  return table([head, ...rows]);
}
