import { createHmac } from 'node:crypto';

/**
 * Signatures of the Standard Webhooks specification
 * (github.com/standard-webhooks/standard-webhooks, spec/standard-webhooks.md, "Signature scheme", symmetric).
 */

const PREFIX = 'whsec_';

/** Bytes of a secret such as `whsec_MfKQ…` (base64 of 24 to 64 bytes); null when it is none. */
export function secretBytes(secret: string): Buffer | null {
  if (!secret.startsWith(PREFIX)) return null;
  const text = secret.slice(PREFIX.length);
  const bytes = Buffer.from(text, 'base64');
  // Buffer.from skips what is no base64; a secret with a typo in it must not be taken for a shorter one.
  const same = bytes.toString('base64').replace(/=+$/, '') === text.replace(/=+$/, '');
  return same && bytes.length >= 24 && bytes.length <= 64 ? bytes : null;
}

/** The headers that let a receiver check who sent the body and when. `seconds`: epoch seconds of this attempt. */
export function signatureHeaders(
  secret: Buffer,
  message: { id: string; seconds: number; body: string },
): Record<string, string> {
  const { id, seconds, body } = message;
  const mac = createHmac('sha256', secret).update(`${id}.${seconds}.${body}`).digest('base64');
  return { 'webhook-signature': `v1,${mac}` };
}
