import { describe, expect, it } from '@jest/globals';
import { storyLines } from '../../../cli/commands/explain.ts';
import { UTC } from '../../../core/time-zone.ts';
import { type Story, storyFromJson, storyJson, toldOf } from '../../../http/api/resources/story.ts';
import type { Delivery } from '../../../state/contract.ts';
import { incidentOf, notificationOf, resolved } from '../../data/incidents.ts';

const T0 = Date.UTC(2026, 0, 15, 3, 12, 5);
const incident = incidentOf(T0);
const delivery = (receiver: string, parts: Partial<Delivery> = {}): Delivery => ({
  notification: notificationOf(incident, receiver),
  ...{ status: 'delivered', attempts: 1, nextAttempt: T0 + 2000, lastError: null },
  ...parts,
});
const storyOf = (...deliveries: readonly Delivery[]): Story => ({
  incident,
  why: null,
  told: deliveries.map(toldOf),
  untold: [],
});
/** The lines below a heading. */
function below(heading: string, story: Story): string[] {
  const lines = storyLines(story, UTC);
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
    const [, , severity] = storyLines({ ...storyOf(), why }, UTC);
    expect(severity).toBe(`  warning: ${why}`);
  });

  it('of one that ended says why, and lets no name write to the terminal', () => {
    const ended = { ...resolved(incident), ended: 'gone \u001b[31m', title: 'web\u001b[2J: much' };
    const text = storyLines({ incident: ended, why: null, told: [], untold: [] }, UTC).join('\n');
    expect(text).toContain('ended at 2026-01-15T03:13:05.000Z: gone \\x1b[31m');
    expect(text).not.toContain('\u001b');
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
    };
    const read = storyFromJson(JSON.parse(JSON.stringify(storyJson(story))));
    expect(storyLines(read, UTC)).toEqual(storyLines(story, UTC));
    expect(storyLines(read, UTC).join('\n')).toMatch(/ {2}goes up and down: 7 times in 10m, from 2026-/);
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
