import { describe, expect, it } from '@jest/globals';
import { type CommandHere, commandHere } from '../../../cli/commands/explain/command-here.ts';
import { storyLines as linesOf } from '../../../cli/commands/explain/story-lines.ts';
import { UTC } from '../../../core/time-zone.ts';
import type { Around, Brief } from '../../../http/api/resources/story/around.ts';
import type { Peer } from '../../../http/api/resources/story/peers.ts';
import { type Story, storyFromJson, storyJson, toldOf } from '../../../http/api/resources/story/story.ts';
import type { Delivery } from '../../../state/contract.ts';
import { incidentOf, notificationOf, resolved } from '../../data/incidents.ts';

const T0 = Date.UTC(2026, 0, 15, 3, 12, 5);
const incident = incidentOf(T0);
const delivery = (receiver: string, parts: Partial<Delivery> = {}): Delivery => ({
  notification: notificationOf(incident, receiver),
  ...{ status: 'delivered', attempts: 1, nextAttempt: T0 + 2000, lastError: null },
  ...parts,
});
const NONE = { incidents: [], more: 0 };
const QUIET: Around = {
  ...{ ack: null, mark: null, others: NONE, from: T0, earlier: NONE, later: NONE, silences: [] },
};
const storyOf = (...deliveries: readonly Delivery[]): Story => ({
  ...{ incident, why: null, told: deliveries.map(toldOf), untold: [] },
  watched: { looked: { from: T0, to: T0 + 5000 }, blind: [], more: 0, silentSince: null },
  ...{ peers: { unknown: 'nothing is stored of that time' }, around: QUIET, page: '' },
});
const storyLines = (story: Story, call: CommandHere = commandHere({}, {})) =>
  linesOf(story, { now: T0 + 65_000, zone: UTC }, call);
const peerOf = (parts: Partial<Peer> = {}): Peer => ({
  ...{
    container: 'shop',
    protocol: 'tcp',
    role: 'client',
    peerKind: 'container',
    peer: 'db',
    address: '10.0.0.2',
  },
  ...{ ports: [5432], morePorts: 0, isNew: false, sentMessages: 9, sentBytes: 3 * 1024 * 1024 },
  ...{ receivedMessages: 9, receivedBytes: 1024, connections: 2, failures: 0 },
  ...parts,
});
const briefOf = (parts: Partial<Brief> = {}): Brief => ({
  ...{ id: '00000000000000aa', title: 'shop: bytes sent 12 MiB/s', severity: 'warning', state: 'resolved' },
  ...{ start: T0 - 86_400_000, end: T0 - 86_400_000 + 120_000, mark: null },
  ...parts,
});
/** The lines below a heading. */
function below(heading: string, story: Story, call?: CommandHere): string[] {
  const lines = storyLines(story, call);
  const rest = lines.slice(lines.indexOf(heading) + 1);
  const end = rest.indexOf('');
  return end === -1 ? rest : rest.slice(0, end);
}

describe('the story of an incident', () => {
  it('says what was seen, by which rule and in which frames', () => {
    expect(below('What was seen', storyOf())).toEqual([
      '  rule burst: bytes sent 12 MiB/s, expected up to 1.4 MiB/s (score 1.5, frames of 2026-01-15T03:12:05.000Z to 2026-01-15T03:12:05.000Z)',
    ]);
  });

  it('says who was told when, after how many attempts, and with how many others', () => {
    const told = storyOf(
      delivery('chat', { members: ['a', 'b'] }),
      delivery('mail', { attempts: 3, failingSince: T0 }),
      delivery('pager', { within: 'lead' }),
    );
    expect(below('Who was told', told)).toEqual([
      '  chat, that it fires: accepted at 2026-01-15T03:12:07.000Z at the first attempt, in one message with 2 others',
      '  mail, that it fires: accepted at 2026-01-15T03:12:07.000Z at attempt 3',
      '  pager, that it fires: accepted at 2026-01-15T03:12:07.000Z at the first attempt, in the message lead',
    ]);
    expect(below('Who was not, and why', told)).toEqual(['  everybody was told']);
  });

  it('says who was not told, and names the silence with its owner, the other incident, or the route', () => {
    const silenced = 'silenced until 2026-01-31T22:00:00.000Z by anna: deploy (1a2b3c4d)';
    const story = {
      ...storyOf(
        delivery('chat', { status: 'held', attempts: 0, lastError: silenced }),
        delivery('mail', { status: 'pending', attempts: 2, lastError: 'HTTP 503', failingSince: T0 }),
        delivery('ops', { status: 'outdated', lastError: 'the incident is over' }),
        delivery('dead', { status: 'dead', attempts: 9, lastError: 'HTTP 404' }),
      ),
      untold: [{ receiver: 'pager', reason: 'no route of the configuration names it for this incident' }],
    };
    expect(below('Who was told', story)).toEqual(['  nobody so far']);
    expect(below('Who was not, and why', story)).toEqual([
      `  chat, that it fires: held, ${silenced}`,
      '  mail, that it fires: tried 2 times, failing since 2026-01-15T03:12:05.000Z, next at 2026-01-15T03:12:07.000Z: HTTP 503',
      '  ops, that it fires: not sent, the incident is over',
      '  dead, that it fires: given up after 9 attempts: HTTP 404. `tidegauge deliveries replay` tries it again',
      '  pager: no route of the configuration names it for this incident',
    ]);
  });

  it('says why it is only as severe as it is', () => {
    const why = 'score 4.0 is critical, one grade less as it was noticed 2 times in the 7 days before';
    const [, , severity] = storyLines({ ...storyOf(), why });
    expect(severity).toBe(`  warning: ${why}`);
  });

  it('of one that ended says why, and lets no name write to the terminal', () => {
    const ended = { ...resolved(incident), ended: 'gone \u001b[31m', title: 'web\u001b[2J: much' };
    const text = storyLines({ ...storyOf(), incident: ended }).join('\n');
    expect(text).toContain('ended at 2026-01-15T03:13:05.000Z: gone \\x1b[31m');
    expect(text).not.toContain('\u001b');
  });

  it('says of one that fires since when, and when that was seen last; of another when it was over', () => {
    expect(storyLines(storyOf())).toContain(
      '  still firing: since 2026-01-15T03:12:05.000Z (5s), last seen 1m ago, at 2026-01-15T03:12:10.000Z',
    );
    expect(storyLines({ ...storyOf(), incident: resolved(incident) })).toContain(
      '  over: from 2026-01-15T03:12:05.000Z to 2026-01-15T03:12:10.000Z (5s), resolved at 2026-01-15T03:13:05.000Z',
    );
  });

  it('says right below since when it fires what of that nobody saw, and that no frames come', () => {
    const watched = {
      ...{ looked: { from: T0, to: T0 + 90_000 }, blind: [{ from: T0 + 5000, to: T0 + 69_000 }], more: 0 },
      silentSince: T0 + 40_000,
    };
    const story = { ...storyOf(), watched };
    const lines = storyLines(story);
    const at = lines.findIndex(line => line.startsWith('  still firing'));
    expect(lines.slice(at + 1, at + 4)).toEqual([
      '  blind 2026-01-15T03:12:10.000Z for 1m4s: nothing can be said about it',
      '  no frame since 2026-01-15T03:12:45.000Z: the host is not watched, or its frames have not arrived',
      '',
    ]);
    expect(storyFromJson(JSON.parse(JSON.stringify(storyJson(story))))).toEqual(story);
    expect(storyLines({ ...story, watched: { unknown: 'gone \u001b[2J' } })).toContain(
      '  whether it was watched all the time is not known: gone \\x1b[2J',
    );
  });

  it('says whom it talked to, who of them is new, and where nobody answered', () => {
    const peers = {
      ...{ during: { from: T0, to: T0 + 600_000 }, before: { from: T0 - 3_600_000, to: T0 }, more: 2 },
      peers: [
        peerOf({
          failures: 40,
          sentBytes: 0,
          receivedBytes: 0,
          ports: [22, 23, 80, 443],
          morePorts: 36,
          isNew: true,
        }),
        peerOf({ peerKind: 'outside', peer: '', address: '198.51.100.9', ports: [443], isNew: true }),
        peerOf({ role: 'server', peerKind: 'host', peer: '', address: '', ports: [80] }),
      ],
    };
    expect(below('Whom it talked to, 03:12:05Z to 03:22:05Z', { ...storyOf(), peers })).toEqual([
      '  new: called db on tcp 22, 23, 80, 443 and 36 more ports: 40 of 42 connections failed',
      '  new: called 198.51.100.9 (outside) on tcp 443: sent 3 MiB, received 1 KiB, 2 connections',
      '  was called by (host) at its own tcp 80: sent 3 MiB, received 1 KiB, 2 connections',
      '  and 2 more: `tidegauge map` has all',
      '  "new" was not there in the 1h before',
    ]);
  });

  it('calls nobody new of whom, or of whose container, nothing is known from before', () => {
    const during = { from: T0, to: T0 + 5000 };
    const peers = { during, before: null, peers: [peerOf({ isNew: null })], more: 0 };
    const heading = 'Whom it talked to, 03:12:05Z to 03:12:10Z';
    expect(below(heading, { ...storyOf(), peers })).toEqual([
      '  called db on tcp 5432: sent 3 MiB, received 1 KiB, 2 connections',
      '  nothing is stored of the time before: who is new is not known',
    ]);
    const seen = { ...peers, before: { from: T0 - 60_000, to: T0 } };
    expect(below(heading, { ...storyOf(), peers: seen }).at(-1)).toBe(
      '  not all of the 1m before is known: who is new is not known',
    );
  });

  it('says whether it happened before, what else was going on, and who said what of it', () => {
    const around: Around = {
      ack: { by: 'anna', note: 'on it', at: T0 + 60_000 },
      mark: { kind: 'real', by: 'ben', note: '', at: T0 + 90_000 },
      from: T0 - 90_000_000,
      earlier: { incidents: [briefOf({ mark: 'expected' })], more: 3 },
      later: NONE,
      others: { incidents: [briefOf({ title: 'db: gone\u001b[2J' })], more: 0 },
      silences: [
        {
          ...{ id: '1a2b3c4d', kind: 'deploy', about: 'service shop/web', owner: 'ci', reason: 'release 42' },
          ...{ from: T0 - 600_000, until: T0 },
        },
      ],
    };
    const story = { ...storyOf(), around };
    expect(storyLines(story)).toEqual(
      expect.arrayContaining([
        '  acknowledged by anna at 2026-01-15T03:13:05.000Z: on it',
        '  marked real by ben at 2026-01-15T03:13:35.000Z',
      ]),
    );
    const brief = '  00000000000000aa, 2026-01-14T03:12:05Z for 2m, warning, resolved';
    expect(below('Whether it happened before', story)).toEqual([
      '  4 incidents about the same in the 30 days before',
      `${brief}, marked expected: shop: bytes sent 12 MiB/s`,
      '  and 3 more: `tidegauge incidents` has all',
    ]);
    expect(below('What else was going on', story)).toEqual([
      '  deploy 1a2b3c4d of service shop/web, 2026-01-15T03:02:05Z to 2026-01-15T03:12:05Z, by ci: release 42',
      `${brief}: db: gone\\x1b[2J`,
    ]);
    expect(below('Whether it happened before', { ...story, around: { ...around, earlier: NONE } })).toEqual([
      '  no: of all incidents since 2026-01-14T02:12:05Z no other is about the same',
    ]);
    expect(below('Whether it happened before', storyOf())).toEqual([
      '  not known: no incident is stored from before it',
    ]);
  });

  it('names the next command to run, and the page where it is known', () => {
    expect(below('What to do next', { ...storyOf(), page: 'https://tide.example/' })).toEqual([
      `  tidegauge incident ack ${incident.id} --note 'on it'`,
      "  tidegauge silence add --host web-1 --container shop --for 1h --reason 'known'",
      '  tidegauge map --from 2026-01-15T03:02Z --to 2026-01-15T03:22Z --host web-1 --container shop',
      '  tidegauge review --from 2026-01-15T03:02Z --to 2026-01-15T03:22Z --host web-1 --container shop --html incident.html',
      `  tidegauge incident mark ${incident.id} --real`,
      '    (or --expected, or --false-alarm)',
      `  https://tide.example/?incident=${incident.id}`,
    ]);
  });

  it('names commands of the installation that was asked, called as it was called itself', () => {
    const byNpm = { npm_package_name: 'tidegauge', npm_lifecycle_event: 'tidegauge' };
    const call = commandHere({ config: "/etc/it's.yaml", server: 'http://tide:8433' }, byNpm);
    const lines = below('What to do next', storyOf(), call);
    const where = "-c '/etc/it'\\''s.yaml'";
    expect(lines[0]).toBe(
      `  npm run tidegauge -- incident ack ${incident.id} --note 'on it' ${where} --server http://tide:8433`,
    );
    const review = lines.find(line => line.includes(' review '));
    expect(review?.endsWith(` --html incident.html ${where}`)).toBe(true);
  });

  it('leaves a name out of a command that a shell could take for more than a name', () => {
    const hostile = { ...incident, container: '$(reboot)' };
    const lines = below('What to do next', { ...storyOf(), incident: hostile });
    expect(lines.join('\n')).not.toContain('reboot');
    expect(lines.join('\n')).not.toContain('silence add');
  });

  it('offers no silence whose host it cannot name, as it would be one of all hosts, and no page with control characters', () => {
    const hostile = { ...incident, host: 'a b' };
    const page = 'https://tide.example/\u001b[2J';
    const lines = below('What to do next', { ...storyOf(), incident: hostile, page }).join('\n');
    expect(lines).not.toContain('silence add');
    expect(lines).toContain('--container shop');
    expect(lines).toContain('tide.example/\\x1b[2J/?incident=');
  });

  it('is read back from JSON as it was written: a server tells the same', () => {
    const flapping = { times: 7, since: T0, last: T0 + 600_000 };
    const again = { ...incident, reopenedAt: T0 + 90_000, flapping };
    const gone = { ...resolved(incident), ended: 'the container is gone' };
    const story = {
      ...storyOf(
        delivery('chat', { members: ['a', 'b'] }),
        delivery('mail', { status: 'pending', attempts: 2, lastError: 'HTTP 503', failingSince: T0 }),
        delivery('ops', { status: 'grouped', within: 'lead' }),
        delivery('sms', { status: 'pending', attempts: 0, nextAttempt: 0 }),
        { ...delivery('chat'), notification: notificationOf(gone, 'chat') },
      ),
      ...{ incident: again, why: 'score 1.5 is warning' },
      untold: [{ receiver: 'pager', reason: 'no route of the configuration names it for this incident' }],
      peers: {
        ...{ during: { from: T0, to: T0 + 5000 }, before: null, more: 7 },
        peers: [peerOf({ isNew: null }), peerOf({ isNew: true, morePorts: 3 })],
      },
      around: {
        ...{ ...QUIET, earlier: { incidents: [briefOf()], more: 1 } },
        ack: { by: 'anna', note: '', at: T0 },
      },
      page: 'https://tide.example',
    };
    const read = storyFromJson(JSON.parse(JSON.stringify(storyJson(story))));
    expect(storyLines(read)).toEqual(storyLines(story));
    expect(storyLines(read).join('\n')).toMatch(/ {2}goes up and down: 7 times in 10m, from 2026-/);
    expect(storyJson(read)).toEqual(storyJson(story));
    expect(below('Who was told', read)).toContain(
      '  chat, that it ended: accepted at 2026-01-15T03:12:07.000Z at the first attempt',
    );
  });

  it('is JSON with the keys of each message, for other programs', () => {
    expect(storyJson(storyOf(delivery('chat', { members: ['a'] })))).toMatchObject({
      incident: { id: incident.id },
      deliveries: [
        {
          ...{ receiver: 'chat', about: 'firing', occasion: null, status: 'delivered', attempts: 1 },
          ...{ accepted_at: '2026-01-15T03:12:07.000Z', members: ['a'] },
        },
      ],
      not_told: [],
    });
  });
});
