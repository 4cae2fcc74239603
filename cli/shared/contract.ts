import type { Ack } from '../../core/incident/ack.ts';
import type { Incident } from '../../core/incident/incident.ts';
import type { Mark, NewMark } from '../../core/incident/mark.ts';
import type { Silence } from '../../core/incident/silence.ts';
import type { Interval } from '../../core/interval.ts';
import type { ServiceMap } from '../../core/traffic/service-map.ts';
import type { ShownConnection } from '../../http/api/resources/connections.ts';
import type { ListedDelivery, Replayed } from '../../http/api/resources/deliveries.ts';
import type { Story } from '../../http/api/resources/story/story.ts';
import type { WatchedThen } from '../../http/api/resources/story/watched.ts';
import type { TrafficRow } from '../../http/api/resources/traffic.ts';
import type { DeliveryStatus } from '../../state/contract.ts';

/**
 * What the processes of an installation share, as commands see it: the state and the store themselves (local.ts), or a
 * process that answers for them over HTTP (remote.ts). Both give the same. All methods reject with a TidegaugeError.
 */
export interface SharedState {
  /** Incidents that were firing at any moment of the range, newest first, at most `limit`. */
  incidents(range: Interval, limit: number): Promise<Incident[]>;
  incident(id: string): Promise<Incident | null>;
  /** All that is known at `now`, epoch ms, of an incident and its messages; null: there is none with this id. */
  story(id: string, now: number): Promise<Story | null>;
  /** What of an incident's time until `now`, epoch ms, nobody saw. */
  watched(incident: Incident, now: number): Promise<WatchedThen>;
  /** Marks of a host, of all for null, the oldest first. */
  marks(host: string | null): Promise<Mark[]>;
  /** Keeps what is said of an incident. */
  mark(incident: Incident, said: Pick<NewMark, 'kind' | 'note' | 'by' | 'at'>): Promise<Mark>;
  /** Who has taken incidents on, the oldest first. */
  acks(): Promise<Ack[]>;
  /** Takes an incident on; returns it as it is kept. */
  acknowledge(incident: Incident, said: Pick<Ack, 'by' | 'at' | 'note'>): Promise<Ack>;
  /** Takes that back. */
  unacknowledge(incident: Incident, said: Pick<Ack, 'by' | 'at'>): Promise<Ack>;
  /** In force at `now`, epoch ms, and to come, the first to end first; `all`: also those that ended in the last 30 days. */
  silences(now: number, all: boolean): Promise<Silence[]>;
  /** Keeps a silence; returns it as it is kept: a server gives it its id, and the name of the token. */
  addSilence(silence: Silence, now: number): Promise<Silence>;
  endSilence(id: string, now: number): Promise<Silence>;
  /** The same of a deploy, in place of those of the same that are under way. */
  beginDeploy(deploy: Silence, now: number): Promise<Silence>;
  /** Ends those of the same service and hosts. */
  endDeploys(deploy: Silence, now: number): Promise<Silence[]>;
  /** Newest first. */
  deliveries(status: DeliveryStatus, limit: number): Promise<ListedDelivery[]>;
  /** One delivery with its incident, as JSON. */
  shownDelivery(key: string): Promise<unknown>;
  /** Returns how many messages will be tried again. */
  replay(what: Replayed): Promise<number>;
}

/** Stored traffic. */
export interface SharedTraffic {
  hosts(): Promise<string[]>;
  map(host: string, range: Interval): Promise<ServiceMap>;
  /** In buckets of `stepMs`, ascending; in each the busiest container comes first. */
  traffic(host: string, range: Interval, stepMs: number): AsyncIterable<TrafficRow>;
  /** Ascending by time. */
  connections(host: string, range: Interval): AsyncIterable<ShownConnection>;
}
