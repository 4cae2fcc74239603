import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { deliver, type Seen, testServers } from './fixture.ts';

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const FOLDER = join(import.meta.dirname, '../../examples/verify');
const { serve } = testServers();

/** A script that reads headers, body (base64), secret and time from its standard input and says `true` or `false`. */
const SCRIPTS: Readonly<Record<string, readonly [command: string, args: readonly string[]]>> = {
  'verify.mjs': [
    process.execPath,
    [
      '--input-type=module',
      '-e',
      `import { readFileSync } from 'node:fs';
       import { isGenuine } from ${JSON.stringify(join(FOLDER, 'verify.mjs'))};
       const { headers, body, secret, now } = JSON.parse(readFileSync(0, 'utf8'));
       console.log(isGenuine(headers, Buffer.from(body, 'base64'), secret, now));`,
    ],
  ],
  'verify.py': [
    'python3',
    [
      '-c',
      `import base64, json, sys
sys.path.insert(0, ${JSON.stringify(FOLDER)})
sys.dont_write_bytecode = True
from verify import is_genuine
said = json.load(sys.stdin)
print(str(is_genuine(said["headers"], base64.b64decode(said["body"]), said["secret"], said["now"])).lower())`,
    ],
  ],
};

describe.each(Object.keys(SCRIPTS))('examples/verify/%s', script => {
  const [command, args] = SCRIPTS[script] ?? ['false', []];
  /** The time of the test's clock, at which messages are signed, epoch s. */
  const now = 1_700_000_000;
  const asked = ({ headers, body }: Pick<Seen, 'headers' | 'body'>, more: object = {}): string => {
    const input = { headers, body: Buffer.from(body).toString('base64'), secret: SECRET, now, ...more };
    const env = { PATH: process.env.PATH, HOME: process.env.HOME };
    return execFileSync(command, args, { input: JSON.stringify(input), encoding: 'utf8', env }).trim();
  };

  it('takes what is ours, and nothing that was changed, recorded or signed by others', async () => {
    const { url, seen } = await serve(response => response.end('ok'));
    await deliver(url, { secret: SECRET });
    const [message] = seen;
    if (!message) throw new Error('nothing was sent');
    const { headers, body } = message;
    expect(asked(message)).toBe('true');
    // While a secret is replaced there are two signatures.
    const two = { ...headers, 'webhook-signature': `v1,AAAA ${headers['webhook-signature']}` };
    expect(asked({ headers: two, body })).toBe('true');
    expect(asked({ headers, body: body.replace('firing', 'resolved') })).toBe('false');
    expect(asked({ headers: { ...headers, 'webhook-id': 'other' }, body })).toBe('false');
    expect(asked(message, { secret: 'whsec_AAAA9r8GKYqrTwjUPD8ILPZIo2LaLaSw' })).toBe('false');
    expect(asked(message, { now: now + 301 })).toBe('false');
    expect(asked(message, { now: now - 301 })).toBe('false');
    expect(asked({ headers: {}, body })).toBe('false');
    expect(asked({ headers: { ...headers, 'webhook-signature': 'v1,' }, body })).toBe('false');
  });
});
