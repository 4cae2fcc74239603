import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { NOTIFIERS } from '../../notify/index.ts';
import { payloadSchema } from '../../notify/payload.ts';
import { messageOf } from '../../notify/shared/message.ts';
import { messageIn, TEMPLATES, templateProblem, wordOptions } from '../../notify/shared/template.ts';
import { webhook } from '../../notify/webhook.ts';
import { incidentOf, notificationOf, resolved } from '../data/incidents.ts';
import { deliver, groupOf, incident, message, never, receiver, testServers } from './fixture.ts';

const { serve } = testServers();
const over = notificationOf(resolved(incident), 'ops');

describe('a template', () => {
  it('names what a message is about', () => {
    const all = Object.keys(TEMPLATES.values).map(name => `${name}={{${name}}}`);
    expect(messageIn({ text: all.join('\n') }, message).summary.split('\n')).toEqual([
      ...['headline=WARNING: shop', 'summary=shop: bytes sent 12 MiB/s, expected up to 1.4 MiB/s'],
      'link=',
      ...['status=firing', 'severity=warning', 'host=web-1', 'service=shop/web', 'container=shop', 'image='],
      ...['since=2023-11-14 22:13:20 UTC', 'lasted=5s', 'score=1.5', `id=${incident.id}`],
      ...['count=1', 'severities=1 warning', 'more='],
    ]);
  });

  it('has conditions and a list', () => {
    const text =
      '{{#firing}}on{{/firing}}{{^firing}}off{{/firing}} {{#image}}!{{/image}}{{#facts}}[{{name}} {{host}}]{{/facts}}';
    expect(messageIn({ text }, message).summary).toBe(
      'on [Where web-1][Since web-1][Seen web-1][Look at web-1]',
    );
    expect(messageIn({ text }, over).summary).toBe('off [Where web-1][Was seen web-1]');
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
    ['{{hostname}}', /only known names in \{\{ \}\}: headline, .*host/],
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
    ['{{#facts}}{{#incidents}}x{{/incidents}}{{/facts}}', /no list inside a list/],
    ['{{title}}', /only known names/],
    ['{{#incidents}}{{text}}{{/incidents}}', /only known names/],
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
        '{{#incidents}}{{title}} {{container}}\n{{/incidents}}',
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
      fc.property(
        written,
        fc.string({ unit: 'binary', maxLength: 500 }),
        fc.boolean(),
        (template, name, several) => {
          fc.pre(templateProblem(template) === null);
          const hostile = (n: number) =>
            notificationOf(incidentOf(n, { host: name, container: name, title: name }), 'ops');
          const told = { ...hostile(0), ...(several ? { others: [hostile(1), hostile(2)] } : {}) };
          const { headline, summary } = messageIn({ title: template, text: template }, told);
          expect(headline.length).toBeGreaterThan(0);
          expect(headline.length).toBeLessThanOrEqual(100);
          expect(summary.length).toBeGreaterThan(0);
          expect(summary.length).toBeLessThanOrEqual(1500);
          expect(summary.split('\n').length).toBeLessThanOrEqual(20);
          expect((headline + summary).replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
          expect((headline + summary).isWellFormed()).toBe(true);
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('a template for several incidents', () => {
  const told = groupOf(12);

  it('names what they have in common, the worst of it, and the ten worst', () => {
    const text =
      '{{count}} on {{host}}{{container}}{{id}}: {{severities}}, since {{since}}, {{lasted}}, {{score}}\n{{#incidents}}{{severity}} {{container}}: {{title}}\n{{/incidents}}{{#more}}and {{more}} more{{/more}}';
    const [first, second, ...rest] = messageIn({ text }, told).summary.split('\n');
    expect(first).toBe('12 on web-1: 1 critical, 11 warning, since 1970-01-01 00:00:00 UTC, 16s, 12.0');
    expect(second).toBe('critical shop-5: shop-5 is busy');
    expect(rest).toEqual([
      ...[11, 10, 9, 8, 7, 6, 4, 3, 2].map(n => `warning shop-${n}: shop-${n} is busy`),
      'and 2 more',
    ]);
  });

  it('says of those that are over which were seen to be well again', () => {
    const [first, second] = [resolved(incidentOf(1)), resolved(incidentOf(2))];
    const ended = { ...second, ended: 'the container is gone' };
    const over = { ...notificationOf(first, 'ops'), others: [notificationOf(ended, 'ops')] };
    const text = '{{status}}:{{#incidents}} {{status}}{{/incidents}}{{#several}}!{{/several}}';
    expect(messageIn({ text }, over).summary).toBe('resolved: resolved ended!');
  });

  it.each([
    '{{count}}',
    '{{severities}}',
    '{{#several}}x{{/several}}',
    '{{#firing}}{{#incidents}}x{{/incidents}}{{/firing}}',
  ])('is one such as %j; in another one they would look as if they were one', template => {
    expect(messageIn({ title: template }, told).headline).not.toBe(messageOf(told).headline);
    const other = '{{! count }}{{severity}} {{host}} {{#facts}}{{text}}{{/facts}} count';
    expect(messageIn({ title: other, text: other }, told)).toEqual(messageOf(told));
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

  it('leave the usual text of a webhook where they are not made for several, and make it where they are', async () => {
    const { url, seen } = await serve(response => response.end());
    for (const text of ['{{container}}', '{{count}} in all'])
      expect(await receiver(url, { text }).deliver(groupOf(3), never)).toEqual({ kind: 'accepted' });
    const [usual, own] = seen.map(({ body }) => payloadSchema.parse(JSON.parse(body)).text);
    expect(usual).toContain('shop-1 is busy');
    expect(own).toBe('3 in all');
  });

  it('are refused where the body has no place for them', () => {
    const parsed = webhook.options.safeParse({ url: 'http://a/', format: 'alertmanager', text: 'x' });
    expect(parsed.error?.issues.map(({ path }) => path.join())).toEqual(['text']);
  });
});
