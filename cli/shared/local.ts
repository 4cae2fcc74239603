import { newMark } from '../../core/incident/mark.ts';
import { serviceMap } from '../../core/traffic/service-map.ts';
import type { Reasons } from '../../http/api/contract.ts';
import { keepAck, taken, undone } from '../../http/api/resources/acks.ts';
import { storedConnections } from '../../http/api/resources/connections.ts';
import { knownDelivery, replay, shownDeliveryJson } from '../../http/api/resources/deliveries.ts';
import { beginDeploy, endDeploys } from '../../http/api/resources/deploys.ts';
import { tooManyMarks } from '../../http/api/resources/marks.ts';
import { endSilence, keepSilence } from '../../http/api/resources/silences.ts';
import type { StoreReader } from '../../http/api/resources/story/peers.ts';
import { storyOf } from '../../http/api/resources/story/story.ts';
import { watchedThen } from '../../http/api/resources/story/watched.ts';
import { trafficRows } from '../../http/api/resources/traffic.ts';
import type { State } from '../../state/contract.ts';
import type { Store } from '../../store/contract.ts';
import type { SharedState, SharedTraffic } from './contract.ts';

/** The state itself, with the operations of the API. `readStore`: for what is told of the traffic. */
export const localState = (
  state: State,
  { reasons, readStore }: { readonly reasons: Reasons; readonly readStore: StoreReader },
): SharedState => ({
  incidents: (range, limit) => state.incidents(range, limit),
  incident: id => state.incident(id),
  story: (id, now) => storyOf({ state, reasons, readStore, now }, id),
  watched: (incident, now) => watchedThen(readStore, incident, now),
  marks: host => state.marks(host),
  async mark(incident, said) {
    const mark = await state.saveMark(newMark(incident, said));
    if (!mark) throw tooManyMarks();
    return mark;
  },
  deliveries: (status, limit) => state.deliveries(status, limit),
  shownDelivery: async key => shownDeliveryJson(await knownDelivery(state, key)),
  replay: what => replay(state, what),
  acks: () => state.acks(),
  acknowledge: (incident, said) => keepAck(state, taken(incident, said)),
  unacknowledge: async (incident, said) => keepAck(state, await undone(state, incident, said)),
  silences: (now, all) => state.silences(all ? 0 : now),
  addSilence: (silence, now) => keepSilence(state, silence, now),
  endSilence: (id, now) => endSilence(state, id, now),
  beginDeploy: (deploy, now) => beginDeploy(state, deploy, now),
  endDeploys: (deploy, now) => endDeploys(state, deploy, now),
});

/** The store itself. */
export const localTraffic = (store: Store): SharedTraffic => ({
  hosts: () => store.hosts(),
  map: async (host, range) => serviceMap(await store.readFlows(host, range)),
  traffic: (host, range, stepMs) => trafficRows(store, host, range, stepMs),
  connections: (host, range) => storedConnections(store, host, range),
});
