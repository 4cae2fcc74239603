import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { systemClock } from '../../core/clock.ts';
import { alertmanager } from '../../notify/alertmanager.ts';
import type { Told } from '../../notify/contract.ts';
import { webhook } from '../../notify/webhook.ts';
import { incidentOf, notificationOf, resolved } from '../data/incidents.ts';
import { describeWith } from '../parts/need.ts';
import { Child, freePort, temporaryFolder } from '../parts/process.ts';
import { type AlertmanagerServer, startAlertmanager } from './alertmanager-server.ts';
import { groupOf, never, testServers, receiver as webhookAt } from './fixture.ts';
import { alertmanagerWebhookSchema } from './schemas.ts';

const { serve } = testServers();

const receiverAt = (...urls: string[]) =>
  alertmanager.create('am', alertmanager.options.parse({ urls, timeout: '20s' }), systemClock);

describeWith(['alertmanager'], 'a real Alertmanager', () => {
  let server: AlertmanagerServer;
  let url: string;
  const active = (id: string) => server.active(id);

  beforeAll(async () => {
    server = await startAlertmanager();
    ({ url } = server);
  });
  afterAll(() => server.stop());

  it('has an alert for each incident until that is over', async () => {
    const incident = incidentOf(systemClock.now() - 60_000);
    const receiver = receiverAt(url);
    expect(await receiver.deliver(notificationOf(incident, 'am'), never)).toEqual({ kind: 'accepted' });
    const [alert] = await active(incident.id);
    expect(alert?.labels).toEqual({
      ...{ alertname: 'tidegauge', host: 'web-1', service: 'shop/web', container: 'shop' },
      ...{ severity: 'warning', incident: incident.id },
    });
    expect(Date.parse(alert?.startsAt ?? '')).toBe(incident.start);
    expect(alert?.annotations.summary).toBe(incident.title);
    expect(await receiver.deliver(notificationOf(resolved(incident, 30_000), 'am'), never)).toEqual({
      kind: 'accepted',
    });
    expect(await active(incident.id)).toEqual([]);
  });

  it('takes all that fires at once, again and again, and does not end it', async () => {
    const incidents = [1, 2, 3].map(n => incidentOf(systemClock.now() - n));
    const notifications = incidents.map(incident => notificationOf(incident, 'am'));
    const { repetition } = receiverAt(url);
    for (let i = 0; i < 2; i++)
      expect(await repetition?.send(notifications, never)).toEqual({ kind: 'accepted' });
    for (const { id } of incidents) {
      const [alert, ...more] = await active(id);
      expect(more).toEqual([]);
      // It would take several lost repetitions to end it.
      expect(Date.parse(alert?.endsAt ?? '')).toBeGreaterThan(systemClock.now() + (repetition?.everyMs ?? 0));
    }
  });

  it('takes names of any kind', async () => {
    const name = '<!channel> "quoted" \u202e\u0000 \ud800 {{ .Labels }}';
    const incident = incidentOf(systemClock.now(), { host: name, service: '', container: name, title: name });
    const receiver = receiverAt(url);
    expect(await receiver.deliver(notificationOf(incident, 'am'), never)).toEqual({ kind: 'accepted' });
    const [alert] = await active(incident.id);
    expect(alert?.labels).not.toHaveProperty('service');
    expect(JSON.stringify(alert)).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  });
});

describeWith(['alertmanager'], 'webhooks in the shape of Alertmanager', () => {
  const folder = temporaryFolder();
  afterAll(() => folder.remove());

  it('have it: one schema takes what a real Alertmanager posts and what we post', async () => {
    const { url, seen } = await serve(response => response.end());
    const port = await freePort();
    const config = join(folder.path, 'alertmanager.yml');
    writeFileSync(
      config,
      `route: { receiver: hook, group_wait: 0s, group_by: [incident] }\nreceivers: [{ name: hook, webhook_configs: [{ url: "${url}/real" }] }]\n`,
    );
    const child = new Child('prometheus-alertmanager', [
      ...[`--config.file=${config}`, `--storage.path=${join(folder.path, 'data')}`],
      ...[`--web.listen-address=127.0.0.1:${port}`, '--cluster.listen-address='],
    ]);
    try {
      const firing = notificationOf(incidentOf(systemClock.now() - 60_000), 'am');
      const real = receiverAt(`http://127.0.0.1:${port}`);
      await child.until('Alertmanager', async () => (await real.deliver(firing, never)).kind === 'accepted');
      await child.until('its message', async () => seen.length > 0);
      const options = webhook.options.parse({ url: `${url}/ours`, format: 'alertmanager', timeout: '20s' });
      const ours = webhook.create('hook', options, systemClock);
      for (const each of [firing, notificationOf(resolved(firing.incident), 'hook')])
        expect(await ours.deliver(each, never)).toEqual({ kind: 'accepted' });
    } finally {
      await child.stop();
    }
    const bodies = seen.map(({ body }) => alertmanagerWebhookSchema.parse(JSON.parse(body)));
    const [theirs, mine, over] = bodies;
    expect(seen.map(each => each.url)).toEqual(['/real', '/ours', '/ours']);
    expect(mine?.alerts[0]?.labels).toEqual(theirs?.alerts[0]?.labels);
    expect(mine?.commonAnnotations).toEqual(theirs?.commonAnnotations);
    expect([mine?.status, over?.status, over?.alerts[0]?.status]).toEqual(['firing', 'resolved', 'resolved']);
    expect(over?.alerts[0]?.fingerprint).toBe(mine?.alerts[0]?.fingerprint);
    expect(over?.groupKey).toBe(mine?.groupKey);
  });
});

describe('a group in the shape of Alertmanager', () => {
  const bodiesOf = async (...messages: Told[]) => {
    const { url, seen } = await serve(response => response.end());
    const receiver = webhookAt(url, { format: 'alertmanager' });
    for (const each of messages) expect(await receiver.deliver(each, never)).toEqual({ kind: 'accepted' });
    return seen.map(({ body }) => alertmanagerWebhookSchema.parse(JSON.parse(body)));
  };
  const over = ({ others = [], ...first }: Told): Told => {
    const [lead, ...rest] = [first, ...others].map(({ incident }) =>
      notificationOf(resolved(incident), 'ops'),
    );
    return { ...(lead ?? first), others: rest };
  };

  it('has an alert for each incident, the most severe first, and what they have in common', async () => {
    const told = groupOf(7);
    const [body] = await bodiesOf(told);
    expect(body?.alerts.map(({ labels }) => labels.container)).toEqual(
      [5, 6, 4, 3, 2, 1, 0].map(n => `shop-${n}`),
    );
    expect(body?.alerts[0]?.annotations).toMatchObject({ severity: 'critical', summary: 'shop-5 is busy' });
    expect(body?.commonLabels).toEqual({ alertname: 'tidegauge', host: 'web-1', service: 'shop/web' });
    expect(body?.commonAnnotations).toEqual({});
    expect(body?.status).toBe('firing');
  });

  it('has the alerts that each incident has alone', async () => {
    const told = groupOf(3);
    const { others = [], ...first } = told;
    const [all, ...each] = await bodiesOf(told, first, ...others);
    expect(all?.alerts.toReversed()).toEqual(each.flatMap(({ alerts }) => alerts));
  });

  it('is over as what began only when all of it is', async () => {
    const told = groupOf(3);
    const { others: [second = told, ...rest] = [], ...first } = told;
    const reordered = { ...second, others: [...rest, first] };
    const bodies = await bodiesOf(told, over(reordered), over(groupOf(2)), over(first));
    const [began, same, part, one] = bodies.map(({ groupKey }) => groupKey);
    expect(same).toBe(began);
    expect(new Set([began, part, one]).size).toBe(3);
    const [labels] = bodies.map(({ groupLabels }) => groupLabels);
    expect(labels).toEqual({ alertname: 'tidegauge', incidents: expect.stringMatching(/^[0-9a-f]{16}$/) });
    expect(bodies[1]?.groupLabels).toEqual(labels);
    expect(bodies[1]?.status).toBe('resolved');
  });
});

describe('several instances', () => {
  it('all get every alert, and one that has it is enough', async () => {
    const [fine, away] = [
      await serve(response => response.end()),
      await serve(response => response.writeHead(503).end()),
    ];
    const message = notificationOf(incidentOf(0), 'am');
    expect(await receiverAt(away.url, `${fine.url}/am/`).deliver(message, never)).toEqual({
      kind: 'accepted',
    });
    expect(await receiverAt(away.url).deliver(message, never)).toEqual({ kind: 'retry', reason: 'HTTP 503' });
    expect(fine.seen.map(each => each.url)).toEqual(['/am/api/v2/alerts']);
    expect(away.seen.map(each => each.url)).toEqual(['/api/v2/alerts', '/api/v2/alerts']);
  });
});
