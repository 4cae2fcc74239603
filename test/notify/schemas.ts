import { z } from 'zod';

/**
 * What the services take, from their published references: shapes and limits, written down independently of the code that
 * makes the bodies. Keys that are not used are left out, so that a misspelt one fails.
 */

/** Text of at most so many UTF-16 units, as JavaScript and most of the services count. */
const text = (limit: number) => z.string().min(1).max(limit);

/** docs.slack.dev/reference/block-kit: header 150, section 3000, context 10 elements, 50 blocks. */
const plainText = (limit: number) =>
  z.strictObject({ type: z.literal('plain_text'), text: text(limit), emoji: z.boolean() });
/** A link of Slack's markup, the only text that is any. */
const slackLink = z.strictObject({
  type: z.literal('mrkdwn'),
  text: z.string().regex(/^<https?:[^<>|\s]+\|[\w ]+>$/),
});
export const slackSchema = z.strictObject({
  text: text(4000),
  mrkdwn: z.boolean(),
  unfurl_links: z.boolean(),
  unfurl_media: z.boolean(),
  blocks: z
    .array(
      z.discriminatedUnion('type', [
        z.strictObject({ type: z.literal('header'), text: plainText(150) }),
        z.strictObject({ type: z.literal('section'), text: plainText(3000) }),
        z.strictObject({
          type: z.literal('context'),
          elements: z
            .array(z.union([plainText(3000), slackLink]))
            .min(1)
            .max(10),
        }),
      ]),
    )
    .min(1)
    .max(50),
});

/** docs.discord.com/developers/resources/message, "Embed Limits": 25 fields, 6000 characters in all embeds. */
export const discordSchema = z
  .strictObject({
    embeds: z
      .array(
        z.strictObject({
          title: text(256),
          description: text(4096),
          color: z.int().min(0).max(0xff_ff_ff),
          timestamp: z.iso.datetime(),
          // With a host without a dot it is refused.
          url: z.exactOptional(z.url({ hostname: /\./ })),
          fields: z
            .array(z.strictObject({ name: text(256), value: text(1024), inline: z.boolean() }))
            .max(25),
        }),
      )
      .min(1)
      .max(10),
    allowed_mentions: z.strictObject({ parse: z.array(z.enum(['roles', 'users', 'everyone'])) }),
  })
  .refine(({ embeds }) => {
    const texts = embeds.flatMap(({ title, description, fields }) => [
      ...[title, description],
      ...fields.flatMap(({ name, value }) => [name, value]),
    ]);
    return texts.join('').length <= 6000;
  }, 'at most 6000 characters');

/** developers.google.com/workspace/chat/api/reference/rest/v1/spaces.messages and …/cards: 32,000 bytes. */
export const googleChatSchema = z
  .strictObject({
    fallbackText: text(4096),
    cardsV2: z
      .array(
        z.strictObject({
          cardId: text(64),
          card: z.strictObject({
            header: z.strictObject({ title: text(200) }),
            sections: z.array(
              z.strictObject({
                widgets: z
                  .array(
                    z.union([
                      z.strictObject({ textParagraph: z.strictObject({ text: text(4096) }) }),
                      z.strictObject({
                        decoratedText: z.strictObject({
                          topLabel: text(100),
                          text: text(4096),
                          wrapText: z.boolean(),
                        }),
                      }),
                      z.strictObject({
                        buttonList: z.strictObject({
                          buttons: z.array(
                            z.strictObject({
                              text: text(100),
                              onClick: z.strictObject({ openLink: z.strictObject({ url: z.url() }) }),
                            }),
                          ),
                        }),
                      }),
                    ]),
                  )
                  .min(1)
                  .max(100),
              }),
            ),
          }),
        }),
      )
      .length(1),
  })
  .refine(body => Buffer.byteLength(JSON.stringify(body)) <= 32_000, 'at most 32,000 bytes');

/** adaptivecards.io/explorer, RichTextBlock and TextRun; messages of a workflow: 28 KB. */
const textRun = z.strictObject({
  type: z.literal('TextRun'),
  text: text(4096),
  size: z.exactOptional(z.enum(['Small', 'Default', 'Medium', 'Large', 'ExtraLarge'])),
  weight: z.exactOptional(z.enum(['Lighter', 'Default', 'Bolder'])),
  color: z.exactOptional(z.enum(['Default', 'Dark', 'Light', 'Accent', 'Good', 'Warning', 'Attention'])),
});
export const teamsSchema = z
  .strictObject({
    type: z.literal('message'),
    attachments: z
      .array(
        z.strictObject({
          contentType: z.literal('application/vnd.microsoft.card.adaptive'),
          contentUrl: z.null(),
          content: z.strictObject({
            $schema: z.literal('http://adaptivecards.io/schemas/adaptive-card.json'),
            type: z.literal('AdaptiveCard'),
            version: z.enum(['1.2', '1.3', '1.4']),
            msteams: z.strictObject({ width: z.literal('Full') }),
            body: z.array(
              z.strictObject({ type: z.literal('RichTextBlock'), inlines: z.array(textRun).min(1) }),
            ),
            actions: z.exactOptional(
              z
                .array(z.strictObject({ type: z.literal('Action.OpenUrl'), title: text(100), url: z.url() }))
                .max(6),
            ),
          }),
        }),
      )
      .length(1),
  })
  .refine(body => Buffer.byteLength(JSON.stringify(body)) <= 28_000, 'at most 28 KB');

/** developers.mattermost.com/integrate/webhooks/incoming; MaxPostSize of the server is 16,383 by default. */
export const mattermostSchema = z.strictObject({ text: text(16_383) });

/** docs.ntfy.sh/publish, "Publish as JSON" and "Limitations": 4096 bytes, of a title 250 characters. */
export const ntfySchema = z.strictObject({
  topic: z.string().regex(/^[-_A-Za-z0-9]{1,64}$/),
  title: text(250),
  message: z
    .string()
    .min(1)
    .refine(message => Buffer.byteLength(message) <= 4096),
  priority: z.int().min(1).max(5),
  tags: z.array(text(64)).max(5),
  click: z.exactOptional(z.url()),
});

/** developer.pagerduty.com/api-reference, "Send an event to PagerDuty": summary 1024, dedup_key 255, 512 KB. */
export const pagerDutySchema = z
  .discriminatedUnion('event_action', [
    z.strictObject({
      event_action: z.literal('trigger'),
      routing_key: z.string().length(32),
      dedup_key: text(255),
      client: text(255),
      client_url: z.exactOptional(z.url()),
      payload: z.strictObject({
        summary: text(1024),
        source: text(255),
        severity: z.enum(['critical', 'error', 'warning', 'info']),
        timestamp: z.iso.datetime(),
        component: z.exactOptional(text(255)),
        group: z.exactOptional(text(255)),
        class: z.exactOptional(text(255)),
        custom_details: z.record(z.string(), z.string()),
      }),
    }),
    z.strictObject({
      event_action: z.enum(['acknowledge', 'resolve']),
      routing_key: z.string().length(32),
      dedup_key: text(255),
    }),
  ])
  .refine(body => Buffer.byteLength(JSON.stringify(body)) <= 512_000, 'at most 512 KB');

/** prometheus.io/docs/alerting/latest/configuration, "webhook_config": what Alertmanager posts, version 4. */
const alertmanagerPairs = z.record(z.string().regex(/^[a-zA-Z_][a-zA-Z0-9_]*$/), z.string());
export const alertmanagerWebhookSchema = z.strictObject({
  version: z.literal('4'),
  groupKey: text(4096),
  truncatedAlerts: z.int().min(0),
  status: z.enum(['firing', 'resolved']),
  receiver: text(255),
  groupLabels: alertmanagerPairs,
  commonLabels: alertmanagerPairs,
  commonAnnotations: alertmanagerPairs,
  externalURL: z.string(),
  alerts: z
    .array(
      z.strictObject({
        status: z.enum(['firing', 'resolved']),
        labels: alertmanagerPairs,
        annotations: alertmanagerPairs,
        startsAt: z.iso.datetime({ offset: true }),
        endsAt: z.iso.datetime({ offset: true }),
        generatorURL: z.string(),
        fingerprint: z.string().regex(/^[0-9a-f]{16}$/),
      }),
    )
    .min(1),
});

/**
 * grafana.com/docs/grafana/latest/developers/http_api/annotations. Grafana itself ignores keys that it does not know. All
 * tags together: pkg/services/annotations/annotationsimpl, `validateTagsLength` and its default of 500.
 */
const grafanaTags = z
  .array(text(100))
  .refine(tags => Buffer.byteLength(JSON.stringify(tags)) <= 500, 'at most 500 bytes of tags');
const grafanaRegion = {
  time: z.int().positive(),
  timeEnd: z.int().positive(),
  text: text(65_535),
  tags: grafanaTags,
};
export const grafanaPostSchema = z.strictObject({
  dashboardUID: z.exactOptional(text(40)),
  panelId: z.exactOptional(z.int().positive()),
  ...grafanaRegion,
});
export const grafanaPatchSchema = z.strictObject(grafanaRegion).partial();
