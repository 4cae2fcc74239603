import type { Router } from '../../alert/policy/router.ts';
import { type Ack, isAcknowledged } from '../../core/incident/ack.ts';
import {
  acknowledgedKey,
  type Incident,
  type Notification,
  notificationKey,
  roundOf,
} from '../../core/incident/incident.ts';
import type { Receiver } from '../../notify/contract.ts';
import type { Acks, Deliveries, Incidents, Lease } from '../../state/contract.ts';

/** How often acknowledgements are looked through, ms. */
const LOOK_MS = 2000;

export interface AcknowledgementsDeps {
  readonly state: Acks & Pick<Deliveries, 'deliveriesOf'> & Pick<Incidents, 'incidentsOf' | 'commit'>;
  readonly router: Router;
  readonly receivers: readonly Receiver[];
}

/**
 * Tells receivers that keep incidents of their own that somebody has taken one on. It is a delivery as any other, queued
 * once the receiver has the incident: under its key the state takes it once, whoever queues it again.
 */
export class Acknowledgements {
  readonly #deps: AcknowledgementsDeps;
  readonly #lease: Lease;
  /** Names of those that are told. */
  readonly #receivers: ReadonlySet<string>;
  /** Keys of what is queued, of the acknowledgements that are kept. */
  #queued = new Set<string>();

  constructor(lease: Lease, deps: AcknowledgementsDeps) {
    this.#lease = lease;
    this.#deps = deps;
    this.#receivers = new Set(deps.receivers.filter(one => one.takesAcknowledgements).map(one => one.name));
  }

  /** Queue what is new. Returns the pause until the next look, ms; null: the lease is lost. */
  async round(): Promise<number | null> {
    const { state } = this.#deps;
    const acks = (await state.acks()).filter(({ undone }) => undone === undefined);
    const incidents = await state.incidentsOf(acks.map(({ incident }) => incident));
    const wanted = acks.flatMap(ack => this.#wantedOf(ack, incidents.get(ack.incident)));
    const news = wanted.filter(({ key }) => !this.#queued.has(key));
    const firing = await state.deliveriesOf(news.map(firingKeyOf));
    const known = news.filter(one => firing.get(firingKeyOf(one))?.status === 'delivered');
    if (known.length > 0 && !(await state.commit(this.#lease, { incidents: [], notifications: known })))
      return null;
    const before = this.#queued;
    const queued = new Set(known.map(({ key }) => key));
    this.#queued = new Set(wanted.map(({ key }) => key).filter(key => queued.has(key) || before.has(key)));
    return LOOK_MS;
  }

  /** Of an incident that fires, and has not become worse since. */
  #wantedOf(ack: Ack, incident: Incident | undefined): Notification[] {
    if (!incident || !isAcknowledged(incident, ack)) return [];
    const receivers = this.#deps.router.everReceiversOf(incident).filter(name => this.#receivers.has(name));
    return receivers.map(receiver => {
      const key = acknowledgedKey(incident.id, receiver, roundOf(incident), ack.at);
      return { key, receiver, status: 'firing', occasion: 'acknowledged', incident };
    });
  }
}

const firingKeyOf = ({ incident, receiver }: Notification): string =>
  notificationKey(incident.id, receiver, 'firing', roundOf(incident));
