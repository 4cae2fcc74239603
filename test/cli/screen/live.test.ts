import { Writable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Live, type LiveOptions } from '../../../cli/screen/live.ts';
import { createLog, loggedScreen, PeopleLog } from '../../../cli/screen/log.ts';
import type { Status } from '../../../cli/screen/status.ts';
import { UTC } from '../../../core/time-zone.ts';
import type { Frame } from '../../../core/traffic/frame.ts';
import { busyParts, frameOf } from '../../data/frames.ts';
import { incidentOf, resolved } from '../../data/incidents.ts';
import { ManualClock } from '../../parts/clock.ts';
import { until } from '../../parts/process.ts';

const WELL: Status = { line: '20 containers, 0 others', trouble: false, reasons: [], learning: new Map() };
const AWAY: Status = {
  line: '! away: store (12 frames waiting), queue; 20 containers, 0 others',
  trouble: true,
  reasons: ['store: connection refused', 'queue: timed out'],
  learning: new Map(),
};
const CLEAR = '\u001b[H\u001b[2J';

/** A terminal of 80x24, or a pipe, that keeps what was written. */
class FakeScreen extends Writable {
  readonly isTTY: boolean;
  readonly columns = 80;
  readonly rows = 24;
  text = '';

  constructor(isTTY: boolean) {
    super();
    this.isTTY = isTTY;
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }

  /** What a terminal shows now. */
  get picture(): string[] {
    return (this.text.split(CLEAR).at(-1) ?? '').trimEnd().split('\n');
  }
}

const frame = (n: number): Frame => frameOf('box', n, busyParts(20));

describe('live', () => {
  let stop = new AbortController();
  beforeEach(() => {
    stop = new AbortController();
  });
  afterEach(() => stop.abort());

  function open(isTTY: boolean, options: Partial<LiveOptions> = {}) {
    const screen = new FakeScreen(isTTY);
    const clock = new ManualClock();
    const live = new Live({ screen, clock, zone: UTC, traffic: true, ...options });
    return { screen, clock, live };
  }

  it('on 80x24 an incident leaves eight rows, its numbers and id are whole, the mark is explained', () => {
    const { screen, live } = open(true);
    live.header(['tidegauge on box', 'hook', 'store', 'receivers']);
    const name = 'a-container-with-quite-a-long-name-as-compose-makes-them-1';
    const incident = resolved(incidentOf(1_700_000_000_000, { container: 'c0001', title: `${name}: much` }));
    live.incident(incident);
    live.incident(incidentOf(1_700_000_100_000, { container: 'c0000' }));
    live.frame(frame(0), WELL);
    expect(screen.picture.length).toBeLessThan(24);
    expect(screen.picture.filter(line => /^[! ] c00\d\d /.test(line)).length).toBeGreaterThanOrEqual(8);
    expect(screen.picture.every(line => line.length <= 80)).toBe(true);
    expect(screen.picture).toContain('! open incident');
    expect(screen.picture.join('\n')).toMatch(/id [0-9a-f]{16}$/m);
    expect(screen.picture.join(' ').replace(/\s+/g, ' ')).toMatch(
      /expected up to 1\.4 MiB\/s \(score 1\.5\)/,
    );
  });

  it('shows reasons under the table, and log lines with their number, instead of losing them', () => {
    const { screen, live } = open(true);
    const people = new PeopleLog(screen, UTC);
    people.divert(entry => live.log(entry));
    const log = createLog('info', people);
    live.frame(frame(0), AWAY);
    for (const attempt of [1, 2, 3]) log.warn({ attempt }, 'a receiver does not answer');
    live.frame(frame(1), AWAY);
    expect(screen.picture.join('\n')).toMatch(/^\S+Z {2}! away: store \(12 frames waiting\), queue;/m);
    expect(screen.picture).toEqual(expect.arrayContaining([...AWAY.reasons]));
    expect(screen.picture.join('\n')).toMatch(
      /warning: a receiver does not answer \(attempt=3\) \(3 times\)/,
    );
  });

  it('keeps what was logged before there was a picture', () => {
    const { screen, live } = open(true);
    const people = new PeopleLog(screen, UTC);
    const log = createLog('info', people);
    for (let i = 0; i < 30; i++) log.warn(`setting ${i} has no effect`);
    expect(people.written).toHaveLength(20);
    for (const entry of people.written) live.recall(entry);
    live.frame(frame(0), WELL);
    expect(screen.picture.join('\n')).toMatch(/warning: setting 29 has no effect/);
  });

  it.each([true, false])('says when frames stay away, terminal: %s', async isTTY => {
    const { screen, clock, live } = open(isTTY);
    live.frame(frame(0), WELL);
    void live.watch(5000, stop.signal);
    await until('silence to be told', () => {
      clock.advance(1000);
      return screen.text.includes('! no frame for 1');
    });
    expect(screen.text).toMatch(/! no frame for 1\ds: bpftrace does not answer/);
    const told = () => screen.text.split('no frame for').length;
    const before = told();
    await until('time to pass', () => {
      clock.advance(1000);
      return isTTY ? told() > before : clock.now() > 1_700_000_060_000;
    });
    if (!isTTY) expect(told()).toBe(before);
    live.frame(frame(1), WELL);
    if (isTTY) expect(screen.picture.join('\n')).not.toMatch(/no frame for/);
    else expect(screen.text).toMatch(/frames come again after \d+(s|m\d+s|m): bpftrace answers\n/);
    live.frame(frame(2), WELL);
    expect(screen.text.split('frames come again')).toHaveLength(isTTY ? 1 : 2);
  });

  it('a pipe gets the reasons of trouble once, and the closing line', () => {
    const { screen, live } = open(false);
    live.frame(frame(0), AWAY);
    live.frame(frame(1), AWAY);
    live.end('stopped: last interval stored');
    expect(screen.text.split('store: connection refused')).toHaveLength(2);
    expect(screen.text.split('! away: store')).toHaveLength(3);
    expect(screen.text.endsWith('\nstopped: last interval stored\n')).toBe(true);
  });

  it('says in words what a frame lacks, and how much where that is known', () => {
    const { screen, live } = open(false);
    const { screen: terminal, live: picture } = open(true);
    const faulty: Frame = { ...frame(0), faults: ['attach', 'lost-events'], lost: 7 };
    live.frame(faulty, WELL);
    live.frame({ ...frame(1), faults: ['detach'] }, WELL);
    picture.frame(faulty, WELL);
    const words =
      'capture began in this interval (attach), bpftrace lost events (lost-events), 7 events lost';
    expect(screen.text).toContain(`incomplete: ${words}\n`);
    expect(screen.text).toMatch(/incomplete: capture ended in this interval \(detach\)\n/);
    expect(terminal.picture.join(' ').replace(/\s+/g, ' ')).toContain(`INCOMPLETE: ${words}`);
  });

  it('a terminal without traffic shows incidents at once', () => {
    const { screen, live } = open(true, { traffic: false });
    live.incident(incidentOf(1_700_000_000_000));
    expect(screen.text).toMatch(/^WARNING shop/);
  });

  it('a stream has every incident twice, however many grow at once: when it opens and when it ends', () => {
    const { screen, live } = open(false);
    const incidents = Array.from({ length: 20 }, (_, n) =>
      incidentOf(1_700_000_000_000, { id: `incident-${n}`, container: `c${n}` }),
    );
    for (let frames = 0; frames < 3; frames++) for (const incident of incidents) live.incident(incident);
    expect(screen.text.match(/^WARNING/gm)).toHaveLength(incidents.length);
    screen.text = '';
    for (const incident of incidents) live.incident(resolved(incident));
    expect(screen.text.match(/incident-\d+/g)).toHaveLength(incidents.length);
    expect(screen.text.match(/^RESOLVED: WARNING/gm)).toHaveLength(incidents.length);
  });

  it('a stream has an incident once more when it becomes worse', () => {
    const { screen, live } = open(false);
    const warning = incidentOf(1_700_000_000_000);
    const escalation = { from: 'warning', at: warning.start + 600_000 } as const;
    live.incident(warning);
    live.incident({ ...warning, severity: 'critical', escalation });
    live.incident({ ...warning, severity: 'critical', escalation });
    expect(screen.text.match(/^[A-Z]+ shop/gm)).toEqual(['WARNING shop', 'CRITICAL shop']);
    expect(screen.text).toContain(
      'firing, seen for 5s until 2023-11-14T22:13:25.000Z, warning until 2023-11-14T22:23:20.000Z, id ',
    );
  });

  it('with a JSON log every line is an entry of it', () => {
    const screen = new FakeScreen(false);
    const live = new Live({
      ...{ screen: loggedScreen(createLog('info', screen)), clock: new ManualClock(), zone: UTC },
      traffic: true,
    });
    live.header(['tidegauge on box', 'store: SQLite']);
    live.frame(frame(1), AWAY);
    const entries = screen.text
      .trim()
      .split('\n')
      .map(line => JSON.parse(line) as Record<string, unknown>);
    expect(entries.slice(0, 3).map(({ msg }) => msg)).toEqual([
      'tidegauge on box',
      'store: SQLite',
      expect.stringContaining(' c0000 sent '),
    ]);
    expect(entries.filter(({ level, time }) => level !== 30 || typeof time !== 'string')).toEqual([]);
  });

  it('shows only whose traffic it is to show', () => {
    const { screen, live } = open(false, { shows: name => name === 'c0003' });
    live.frame(frame(0), WELL);
    expect(screen.text.trim().split('\n')).toEqual([expect.stringContaining(' c0003 sent ')]);
  });
});
