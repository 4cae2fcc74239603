import { VERSION } from '../../app/version.ts';
import { API_PATH, openApi } from '../../http/api/openapi.ts';
import { OPERATIONS } from '../../http/api/resources/index.ts';
import { table } from './markdown.ts';

/** `docs/api.json`: the API in OpenAPI 3.1, as a process gives it. */
export const apiDocument = (): string => `${JSON.stringify(openApi(OPERATIONS, VERSION), null, 2)}\n`;

/** `docs/api.md`, without its header. */
export function apiPage(): string {
  const rows = OPERATIONS.map(({ method, path, summary }) => [`\`${method} ${path}\``, summary]);
  return `# HTTP API

\`tidegauge run\` and \`tidegauge serve\` answer below \`http://127.0.0.1:8433${API_PATH}\`. \`serve\` is for store and state that
other processes fill: it needs their configuration, and no rights. Rows are those that the commands print with \`--json\`.

\`\`\`sh
curl 'http://127.0.0.1:8433${API_PATH}/incidents?from=24h&state=firing'
curl 'http://127.0.0.1:8433${API_PATH}/silences' -H 'content-type: application/json' \\
  -d '{"container": "web-*", "for": "2h", "reason": "deploy 42"}'
\`\`\`

${table([['operation', 'what it is'], ...rows])}
[api.json](api.json) describes all of it in OpenAPI 3.1; a running process has it at \`${API_PATH}/openapi.json\`.

- **Pages.** A list has at most \`limit\` rows. The header \`Link\` with \`rel="next"\` is the address of those that follow.
- **Errors** are JSON (RFC 9457): \`detail\` in one line; \`expected\`, \`found\` and \`remedy\` one by one. 503 comes with
  \`Retry-After\`: a store or state that is away, or more than can be read in 30 s.
- **Times** are ISO 8601, UTC; those of requests may also be durations ago, such as \`12h\`.
- Maintenance windows stand in the configuration alone and are not among the silences here; \`tidegauge silence list\` has them.
- What is read is read in a thread of its own: the capture beside it does not wait.
- \`GET /events\` sends server-sent events: \`change\` when incidents or silences are not what they were, \`health\` when frames
  have come, with what \`GET /health\` answers as its data.

## The page

\`http://127.0.0.1:8433/\` shows the last hour, or any range that is stored: incidents with buttons to silence and mark them,
containers with their rates, to be found by name; one container with what is normal there, what happened to it before and
whom it talked to; the map. Its address says what is shown and can be kept. It is files of this package and asks nobody
else. Where tokens are needed it asks for one, and keeps it until the tab closes.

## Who may use it

On loopback everybody on the machine, as long as there are no tokens; other sites that a browser shows are kept out by
\`Host\`, \`Origin\` and the type of the body, and there is no CORS. On any other address the API needs tokens; without them
\`serve\` does not start, and \`run\` has metrics and health only. As soon as there are tokens, everybody needs one:

\`\`\`yaml
http:
  listen: 10.0.0.5:8433
  tokens:
    - { name: wall, scope: read, token: a-long-random-text }
    - { name: ci, scope: write, token: another-long-random-text }
\`\`\`

It goes into the header \`Authorization: Bearer TOKEN\`, and may stand in a file or variable
([secrets as files](configuration.md#secrets-as-files)). \`read\` may look, \`write\` may also add silences and deploys, mark and acknowledge
incidents, and replay messages. The name of the token is kept as who did it. There is no TLS: put a proxy in front of what leaves the machine.
One address may ask 600 times in a minute.

## Commands through it

\`incidents\`, \`explain\`, \`incident mark\`, \`marks\` and \`ack\`, \`silence\`, \`deploying\`, \`deliveries\`, \`quality\`, \`traffic\`, \`map\`
and \`connections --from\` ask such a process instead of store and state with \`--server\`, and print the same; only whom a silence is
about \`silence add\` says by what fires, as a server does not tell the containers. A CI job needs no more than that and a token
to call \`deploying\`. Other commands refuse \`server.url\` where they would read something else:

\`\`\`sh
export TIDEGAUGE_SERVER_TOKEN=…
tidegauge incidents --server http://10.0.0.5:8433
\`\`\`

Or for good, in \`tidegauge.yaml\`: \`server.url\` and \`server.token\`.
`;
}
