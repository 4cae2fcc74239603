import type { Clock } from '../core/clock.ts';
import { withDeadline } from '../core/deadline.ts';
import type { DeliveryResult } from './contract.ts';
import { deliveryResultOf, type HttpResult } from './shared/delivery-result.ts';
import { hide, secretsIn } from './shared/hide.ts';

/** One sign of life: GET, redirects not followed, the answer's body not read. Never rejects. */
export async function beat(
  url: string,
  { signal, timeoutMs, clock }: { signal: AbortSignal; timeoutMs: number; clock: Clock },
): Promise<DeliveryResult> {
  const result = await withDeadline(limit => ask(url, limit), { parent: signal, ms: timeoutMs, clock });
  return deliveryResultOf(result, clock.now());
}

async function ask(url: string, signal: AbortSignal): Promise<HttpResult> {
  try {
    const response = await fetch(url, {
      redirect: 'manual',
      headers: { 'user-agent': 'tidegauge' },
      signal,
    });
    await response.body?.cancel();
    const target = response.headers.get('location');
    // It may repeat the path, which often is a token.
    const location = target === null ? null : hide(target, secretsIn(new URL(url), {}));
    return { kind: 'answer', status: response.status, retryAfter: null, location, body: '' };
  } catch (error) {
    return { kind: 'failure', error };
  }
}
