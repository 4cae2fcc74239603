import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { z } from 'zod';
import { payloadOf, payloadSchema } from '../../notify/payload.ts';
import { secretBytes, signatureHeaders } from '../../notify/signature.ts';
import { incidentOf, notificationOf, resolved } from '../data/incidents.ts';
import { deliver, incident, message, type Seen, testServers } from './fixture.ts';

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const { serve } = testServers();

describe('what is sent', () => {
  it('is documented JSON with the key of the notification and the time of the attempt', async () => {
    const { url, seen } = await serve(response => response.writeHead(204).end());
    expect(await deliver(`${url}/hook?a=1`, { headers: { Authorization: 'Bearer x' } })).toEqual({
      kind: 'accepted',
    });
    const [request] = seen;
    expect(request).toMatchObject({ method: 'POST', url: '/hook?a=1' });
    expect(request?.headers).toMatchObject({
      'content-type': 'application/json',
      authorization: 'Bearer x',
      'webhook-id': message.key,
      'webhook-timestamp': '1700000000',
    });
    expect(request?.headers['webhook-signature']).toBeUndefined();
    const body = payloadSchema.parse(JSON.parse(request?.body ?? ''));
    expect(body).toEqual(payloadOf(message));
    expect(body.text).toBe(
      '[WARNING] shop: bytes sent 12 MiB/s, expected up to 1.4 MiB/s (host web-1, since 2023-11-14T22:13:20.000Z)',
    );
    expect(body.incident.findings[0]).toMatchObject({
      expected_low: null,
      expected_high: 1.4e6,
      unit: 'B/s',
    });
  });

  it('is signed so that a receiver can check the body it got', async () => {
    const { url, seen } = await serve(response => response.end('ok'));
    await deliver(url, { secret: SECRET });
    const { headers = {}, body = '' }: Partial<Seen> = seen[0] ?? {};
    const expected = signatureHeaders(secretBytes(SECRET) ?? Buffer.alloc(0), {
      id: String(headers['webhook-id']),
      seconds: Number(headers['webhook-timestamp']),
      body,
    });
    expect(headers['webhook-signature']).toBe(expected['webhook-signature']);
  });

  it('says that an incident is over, how long it lasted and from when to when', () => {
    const over = payloadOf(notificationOf(resolved(incident), 'ops'));
    expect(over).toMatchObject({ status: 'resolved', incident: { resolved_at: '2023-11-14T22:14:20.000Z' } });
    expect(over.text).toBe(
      '[RESOLVED] shop: bytes sent 12 MiB/s, expected up to 1.4 MiB/s (host web-1, lasted 5s, 2023-11-14 22:13:20 to 22:13:25 UTC)',
    );
  });

  it('carries hostile names unchanged as JSON, and none of their control characters in the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), name => {
        const hostile = incidentOf(0, { container: name, service: name, host: name, title: name });
        const payload = payloadOf(notificationOf(hostile, 'ops'));
        expect(payloadSchema.parse(JSON.parse(JSON.stringify(payload))).incident).toMatchObject({
          container: name,
          service: name,
          host: name,
        });
        expect(payload.text).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}<>]/u);
      }),
    );
  });

  it('calls nobody in a chat, whatever a container is named', () => {
    const title = '<!channel> @here @Everyone <@U1> a&b user@1000.service: bytes';
    const hostile = incidentOf(0, { container: title, title });
    const payload = payloadOf(notificationOf(hostile, 'ops'));
    expect(payload.text).toContain(
      '&lt;!channel&gt; \uff20here \uff20Everyone &lt;@U1&gt; a&amp;b user@1000.service: bytes',
    );
    expect(payload.incident).toMatchObject({ container: title, title });
  });

  it('documents each key', () => {
    expect(JSON.stringify(z.toJSONSchema(payloadSchema))).toContain('ignore a known one');
  });
});

describe('signatures', () => {
  it('match the test vector of the Standard Webhooks libraries', () => {
    const headers = signatureHeaders(secretBytes(SECRET) ?? Buffer.alloc(0), {
      id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      seconds: 1_614_265_330,
      body: '{"test": 2432232314}',
    });
    expect(headers).toEqual({ 'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=' });
  });

  it.each([
    'MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
    'whsec_',
    'whsec_c2hvcnQ=',
    'whsec_MfKQ9r8G*YqrTwjUPD8ILPZIo2LaLaSw',
  ])('refuse the secret %s', secret => expect(secretBytes(secret)).toBeNull());
});
