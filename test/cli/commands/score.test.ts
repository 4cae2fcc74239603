import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { tidegauge } from '../../parts/tidegauge.ts';

const SERIES = join(import.meta.dirname, '../../golden/series');
const APP = join(SERIES, 'app1-02.csv');

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tidegauge-score-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** What `tidegauge score` prints; `input` is its standard input. */
async function score(args: readonly string[], { code = 0, input = '' } = {}): Promise<string> {
  const piped = ['sh', '-c', 'printf %s "$0" | "$@"', input];
  const child = tidegauge(['score', ...args], { cwd: folder, through: piped });
  await child.ended(code);
  return child.output;
}

describe('tidegauge score', () => {
  it('finds what operators found in a series of a real service', async () => {
    const result = JSON.parse(await score([APP, '--json']));
    expect(result).toMatchObject({ rows: 710, cadence_ms: 3_600_000, refused: { count: 0 }, nab: null });
    expect(result.events).toMatchObject({ anomalies: 4, found: 4 });
    expect(result.events.false_alerts).toBeLessThanOrEqual(2);
  });

  it('prints it for people, by windows too', async () => {
    const windows = join(folder, 'windows.json');
    writeFileSync(
      windows,
      '{"any/app1-02.csv": [["2018-07-15 05:00:00.000000", "2018-07-16 05:00:00.000000"]]}',
    );
    const text = await score([APP, '--labels', windows]);
    expect(text).toMatch(/app1-02\.csv: 710 rows, one every 1h, 2018-06-19T00:00:00\.000Z to /);
    expect(text).toMatch(/2018-07-15T07:00:00\.000Z {2}score [\d.]+ {2}611, /);
    expect(text).toMatch(/events: 1 of 1 anomaly found, /);
    expect(text).toMatch(/NAB: standard -?[\d.]+, low false positives -?[\d.]+ \(1 of 1 window, /);
  });

  it('reads standard input, and names what it had to refuse', async () => {
    const text = await score(['-'], { input: '2026-01-01,5\n2026-01-02,many\n' });
    expect(text).toContain('standard input: 1 row, 2026-01-01T00:00:00.000Z');
    expect(text).toContain('1 line refused: line 2 has no number, but "many"');
  });

  it('writes a line for each row, and replaces a file only when told to', async () => {
    const out = join(folder, 'out.csv');
    await score([APP, '--out', out]);
    const lines = readFileSync(out, 'utf8').trimEnd().split('\n');
    expect(lines[0]).toBe('timestamp,value,anomaly_score,alert');
    expect(lines).toHaveLength(711);
    for (const line of lines.slice(1)) {
      const [, , anomaly, alert] = line.split(',').map(Number);
      expect((anomaly ?? 0) >= 1 ? 1 : 0).toBe(alert);
    }
    expect(await score([APP, '--out', out], { code: 2 })).toContain('add --force to replace it');
    await score([APP, '--out', out, '--force']);
  });

  it('says what is wrong and what to do', async () => {
    expect(await score(['absent.csv'], { code: 2 })).toMatch(
      /absent\.csv: .*found no such file\. Give a file that exists/,
    );
    expect(await score(['-'], { code: 2 })).toContain(
      'standard input: it has no rows. Give lines of timestamp,value',
    );
    expect(await score([APP, '--labels', 'absent'], { code: 2 })).toMatch(
      /absent: expected a file of labels/,
    );
    expect(await score([APP, '--out', '/proc/none/x'], { code: 2 })).toContain('--out /proc/none/x');
  });
});
