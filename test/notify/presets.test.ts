import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { z } from 'zod';
import { testMessage } from '../../cli/receiver-checks.ts';
import type { Finding, Incident, Notification } from '../../core/incident/incident.ts';
import { createReceivers, NOTIFIERS } from '../../notify/index.ts';
import { messageOf, plainText } from '../../notify/shared/message.ts';
import { incidentOf, notificationOf, resolved } from '../data/incidents.ts';
import { clock, incident, message, never, testServers } from './fixture.ts';
import {
  discordSchema,
  googleChatSchema,
  mattermostSchema,
  ntfySchema,
  pagerDutySchema,
  slackSchema,
  teamsSchema,
} from './schemas.ts';

const { serve } = testServers();
const PAGE = 'https://tidegauge.example';
const ROUTING_KEY = '0123456789abcdef0123456789abcdef';

interface Preset {
  readonly use: string;
  readonly schema: z.ZodType;
  /** Options besides the address. */
  readonly options?: object;
  /** Fails when a text of the body does anything but be read. */
  readonly isInert: (body: never) => void;
}

/** Text in which `&`, `<` and `>` are entities. */
const expectEscaped = (text: string) => {
  expect(text).not.toMatch(/[<>]/);
  expect(text.replace(/&(amp|lt|gt);/g, '')).not.toContain('&');
};

const PRESETS: readonly Preset[] = [
  {
    use: 'slack',
    schema: slackSchema,
    isInert: ({ text, mrkdwn, blocks }: z.output<typeof slackSchema>) => {
      expectEscaped(text);
      // Of markup there is only the link, at the end.
      expect([mrkdwn, JSON.stringify(blocks.slice(0, -1)).includes('"mrkdwn"')]).toEqual([false, false]);
    },
  },
  {
    use: 'discord',
    schema: discordSchema,
    isInert: ({ allowed_mentions, embeds }: z.output<typeof discordSchema>) => {
      expect(allowed_mentions).toEqual({ parse: [] });
      for (const { title, description, fields } of embeds)
        for (const text of [title, description, ...fields.map(({ value }) => value)])
          expect(text.replace(/\\[!-/:-@[-`{-~]/g, '')).not.toMatch(/[!-/:-@[-`{-~]/);
    },
  },
  {
    use: 'google-chat',
    schema: googleChatSchema,
    isInert: ({ fallbackText, cardsV2 }: z.output<typeof googleChatSchema>) => {
      const [{ card } = { card: null }] = cardsV2;
      expect(fallbackText + card?.header.title).not.toMatch(/[<>]/);
      for (const widget of card?.sections.flatMap(({ widgets }) => widgets) ?? []) {
        if ('decoratedText' in widget) expectEscaped(widget.decoratedText.text);
        if ('textParagraph' in widget) expectEscaped(widget.textParagraph.text);
      }
    },
  },
  {
    use: 'teams',
    schema: teamsSchema,
    isInert: ({ attachments }: z.output<typeof teamsSchema>) => {
      const runs = attachments[0]?.content.body.flatMap(({ inlines }) => inlines) ?? [];
      for (const { text } of runs) expect(text).not.toMatch(/\{\{|\$\{|<\/?at\b/i);
    },
  },
  {
    use: 'mattermost',
    schema: mattermostSchema,
    isInert: ({ text }: z.output<typeof mattermostSchema>) => {
      expect(text.replaceAll('\n\n', '\n')).toMatch(
        /^#### `[^`\n]+`(\n`[^`\n]+`)+(\n- [A-Z][a-z ]+: `[^`\n]+`)*\n\[Open the page\]\(\S+\)$/,
      );
      expect(text).not.toMatch(/[<>@]/);
    },
  },
  { use: 'ntfy', schema: ntfySchema, options: { topic: 'alerts' }, isInert: () => undefined },
  {
    use: 'pagerduty',
    schema: pagerDutySchema,
    options: { integration_token: ROUTING_KEY },
    isInert: () => undefined,
  },
];

/** Names that do something somewhere. */
const HOSTILE = [
  '@channel',
  '@here',
  '@everyone',
  '<!channel>',
  '<!here|x>',
  '<@U012AB3CD>',
  '<users/all>',
  '<at>All</at>',
  '<a href="http://x.example">x</a>',
  '[x](http://x.example)',
  '**bold** _it_ ~~s~~ `code` ```',
  '# heading\n- list\n> quote',
  ':fire: ~town-square',
  '{{DATE(2026-01-01T00:00:00Z)}} $\u007bx} @{body()}',
  '\u202egnp.exe\u2066',
  '\u0000\u0007\u001b[31m\r\n',
  'half \ud800',
  '&lt;!channel&gt;',
  '',
  ' ',
  '\\',
];

const hostile = fc.oneof(
  fc.constantFrom(...HOSTILE),
  fc.string({ unit: 'binary', maxLength: 600 }),
  fc.array(fc.constantFrom(...HOSTILE), { maxLength: 60 }).map(parts => parts.join('')),
);

/** A message in which all that is others' choice is this text. */
function about(text: string, status: Notification['status'], findings: number): Notification {
  const plain = incidentOf(1_700_000_000_000, { host: text, service: text, container: text, title: text });
  const [finding] = plain.findings;
  const many = Array.from({ length: findings }, (): Finding => {
    if (!finding) throw new Error('the incident has no finding');
    return { ...finding, evidence: { ...finding.evidence, text: text.slice(0, 600) } };
  });
  const whole: Incident = { ...plain, findings: many };
  return notificationOf(status === 'resolved' ? resolved(whole) : whole, 'ops');
}

/** All texts of a body, keys left out. */
const textsOf = (body: unknown): string[] => {
  if (typeof body === 'string') return [body];
  return body !== null && typeof body === 'object' ? Object.values(body).flatMap(textsOf) : [];
};

describe.each(PRESETS)('$use', ({ use, schema, options = {}, isInert }) => {
  const receiverAt = (url: string) => {
    const notifier = NOTIFIERS.find(({ name }) => name === use);
    const parsed = notifier?.options.parse({ url, ...options });
    const [receiver] = createReceivers([{ use, name: 'ops', options: parsed }], clock, PAGE);
    if (!receiver) throw new Error(`no ${use}`);
    return receiver;
  };

  it('is sent what its published schema takes, and accepts it', async () => {
    const { url, seen } = await serve(response => response.writeHead(200).end('ok'));
    for (const each of [message, notificationOf(resolved(incident), 'ops')]) {
      const receiver = receiverAt(`${url}/hook`);
      expect(await receiver.deliver(each, never)).toEqual({ kind: 'accepted' });
    }
    expect(seen.map(({ method }) => method)).toEqual(['POST', 'POST']);
    for (const { body, headers } of seen) {
      expect(headers['content-type']).toBe('application/json');
      // Of an end PagerDuty takes nothing but that it is one.
      if (!body.includes('"event_action":"resolve"'))
        expect(textsOf(JSON.parse(body)).join('\n')).toContain(`${PAGE}/?incident=${incident.id}`);
      expect(schema.safeParse(JSON.parse(body)).error).toBeUndefined();
    }
  });

  it('takes nothing in a name for more than a name, within all limits', async () => {
    const { url, seen } = await serve(response => response.writeHead(200).end('ok'));
    const receiver = receiverAt(url);
    await fc.assert(
      fc.asyncProperty(
        hostile,
        fc.constantFrom('firing' as const, 'resolved' as const),
        fc.integer({ min: 0, max: 8 }),
        async (text, status, findings) => {
          await receiver.deliver(about(text, status, findings), never);
          const body: unknown = JSON.parse(seen.pop()?.body ?? '');
          expect(schema.safeParse(body).error).toBeUndefined();
          isInert(body as never);
          for (const each of textsOf(body)) {
            expect(each.isWellFormed()).toBe(true);
            expect(each.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe.each(PRESETS.filter(({ use }) => use !== 'pagerduty'))(
  '$use in words of its own',
  ({ use, schema, options, isInert }) => {
    it('says them, takes nothing in them for more than words, and stays within all limits', async () => {
      const { url, seen } = await serve(response => response.writeHead(200).end('ok'));
      const notifier = NOTIFIERS.find(({ name }) => name === use);
      await fc.assert(
        fc.asyncProperty(hostile, hostile, async (text, literal) => {
          const plain = literal.replaceAll('{', '(').slice(0, 1500);
          const words = {
            title: `{{container}} ${plain.slice(0, 100)}`,
            text: `{{summary}}\n${plain}\n{{host}}`,
          };
          const parsed = notifier?.options.parse({ url, ...options, ...words });
          const [receiver] = createReceivers([{ use, name: 'ops', options: parsed }], clock, PAGE);
          await receiver?.deliver(about(text, 'firing', 2), never);
          const body: unknown = JSON.parse(seen.pop()?.body ?? '');
          expect(schema.safeParse(body).error).toBeUndefined();
          isInert(body as never);
        }),
        { numRuns: 40 },
      );
    });
  },
);

describe('what people read', () => {
  it('says what, where, since when, seen against expected, and what to look at next', () => {
    expect(plainText(messageOf(message)).split('\n')).toEqual([
      'shop: bytes sent 12 MiB/s, expected up to 1.4 MiB/s',
      'Where: container shop, service shop/web, host web-1',
      'Since: 2023-11-14 22:13:20 UTC',
      'Seen: bytes sent 12 MiB/s, expected up to 1.4 MiB/s (rule burst, score 1.5)',
      'Look at: tidegauge map --from 2023-11-14T22:03Z --host web-1 --container shop',
    ]);
    expect(messageOf(message).headline).toBe('WARNING: shop');
    const page = 'http://127.0.0.1:8433';
    const link = `${page}/?incident=${message.incident.id}`;
    expect(
      plainText(messageOf({ ...message, page }))
        .split('\n')
        .at(-1),
    ).toBe(`Page: ${link}`);
  });

  it('links of a test, which nobody has stored, to the list of incidents', () => {
    const page = 'http://127.0.0.1:8433';
    const test = testMessage('ops', 'web-1', 'firing', 1_700_000_000_000);
    expect(messageOf({ ...test, page }).link).toBe(`${page}/?view=incidents`);
  });

  it('says of the end when it was and how long it took', () => {
    const over = messageOf(notificationOf(resolved(incident), 'ops'));
    expect([over.headline, over.summary]).toEqual([
      'RESOLVED: shop',
      'lasted 5s, 2023-11-14 22:13:20 to 22:13:25 UTC',
    ]);
    const long = { ...incident, end: incident.start + 7_200_000 };
    expect(messageOf(notificationOf(resolved(long), 'ops')).summary).toBe(
      'lasted 2h, 2023-11-14 22:13:20 to 2023-11-15 00:13:20 UTC',
    );
  });

  it('puts no name into a command that a shell could take for more', () => {
    for (const name of ['$(reboot)', '`x`', 'a b', '--help', "a'b", 'a;b', '']) {
      const { facts } = messageOf(notificationOf(incidentOf(0, { container: 'c', host: name }), 'ops'));
      expect(facts.at(-1)?.text).toMatch(/^tidegauge map --from \S+ --container c$/);
    }
  });
});
