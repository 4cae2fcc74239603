import { z } from 'zod';
import { takenAgain, WHATEVER_ELSE } from './across.ts';
import { PAGE_ADDRESS, SERVER_ADDRESS } from './address.ts';
import { address, duration, identifier, listen } from './options.ts';

/** Characters of a token: fewer could be guessed. */
const MIN_TOKEN = 16;
const MAX_TOKEN = 500;
const HIDDEN = { found: 'a value that is not shown' };

/** The group `http` of the configuration. */
export const http = z
  .strictObject({
    listen: listen()
      .prefault('auto')
      .describe(
        'Address and port of /metrics, /healthz, /readyz and, of `run` and `serve`, the API; or `off`. `auto`: 127.0.0.1, port 8433 for run and serve, 8434 for collect, 8435 for detect; when that port is in use, there is no listener.',
      ),
    external_url: address(PAGE_ADDRESS, { optional: true })
      .default('')
      .describe(
        'Address at which people reach the page of `run` or `serve`, without a path, such as https://tidegauge.example: messages link to it. Empty: those of `run` link to its own address, as long as that is of this machine alone; those of `detect` have no links.',
      ),
    containers: z
      .int()
      .min(0)
      .max(1000)
      .default(0)
      .describe(
        'Of so many containers /metrics has traffic and sizes by name, 32 series each; all others are `other`. 0: of none.',
      ),
    tokens: z
      .array(
        z.strictObject({
          name: identifier(),
          scope: z.enum(['read', 'write']).default('read'),
          token: z
            .string()
            .min(MIN_TOKEN)
            .max(MAX_TOKEN)
            .regex(/^[!-~]+$/, 'printable characters without blanks'),
        }),
      )
      .max(100)
      .superRefine((tokens, context) => {
        for (const key of ['name', 'token'] as const) {
          const [twice] = takenAgain(tokens, key);
          const message = `a ${key} that is not used twice`;
          if (twice !== undefined)
            context.addIssue({ code: 'custom', path: [twice, key], message, params: HIDDEN });
        }
      }, WHATEVER_ELSE)
      .default([])
      .describe('Who may use the API, and for what.'),
  })
  .describe('The one HTTP listener of each process.');

/** The group `server` of the configuration. */
export const server = z
  .strictObject({
    url: address(SERVER_ADDRESS, { optional: true })
      .default('')
      .describe(
        'Address of a `tidegauge serve` or `run` that commands ask instead of store and state, such as http://127.0.0.1:8433; empty: they read these themselves. The flag is `--server`.',
      ),
    token: z.string().default('').describe('Its token, where it asks for one.'),
    timeout: duration({ min: '100ms', max: '10m' }).prefault('40s').describe('Longest wait for one answer.'),
  })
  .describe('Another process that answers for store and state.');
