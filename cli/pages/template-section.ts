import { stringify } from 'yaml';
import { exampleMessage, TEMPLATES } from '../../app/wire.ts';
import { EXAMPLE, EXAMPLE_GROUP } from './example-message.ts';
import { table } from './markdown.ts';

/** Examples of this section; a test reads them. */
export const TEMPLATES_EXAMPLE = {
  ...{ use: 'slack', name: 'chat', url: 'https://hooks.slack.example/services/T0/B0/TOKEN' },
  title: '{{severity}}{{^firing}} over{{/firing}}: {{service}} on {{host}}',
  text: '{{summary}}\n{{#critical}}Runbook: https://wiki.example/network\n{{/critical}}{{#facts}}\n* {{name}}: {{text}}\n{{/facts}}\n',
};

/** One text for a message about one incident, and for several. */
const SEVERAL_EXAMPLE = {
  ...{ use: 'ntfy', name: 'phone', url: 'https://ntfy.example', topic: 'network' },
  text: '{{#several}}{{count}} incidents on {{host}}, {{severities}}:\n{{/several}}{{#incidents}}\n* {{title}}, for {{lasted}}\n{{/incidents}}\n{{#more}}and {{more}} more{{/more}}\n',
};

/** What receivers may be told to say instead of the usual words. */
export function templateSection(): string {
  const { title, text } = TEMPLATES_EXAMPLE;
  const { headline, summary } = exampleMessage({ title, text }, EXAMPLE);
  const rows = (what: Readonly<Record<string, string>>) =>
    Object.entries(what).map(([name, meaning]) => [`\`${name}\``, meaning]);
  return `### Templates

\`title\` and \`text\` of receivers for chats and mail, and \`text\` of \`webhook\`, are templates in the language of
[Mustache](https://mustache.github.io/mustache.5.html), without its partials, delimiters and unescaped values: names, conditions and lists,
no code. \`check\` and every start refuse a name that is not known. Whatever comes out is text: each kind of receiver
escapes all of it, so that no name in it formats, links or mentions anybody. A template of which nothing comes is as none.

A message about several incidents is told by templates that are made for it: those that name \`count\`, \`severities\`, \`more\`,
\`several\` or \`incidents\`. Any other would tell them as if they were one; they are told in the usual words then.

\`\`\`yaml
${stringify({ receivers: [TEMPLATES_EXAMPLE] })}\`\`\`

says, for example:

\`\`\`text
${headline}
${summary}
\`\`\`

And this one, of several:

\`\`\`yaml
${stringify({ receivers: [SEVERAL_EXAMPLE] })}\`\`\`

\`\`\`text
${exampleMessage(SEVERAL_EXAMPLE, EXAMPLE_GROUP).summary}
\`\`\`

Names, for \`{{host}}\`, and as conditions that hold where there is something, \`{{#service}} … {{/service}}\`. Of several
incidents \`host\`, \`service\`, \`container\`, \`image\` and \`id\` are what they have in common, else empty; \`severity\` and
\`score\` are the highest; \`since\` and \`lasted\` go from the first of them to the last:

${table([['name', 'what it is'], ...rows(TEMPLATES.values)])}
Conditions, for \`{{#firing}} … {{/firing}}\`, or \`{{^firing}} … {{/firing}}\` where it does not hold:

${table([['name', 'holds when'], ...rows(TEMPLATES.conditions)])}
Lists: \`{{#facts}} … {{/facts}}\` is what a message has below its summary. Inside:

${table([['name', 'what it is'], ...rows(TEMPLATES.lists.facts)])}
\`{{#incidents}} … {{/incidents}}\` is the ten worst incidents that a message tells, or the one. Inside, of each:

${table([['name', 'what it is'], ...rows(TEMPLATES.lists.incidents)])}`;
}
