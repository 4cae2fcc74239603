import { parseHttpDate } from '../../core/clock.ts';
import { describeError, errorCode, printable } from '../../core/errors.ts';
import type { DeliveryResult } from '../contract.ts';

/** What came back from one HTTP request. */
export type HttpResult =
  | {
      readonly kind: 'answer';
      readonly status: number;
      /** Headers `Retry-After` and `Location` as they came, or null. */
      readonly retryAfter: string | null;
      readonly location: string | null;
      /** The first part of the body, untrusted. */
      readonly body: string;
    }
  | { readonly kind: 'failure'; readonly error: unknown };

/** A receiver may ask for a pause, but not for ever. */
const MAX_PAUSE_MS = 3_600_000;

/** Statuses below 500 that speak of the moment, not of the request. */
const TEMPORARY = new Set([408, 425, 429]);

/**
 * The one decision about an HTTP receiver: did it accept, can trying again help, or will it never accept this?
 * `now`: epoch ms, for a `Retry-After` that is a date.
 */
export function deliveryResultOf(result: HttpResult, now: number): DeliveryResult {
  // No answer, whatever the reason (refused, reset, timed out, no HTTP): the other side may be back later.
  if (result.kind === 'failure') return { kind: 'retry', reason: describeFailure(result.error) };
  const { status } = result;
  if (status >= 200 && status < 300) return { kind: 'accepted' };
  const body = printable(result.body.trim(), 200);
  const reason = body === '' ? `HTTP ${status}` : `HTTP ${status}: ${body}`;
  if (status >= 500 || TEMPORARY.has(status)) {
    const afterMs = pauseOf(result.retryAfter, now);
    return afterMs === null ? { kind: 'retry', reason } : { kind: 'retry', reason, afterMs };
  }
  if (status >= 300 && status < 400) {
    const target = result.location === null ? '' : ` to ${printable(result.location, 200)}`;
    return {
      kind: 'refused',
      reason: `HTTP ${status}: redirected${target}; redirects are not followed, configure the final address`,
    };
  }
  return { kind: 'refused', reason };
}

/** The pause of a `Retry-After` in ms: seconds or an HTTP date; null when there is none that makes sense. */
function pauseOf(header: string | null, now: number): number | null {
  if (header === null) return null;
  const text = header.trim();
  const at = /^\d{1,10}$/.test(text) ? Number(text) * 1000 : null;
  const pause = at ?? until(text, now);
  return pause === null ? null : Math.min(Math.max(pause, 0), MAX_PAUSE_MS);
}

/** Only dates in words (`Wed, 21 Oct 2026 07:28:00 GMT`): a number with a sign or point is no date. */
function until(text: string, now: number): number | null {
  const time = /^[A-Za-z]{3,9},? /.test(text) ? parseHttpDate(text) : null;
  return time === null ? null : time - now;
}

/** `fetch` hides what happened in `cause`. */
function describeFailure(error: unknown): string {
  const { name, cause } = (typeof error === 'object' && error !== null ? error : {}) as {
    name?: unknown;
    cause?: unknown;
  };
  if (name === 'TimeoutError') return 'no answer in time';
  if (cause === undefined) return describeError(error);
  const code = errorCode(cause);
  const text = describeError(cause);
  return code === null || text.includes(code) ? text : printable(`${code}: ${text}`, 500);
}
