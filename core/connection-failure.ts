import { describeError, errorCode, type Problem, printable } from './errors.ts';

/** What is wrong, and what to do. */
export type ConnectionFailure = Pick<Problem, 'found' | 'remedy'>;

/** Certificates that nobody known has signed; their `code` in Node.js. */
const UNTRUSTED =
  /^(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_(VERIFY_LEAF_SIGNATURE|GET_ISSUER_CERT(_LOCALLY)?)|CERT_UNTRUSTED)$/;

/**
 * What the failure of a connection has to do with TLS, or null. `isSecure`: TLS was spoken; `scheme` of the other way:
 * what to write instead. Of `fetch`, whose errors hide the reason in `cause`, and of sockets alike.
 */
export function tlsFailure(error: unknown, isSecure: boolean, scheme: string): ConnectionFailure | null {
  const reason = reasonOf(error);
  const code = errorCode(reason) ?? '';
  const text = printable(describeError(reason), 200);
  if (UNTRUSTED.test(code)) {
    return {
      found: `a certificate of an authority that is not known here (${text})`,
      remedy:
        'Set NODE_EXTRA_CA_CERTS to a file with the certificate of that authority, which this user can read.',
    };
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return {
      found: `a certificate for another name (${text})`,
      remedy: 'Use a name that is in the certificate.',
    };
  if (/^CERT_(HAS_EXPIRED|NOT_YET_VALID)$/.test(code))
    return {
      found: `a certificate that is not valid now (${text})`,
      remedy: 'Renew the certificate of the server, or set the clock of this machine.',
    };
  if (
    isSecure &&
    /wrong version number|packet length too long|ERR_SSL_(WRONG_VERSION|PACKET_LENGTH)/i.test(
      `${code} ${text}`,
    )
  )
    return {
      found: 'no TLS at that port',
      remedy: `Use the port that speaks TLS, or write ${scheme} for an unencrypted one.`,
    };
  if (/^(CERT_|ERR_TLS_|ERR_SSL_)/.test(code) || (isSecure && code === 'EPROTO'))
    return {
      found: `TLS that fails (${text})`,
      remedy: 'Check certificates and protocols of TLS on both sides.',
    };
  // A server that speaks TLS hangs up on other bytes, or answers with an alert, which is no HTTP.
  if (!isSecure && /^(HPE_|UND_ERR_SOCKET|ECONNRESET)/.test(code))
    return {
      found: text,
      remedy: `Check that it runs and what it says in its log. If that port speaks TLS, write ${scheme}.`,
    };
  return null;
}

/** The innermost error; that of the first address where a name has several. */
function reasonOf(error: unknown): unknown {
  if (typeof error !== 'object' || error === null) return error;
  const { cause, errors } = error as { cause?: unknown; errors?: unknown };
  if (cause) return reasonOf(cause);
  return Array.isArray(errors) && errors.length > 0 ? reasonOf(errors[0]) : error;
}
