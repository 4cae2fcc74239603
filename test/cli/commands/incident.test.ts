import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { kindOf, noteOf } from '../../../cli/commands/incident/incident.ts';
import { limitLines } from '../../../cli/mark-text.ts';
import { systemClock } from '../../../core/clock.ts';
import { incidentJson } from '../../../core/incident/incident-json.ts';
import { encodeFrame } from '../../../core/traffic/frame.ts';
import type { Lease } from '../../../state/contract.ts';
import { createSqliteState } from '../../../state/sqlite/state.ts';
import { incidentOf, resolved } from '../../data/incidents.ts';
import { markOf, newMarkOf } from '../../data/marks.ts';
import { temporaryFolder } from '../../parts/process.ts';
import { tidegauge, writeConfig } from '../../parts/tidegauge.ts';
import { incidentsOf, limitFold, STORY } from '../../worker/fixture.ts';

const NOTE = 'it\'s\n"odd" \u001b[31m ü💥 {x}; DROP TABLE marks';

/** As a user types it, on a state that another process has made. */
describe('incident', () => {
  const folder = temporaryFolder();
  const data = join(folder.path, 'data');
  const now = systemClock.now();
  const incident = resolved(incidentOf(now - 600_000));
  const other = resolved(incidentOf(now - 300_000, { container: 'cart' }));
  const story = incidentsOf(limitFold(1_000_000), STORY);
  const state = createSqliteState({ file: join(data, 'state.db'), clock: systemClock });

  beforeAll(async () => {
    writeConfig(folder.path, {
      data,
      detectors: [{ use: 'threshold', name: 'limit', direction: 'send', above: '1MB/s', for: '0s' }],
      alert: { resolve_after: '10s', reopen_within: '0s' },
    });
    await state.open();
    const lease = (await state.acquire('lane-0', 'test', 600_000)) as Lease;
    await state.commit(lease, { incidents: [incident, other, ...story], notifications: [] });
  });
  afterAll(async () => {
    await state.close();
    folder.remove();
  });

  async function type(...args: string[]): Promise<{ code: number | null; output: string }> {
    const child = tidegauge(args, { cwd: folder.path, env: { SUDO_USER: 'anna' } });
    return { code: await child.exited, output: child.output };
  }

  it('mark says which limits move and how far, and is kept with who, when and why', async () => {
    const { code, output } = await type('incident', 'mark', incident.id, '--false-alarm', '--note', NOTE);
    expect([code, output.split('\n')]).toEqual([
      0,
      [
        `marked a false alarm: ${incident.title}`,
        '  burst (bytes sent) of host web-1: 1.7 times as tolerant as calibrated',
        'This counts from the next frame on. Take it back with --undo.',
        '',
      ],
    ]);
    const [mark] = await state.marks('web-1');
    expect(mark).toMatchObject({ incident: incident.id, kind: 'false-alarm', by: 'anna', note: NOTE });
    expect(mark?.at).toBeGreaterThanOrEqual(now);
    expect(mark?.spoke).toMatchObject([{ rule: 'burst', service: null, score: 1.5 }]);
  });

  it('incidents show what was said of each, and those of which nothing was', async () => {
    const shown = (await type('incidents')).output;
    expect(shown).toMatch(/^ {2}marked a false alarm 20.*Z by anna: it's\\x0a"odd" \\x1b\[31m ü💥/m);
    expect(shown).not.toContain('\u001b');
    const [first, second] = JSON.parse((await type('incidents', '--json')).output);
    const { mark, ...plain } = first;
    expect(mark).toMatchObject({ kind: 'false-alarm', by: 'anna', note: NOTE, from: null });
    expect([plain, second]).toEqual([incidentJson(incident), incidentJson(other)]);
    const unmarked = JSON.parse((await type('incidents', '--json', '--unmarked')).output);
    expect(unmarked).toEqual([incidentJson(other)]);
  });

  it('quality counts by rule what was marked, with its interval', async () => {
    const { output } = await type('quality');
    expect(output.split('\n')).toEqual([
      'rule   incidents  real  expected  false alarm  unmarked  right (95 % interval)',
      'burst          2     0         0            1         1  0 % (0 to 79, 0 of 1)',
      'all            2     0         0            1         1  0 % (0 to 79, 0 of 1)',
      '',
    ]);
    const [burst] = JSON.parse((await type('quality', '--container', 'cart', '--json')).output);
    expect(burst).toEqual({
      ...{ rule: 'burst', incidents: 1, real: 0, expected: 0, false_alarm: 0, unmarked: 1 },
      ...{ right: null, right_low: null, right_high: null },
    });
  });

  it('mark --undo takes it back; the log of marks keeps both', async () => {
    const { output } = await type('incident', 'mark', incident.id, '--undo');
    expect(output).toContain('mark taken back: ');
    expect(output).toContain('burst (bytes sent) of host web-1: as calibrated');
    const { output: listed } = await type('incident', 'marks');
    expect(listed.split('\n')).toEqual([
      expect.stringMatching(`^${incident.id}: marked a false alarm 20.* by anna: it's`),
      expect.stringMatching(`^${incident.id}: mark taken back 20.* by anna$`),
      '',
    ]);
    const json = JSON.parse((await type('incident', 'marks', '--json')).output);
    expect(json.map(({ kind }: { kind: string }) => kind)).toEqual(['false-alarm', 'none']);
  });

  it.each([[`\u001b[31m${'x'.repeat(5000)}`], ['']])(
    'mark of an id that there is not is refused, and nothing is kept (%#)',
    async id => {
      const before = await state.marks(null);
      const { code, output } = await type('incident', 'mark', id, '--real');
      expect(code).toBe(2);
      expect(output).toMatch(/incident mark: expected the id of an incident of the last 30 days, found /);
      expect(output).toContain('`tidegauge incidents --from 30d` shows them.');
      expect(output).not.toContain('\u001b');
      expect(output.length).toBeLessThan(300);
      expect(await state.marks(null)).toEqual(before);
    },
  );

  it('mark wants to be told exactly one thing, and no novel', () => {
    const wrong = /expected one of --false-alarm, --expected, --real and --undo/;
    expect(() => kindOf({})).toThrow(wrong);
    expect(() => kindOf({ real: true, undo: true })).toThrow(wrong);
    expect(kindOf({ expected: true })).toBe('expected');
    expect(noteOf({})).toBe('');
    expect(noteOf({ note: 'x'.repeat(500) })).toHaveLength(500);
    expect(() => noteOf({ note: 'x'.repeat(501) })).toThrow(/--note: expected a text of at most 500/);
  });

  it('says when the same again alarms all the same, and that lost messages have no limit', () => {
    const spoke = { rule: 'limit', service: 'shop', direction: 'send', metric: 'bytes', view: null } as const;
    const of = (kind: 'false-alarm' | 'expected' | 'real', score: number, seq: number) =>
      markOf(incidentOf(now + seq), seq, { kind, at: now, spoke: [{ ...spoke, score }] });
    const large = of('false-alarm', 9, 1);
    expect(limitLines(large, [large])).toEqual([
      'limit (bytes sent) of service shop: 3 times as tolerant as calibrated; the same again still alarms: false alarms make nothing more tolerant than that. Mark it expected if it may come again',
    ]);
    const huge = of('expected', 100, 1);
    expect(limitLines(huge, [huge])).toEqual([
      'limit (bytes sent) of service shop: 50 times as tolerant as calibrated; the same again still alarms: marks make nothing more tolerant than that',
    ]);
    const small = of('false-alarm', 2, 3);
    expect(limitLines(small, [of('real', 1.5, 2), small])).toEqual([
      'limit (bytes sent) of service shop: 1.4 times as tolerant as calibrated; the same again still alarms, as something less unusual was marked real there',
    ]);
    const lost = { ...spoke, rule: 'capture', service: null, direction: null, metric: null, score: 1 };
    const capture = markOf(incidentOf(now), 1, { spoke: [lost] });
    expect(limitLines(capture, [capture])).toEqual(['capture of host web-1: marks change nothing there']);
  });

  it('replay --marks judges by marks from the time on from which they count', async () => {
    const [first, second] = story;
    if (!first || !second) throw new Error('the story has two incidents');
    const frames = join(folder.path, 'frames.ndjson');
    writeFileSync(frames, STORY.map(frame => `${encodeFrame(frame)}\n`).join(''));
    await state.saveMark(newMarkOf(first, { at: first.resolvedAt ?? 0 }));
    const file = join(folder.path, 'marks.json');
    writeFileSync(file, (await type('incident', 'marks', '--json')).output);
    const ids = async (...args: string[]) =>
      JSON.parse((await type('replay', '--frames', frames, '--json', ...args)).output).map(
        ({ id }: { id: string }) => id,
      );
    expect(await ids()).toEqual([first.id, second.id]);
    expect(await ids('--marks', file)).toEqual([first.id]);
    writeFileSync(file, '[{"odd": "\u001b"}]');
    const { code, output } = await type('replay', '--frames', frames, '--marks', file);
    expect([code, output]).toEqual([
      2,
      expect.stringMatching(/--marks .*: no marks can be read there: .*incident marks --json/s),
    ]);
  });

  it('where nothing was ever kept there is nothing to mark and nothing to count', async () => {
    writeConfig(folder.path, { data: join(folder.path, 'none') }, 'none.yaml');
    const none = ['-c', 'none.yaml'];
    expect(await type('incident', 'mark', 'x', '--real', ...none)).toMatchObject({ code: 1 });
    expect((await type('quality', ...none)).output).toMatch(/No incidents\.\n$/);
  });
});
