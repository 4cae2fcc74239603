import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { SqliteStore } from '../../../store/sqlite/store.ts';
import { busyParts, frameOf } from '../../data/frames.ts';
import { temporaryFolder, until } from '../../parts/process.ts';
import { tidegauge, writeConfig } from '../../parts/tidegauge.ts';

const MAIN = fileURLToPath(new URL('../../../cli/main.ts', import.meta.url));
const ENTER = '\u001b[?1049h';
const LEAVE = '\u001b[?1049l';

describe('tidegauge top', () => {
  const folder = temporaryFolder();
  beforeAll(async () => {
    writeConfig(folder.path, { data: folder.path, host: 'h', store: { sqlite: { file: 't.db' } } });
    const store = new SqliteStore(join(folder.path, 't.db'));
    await store.open();
    await store.writeFrames(Array.from({ length: 20 }, (_, n) => frameOf('h', n, busyParts(3))));
    await store.writeDetections([
      ...[{ host: 'h', service: 'c0001', container: 'c0001', start: frameOf('h', 18).start }].map(row => ({
        ...{ ...row, score: 2.5, scores: { burst: 2.5 }, seen: 40_000, expected: 16_000, open: true },
      })),
    ]);
    await store.close();
  });
  afterAll(folder.remove);

  it('prints its table once where there is no terminal, and says that it is old', async () => {
    const child = tidegauge(['top', '--sort', 'score'], { cwd: folder.path });
    expect(await child.exited).toBe(0);
    const [title, head, ...rows] = child.output.trimEnd().split('\n');
    expect(title).toMatch(/^tidegauge top: h {2}.* {2}! .+ old$/);
    expect(head).toMatch(/^CONTAINER +SENT\/s +RECEIVED\/s +MSG\/s/);
    expect(rows.map(row => row.slice(0, 7))).toEqual(['! c0001', '  c0000', '  c0002']);
    expect(rows[0]).toMatch(/ 2\.50 +40 k +16 k$/);
  });

  it('says what other hosts there are when there is nothing of this one', async () => {
    const child = tidegauge(['top', '--once', '--host', 'elsewhere'], { cwd: folder.path });
    expect(await child.exited).toBe(0);
    expect(child.output).toMatch(/no frames of host elsewhere are stored; .*: h/);
  });

  it('is sorted by keys on a terminal, ends with q, and leaves the terminal as it was', async () => {
    const top = `${process.execPath} --disable-warning=ExperimentalWarning ${MAIN} top`;
    const env = { ...process.env, NO_COLOR: '1', TERM: 'xterm', NODE_OPTIONS: '' };
    // A real terminal: `script` makes one and passes on what it is sent.
    const child = spawn('script', ['-qec', `stty rows 20 cols 60; ${top}; stty -a`, '/dev/null'], {
      cwd: folder.path,
      env,
    });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', text => {
      output += text;
    });
    await until('the table', () => output.includes('r rate (now)') && output.includes('c0002'));
    child.stdin.write('c');
    await until('another order', () => output.includes('c score (now)'));
    child.stdin.write('q');
    await once(child, 'close');
    const [before = '', drawn = '', after = ''] = output.replace(LEAVE, ENTER).split(ENTER);
    expect(before).toBe('');
    expect([output.split(ENTER).length, output.split(LEAVE).length]).toEqual([2, 2]);
    expect(drawn).not.toContain('\u001b[31m');
    expect(drawn).toMatch(/! c0001/);
    expect(after).toMatch(/ icanon /);
    expect(after).toMatch(/ echo /);
  });
});
