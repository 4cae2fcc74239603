import { z } from 'zod';
import { isoTime } from '../../core/clock.ts';
import { incidentFromJson } from '../../core/incident/incident-from-json.ts';
import { markFromJson } from '../../core/incident/mark-json.ts';
import { matcherText } from '../../core/incident/matcher.ts';
import type { Silence } from '../../core/incident/silence.ts';
import type { Interval } from '../../core/interval.ts';
import type { MapEdge, MapNode } from '../../core/traffic/service-map.ts';
import { ackFromJson } from '../../http/api/resources/acks.ts';
import { connectionFromJson } from '../../http/api/resources/connections.ts';
import { deliveryFromJson } from '../../http/api/resources/deliveries.ts';
import { mapFromJson } from '../../http/api/resources/map.ts';
import { silenceFromJson } from '../../http/api/resources/silences.ts';
import { type Story, storyFromJson } from '../../http/api/resources/story/story.ts';
import { trafficFromJson } from '../../http/api/resources/traffic.ts';
import { type ApiClient, PAGE_ROWS, type Query } from './client.ts';
import type { SharedState, SharedTraffic } from './contract.ts';

const limit = String(PAGE_ROWS);
const rangeQuery = ({ from, to }: Interval): Query => ({ from: isoTime(from), to: isoTime(to) });
const part = (text: string): string => encodeURIComponent(text);

/** The state, as the API of another process tells it. */
export function remoteState(client: ApiClient): SharedState {
  async function story(id: string): Promise<Story | null> {
    const found = await client.find(`/incidents/${part(id)}/explain`);
    return found === null ? null : client.decode(storyFromJson, found);
  }
  return {
    incidents: (range, most) => taken(rows(client, '/incidents', rangeQuery(range), incidentFromJson), most),
    async incident(id) {
      const found = await client.find(`/incidents/${part(id)}`);
      return found === null ? null : client.decode(incidentFromJson, found);
    },
    story,
    async watched({ id }) {
      return (await story(id))?.watched ?? { unknown: 'the incident is gone' };
    },
    marks: host => taken(rows(client, '/marks', host === null ? {} : { host }, markFromJson)),
    async mark({ id }, { kind, note, by }) {
      const body = { kind, note, by };
      return client.decode(markFromJson, await client.change('PUT', `/incidents/${part(id)}/mark`, body));
    },
    deliveries: (status, most) => taken(rows(client, '/deliveries', { status }, deliveryFromJson), most),
    shownDelivery: key => client.get(`/deliveries/${part(key)}`),
    async replay(what) {
      const path = 'key' in what ? `/deliveries/${part(what.key)}` : `/receivers/${part(what.receiver)}`;
      const answer = await client.change('POST', `${path}/replay`, {});
      return client.decode(json => replayedSchema.parse(json).replayed, answer);
    },
    acks: () => taken(rows(client, '/acks', {}, ackFromJson)),
    async acknowledge({ id }, { note, by }) {
      const answer = await client.change('PUT', `/incidents/${part(id)}/ack`, { note, by });
      return client.decode(ackFromJson, answer);
    },
    unacknowledge: async ({ id }) =>
      client.decode(ackFromJson, await client.change('DELETE', `/incidents/${part(id)}/ack`)),
    ...remoteSilences(client),
  };
}

const lengthOf = ({ from, until }: Silence): string => `${until - from}ms`;

/** Silences and deploys, the same. */
function remoteSilences(
  client: ApiClient,
): Pick<SharedState, 'silences' | 'addSilence' | 'endSilence' | 'beginDeploy' | 'endDeploys'> {
  const one = (json: unknown) => client.decode(silenceFromJson, json);
  const many = (json: unknown) => listOf(client, json).map(one);
  return {
    async silences(_, all) {
      const found: Silence[] = [];
      for await (const page of client.pages('/silences', { all: String(all) })) found.push(...many(page));
      return found;
    },
    async addSilence(silence, now) {
      const { match, matchers, from, owner, reason } = silence;
      const body = {
        ...match,
        ...(matchers === undefined ? {} : { matchers: matchers.map(matcherText) }),
        ...(from === now ? {} : { from: isoTime(from) }),
        ...{ for: lengthOf(silence), reason, owner },
      };
      return one(await client.change('POST', '/silences', body));
    },
    endSilence: async id => one(await client.change('DELETE', `/silences/${part(id)}`)),
    async beginDeploy(deploy) {
      const { match, owner, reason } = deploy;
      const body = { service: match.service, host: match.host, for: lengthOf(deploy), reason, owner };
      return one(await client.change('POST', '/deploys', body));
    },
    endDeploys: async ({ match: { service, host } }) =>
      many(await client.change('POST', '/deploys/end', { service, host })),
  };
}

/** Stored traffic, the same. */
export function remoteTraffic(client: ApiClient): SharedTraffic {
  return {
    async hosts() {
      const { hosts } = client.decode(json => healthSchema.parse(json), await client.get('/health'));
      return hosts.map(({ host }) => host);
    },
    async map(host, range) {
      const nodes = new Map<string, MapNode>();
      const edges: MapEdge[] = [];
      for await (const page of client.pages('/map', { host, ...rangeQuery(range), limit })) {
        const map = client.decode(mapFromJson, page);
        for (const node of map.nodes) nodes.set(node.id, node);
        edges.push(...map.edges);
      }
      return { nodes: [...nodes.values()], edges };
    },
    traffic: (host, range, stepMs) =>
      rows(client, '/traffic', { host, ...rangeQuery(range), step: `${stepMs}ms` }, trafficFromJson),
    connections: (host, range) =>
      rows(client, '/connections', { host, ...rangeQuery(range) }, connectionFromJson),
  };
}

const replayedSchema = z.object({ replayed: z.int() });
const healthSchema = z.object({ hosts: z.array(z.object({ host: z.string() })) });

/** The rows of all pages. */
async function* rows<T>(
  client: ApiClient,
  path: string,
  query: Query,
  parse: (json: unknown) => T,
): AsyncIterable<T> {
  for await (const page of client.pages(path, { ...query, limit }))
    for (const row of listOf(client, page)) yield client.decode(parse, row);
}

const listOf = (client: ApiClient, json: unknown): unknown[] =>
  client.decode(list => z.array(z.unknown()).parse(list), json);

async function taken<T>(all: AsyncIterable<T>, most = Number.POSITIVE_INFINITY): Promise<T[]> {
  const found: T[] = [];
  for await (const one of all) if (found.push(one) >= most) break;
  return found;
}
