import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { NOTIFIERS } from '../../notify/index.ts';
import { payloadSchema } from '../../notify/payload.ts';
import { messageOf } from '../../notify/shared/message.ts';
import { messageIn, TEMPLATES, templateProblem, wordOptions } from '../../notify/shared/template.ts';
import { webhook } from '../../notify/webhook.ts';
import { incidentOf, notificationOf, resolved } from '../data/incidents.ts';
import { deliver, incident, message, never, receiver, testServers } from './fixture.ts';

const { serve } = testServers();
const over = notificationOf(resolved(incident), 'ops');

describe('a template', () => {
  it('names what a message is about', () => {
    const all = Object.keys(TEMPLATES.values).map(name => `${name}={{${name}}}`);
    expect(messageIn({ text: all.join('\n') }, message).summary.split('\n')).toEqual([
      ...['status=firing', 'severity=warning', 'headline=WARNING: shop'],
      ...['summary=shop: bytes sent 12 MiB/s, expected up to 1.4 MiB/s'],
      ...['host=web-1', 'service=shop/web', 'container=shop', 'image='],
      ...['since=2023-11-14 22:13:20 UTC', 'lasted=5s', 'score=1.5', `id=${incident.id}`],
    ]);
  });

  it('has conditions and a list', () => {
    const text =
      '{{#firing}}on{{/firing}}{{^firing}}off{{/firing}} {{#image}}!{{/image}}{{#facts}}[{{name}} {{host}}]{{/facts}}';
    expect(messageIn({ text }, message).summary).toBe(
      'on [Where web-1][Since web-1][Seen web-1][Look at web-1]',
    );
    expect(messageIn({ text }, over).summary).toBe('off [Where web-1][When web-1][Was seen web-1]');
  });

  it('replaces title, text or both, and nothing when nothing comes of it', () => {
    const usual = messageOf(message);
    expect(messageIn({}, message)).toEqual(usual);
    expect(messageIn({ title: ' {{host}}\n{{container}} ' }, message)).toEqual({
      ...usual,
      headline: 'web-1 shop',
    });
    expect(messageIn({ text: 'look' }, message)).toEqual({ ...usual, summary: 'look', facts: [] });
    expect(messageIn({ title: '{{image}}', text: ' \n {{^firing}}over{{/firing}}' }, message)).toEqual(usual);
  });

  it.each([
    ['{{hostname}}', /only known names in \{\{ \}\}: status, .*host/],
    ['{{firing}}', /only known names/],
    ['{{#firing}}{{secret}}{{/firing}}', /only known names/],
    ['{{name}}', /only known names/],
    ['{{constructor}}', /only known names/],
    ['{{host.length}}', /only known names/],
    ['{{.}}', /only known names/],
    ['{{#toString}}x{{/toString}}', /only known names/],
    ['{{{host}}}', /only \{\{name\}\}/],
    ['{{&host}}', /only \{\{name\}\}/],
    ['{{> /etc/passwd}}', /only \{\{name\}\}/],
    ['{{=<% %>=}}<% host %>', /only \{\{name\}\}/],
    ['{{#facts}}{{#facts}}x{{/facts}}{{/facts}}', /no list inside a list/],
    ['{{#firing}}', /Unclosed section "firing"/],
    ['{{host', /Unclosed tag/],
    ['x'.repeat(2001), /at most 2000/i],
  ])('is refused when it is %j', (template, problem) => {
    const parsed = wordOptions.text.safeParse(template);
    expect(
      parsed.error?.issues
        .map(issue => `${issue.message}, ${'maximum' in issue ? `at most ${issue.maximum}` : ''}`)
        .join(),
    ).toMatch(problem);
  });

  it('that is accepted can always be filled in, within all limits and as lines of text', () => {
    const part = fc.oneof(
      fc.constantFrom(
        '{{host}}',
        '{{summary}}',
        '\n',
        '{{#facts}}{{text}}\n{{/facts}}',
        '{{#critical}}x{{/critical}}',
      ),
      fc.constantFrom(
        '{{^image}}',
        '{{/image}}',
        '{{#host}}',
        '{{/host}}',
        '{{lasted}}',
        '{{ length }}',
        '{{!',
        '}}',
      ),
      fc.string({ unit: 'binary', maxLength: 20 }),
    );
    const written = fc.array(part, { maxLength: 60 }).map(parts => parts.join(''));
    fc.assert(
      fc.property(written, fc.string({ unit: 'binary', maxLength: 500 }), (template, name) => {
        fc.pre(templateProblem(template) === null);
        const hostile = notificationOf(incidentOf(0, { host: name, container: name, title: name }), 'ops');
        const { headline, summary } = messageIn({ title: template, text: template }, hostile);
        expect(headline.length).toBeGreaterThan(0);
        expect(headline.length).toBeLessThanOrEqual(100);
        expect(summary.length).toBeGreaterThan(0);
        expect(summary.length).toBeLessThanOrEqual(1500);
        expect(summary.split('\n').length).toBeLessThanOrEqual(20);
        expect((headline + summary).replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
        expect((headline + summary).isWellFormed()).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});

describe('templates of receivers', () => {
  it('are options of chats and mail', () => {
    const having = NOTIFIERS.filter(({ options }) => Object.hasOwn(Reflect.get(options, 'shape'), 'title'));
    expect(having.map(({ name }) => name)).toEqual([
      ...['slack', 'teams', 'discord', 'google-chat', 'mattermost', 'ntfy', 'email'],
    ]);
  });

  it('make the text of a webhook, safe for chats as the usual one', async () => {
    const { url, seen } = await serve(response => response.end());
    const hostile = notificationOf(incidentOf(1, { container: '<!channel> @here' }), 'ops');
    const words = { text: 'Look at {{container}}\non {{host}} & think' };
    expect(await receiver(url, words).deliver(hostile, never)).toEqual({ kind: 'accepted' });
    const { text } = payloadSchema.parse(JSON.parse(seen[0]?.body ?? ''));
    expect(text).toBe('Look at &lt;!channel&gt; \uff20here on web-1 &amp; think');
    expect(await deliver(url)).toEqual({ kind: 'accepted' });
  });

  it('are refused where the body has no place for them', () => {
    const parsed = webhook.options.safeParse({ url: 'http://a/', format: 'alertmanager', text: 'x' });
    expect(parsed.error?.issues.map(({ path }) => path.join())).toEqual(['text']);
  });
});
