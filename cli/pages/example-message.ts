import { type Notification, notificationKey } from '../../core/incident/incident.ts';

const START = Date.UTC(2026, 0, 15, 3, 12, 5);
const ID = '07ed3256e9856e11';

/** A message as a receiver may get it, for the documentation. */
export const EXAMPLE: Notification = {
  key: notificationKey(ID, 'chat', 'firing'),
  receiver: 'chat',
  status: 'firing',
  incident: {
    id: ID,
    host: 'web-1',
    service: 'shop/web',
    container: 'shop-web-1',
    severity: 'critical',
    start: START,
    end: START + 30_000,
    resolvedAt: null,
    score: 8.6,
    findings: [
      {
        rule: 'bytes',
        scope: { service: null, container: 'shop-web-1', direction: 'send', metric: 'bytes' },
        first: START,
        last: START + 25_000,
        peak: 8.6,
        evidence: {
          seen: 12_582_912,
          low: 0,
          high: 1_468_006,
          unit: 'B/s',
          text: '12 MiB/s, expected up to 1.4 MiB/s',
        },
        window: { from: START + 20_000, to: START + 25_000 },
        peer: {
          kind: 'outside',
          name: '',
          service: '',
          address: '198.51.100.7',
          protocol: 'tcp',
          role: 'client',
          port: 443,
          bytes: 61_865_984,
          share: 0.98,
        },
        before: {
          times: 2,
          inWeek: 2,
          last: Date.UTC(2026, 0, 13, 3, 10, 15),
          since: Date.UTC(2025, 11, 15, 3, 12, 5),
        },
      },
    ],
    title: 'shop-web-1: bytes sent 12 MiB/s, expected up to 1.4 MiB/s',
  },
};

const { incident } = EXAMPLE;

/** Three of a host in one message. */
export const EXAMPLE_GROUP = {
  ...EXAMPLE,
  others: ['shop-web-2', 'shop-db'].map((container, i): Notification => {
    const id = `${ID.slice(0, -1)}${i + 2}`;
    return {
      ...EXAMPLE,
      key: notificationKey(id, 'chat', 'firing'),
      incident: {
        ...{ ...incident, id, container, severity: 'warning', score: 2 - i / 2 },
        title: `${container}: bytes sent ${4 - i} MiB/s, expected up to 1.4 MiB/s`,
      },
    };
  }),
};
