import { createHmac, timingSafeEqual } from 'node:crypto';

/** Whether a message is from tidegauge: `headers` in lower case, `body` as it came, `secret` as in the configuration. */
export function isGenuine(headers, body, secret, now = Date.now() / 1000) {
  const { 'webhook-id': id, 'webhook-timestamp': time, 'webhook-signature': signatures = '' } = headers;
  if (!(Math.abs(now - Number(time)) <= 300)) return false; // An old message may have been recorded.
  const key = Buffer.from(secret.replace('whsec_', ''), 'base64');
  const expected = createHmac('sha256', key).update(`${id}.${time}.`).update(body).digest();
  const given = signatures.split(' ').filter(one => one.startsWith('v1,'));
  const bytes = given.map(one => Buffer.from(one.slice(3), 'base64'));
  return bytes.some(one => one.length === expected.length && timingSafeEqual(one, expected));
}
