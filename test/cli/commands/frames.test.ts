import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { makeStore } from '../../../app/wire.ts';
import { load } from '../../../cli/context.ts';
import { decodeFrame, encodeFrame, type Frame } from '../../../core/traffic/frame.ts';
import { recordingLog } from '../../parts/log.ts';
import { temporaryFolder } from '../../parts/process.ts';
import { tidegauge, writeConfig } from '../../parts/tidegauge.ts';
import { STORY, webFrame } from '../../worker/fixture.ts';

const OTHER: readonly Frame[] = STORY.map((_, n) => webFrame(n, n === 12 ? 9_000_000 : 1000, 'den'));

describe('frames as text', () => {
  const folder = temporaryFolder();
  const file = join(folder.path, 'frames.ndjson');
  const text = (frames: readonly Frame[]) => frames.map(frame => `${encodeFrame(frame)}\n`).join('');

  beforeAll(async () => {
    writeConfig(folder.path, {
      data: folder.path,
      detectors: [{ use: 'threshold', name: 'limit', direction: 'send', above: '1MB/s', for: '0s' }],
      alert: { resolve_after: '10s', reopen_within: '0s' },
    });
    const { config } = load({ config: `${folder.path}/tidegauge.yaml` });
    const store = makeStore(config, recordingLog().log);
    await store.open();
    await store.writeFrames(STORY);
    await store.writeFrames(OTHER);
    await store.close();
  });
  afterAll(() => folder.remove());

  async function type(...args: string[]) {
    const child = tidegauge(args, { cwd: folder.path });
    const code = await child.exited;
    return { code, output: child.output };
  }
  const RANGE = ['--from', new Date((STORY[0]?.start ?? 0) - 1).toISOString()];
  const starts = (json: string) => {
    const from = json.indexOf('[\n');
    const incidents = JSON.parse(json.slice(from, json.lastIndexOf(']') + 1)) as {
      host: string;
      start: string;
    }[];
    return incidents.map(({ host, start }) => `${host} ${start}`);
  };
  const at = (frames: readonly Frame[], n: number) =>
    `${frames[n]?.host} ${new Date(frames[n]?.start ?? 0).toISOString()}`;

  it('are written from the store as they were stored, to a new file only', async () => {
    expect((await type('review', ...RANGE, '--export-frames', file)).code).toBe(0);
    expect(readFileSync(file, 'utf8')).toBe(text([...STORY, ...OTHER]));
    const again = await type('review', ...RANGE, '--export-frames', file);
    expect(again.code).toBe(2);
    expect(again.output).toContain('Name a file that does not exist yet');
  });

  it.each([
    ['that nobody reads any more ends it quietly', '"$@" | :', 0, ''],
    ['on a full disk is one line', '"$@" >/dev/full', 1, 'tidegauge: the output is incomplete: ENOSPC'],
  ])('on a standard output %s', async (_, line, code, said) => {
    const through = ['bash', '-c', `set -o pipefail; ${line}`, 'bash'];
    const child = tidegauge(['review', ...RANGE, '--export-frames', '-'], { cwd: folder.path, through });
    expect(await child.exited).toBe(code);
    expect(child.output).toMatch(new RegExp(`^${said}.*\n?$`));
  });

  it('are reviewed without a state, which is told as such', async () => {
    const { code, output } = await type('review', ...RANGE);
    expect(code).toBe(0);
    expect(output).toContain(`no checkpoints and marks: history is folded from its beginning`);
    expect(output).toContain(`error=there is no ${join(folder.path, 'state.db')}`);
  });

  it('of several hosts in any mixture give the incidents of each', async () => {
    const mixed = join(folder.path, 'mixed.ndjson');
    writeFileSync(mixed, text(STORY.flatMap((frame, n) => [OTHER[n] as Frame, frame])));
    const { code, output } = await type('replay', '--frames', '--json', mixed);
    expect(code).toBe(0);
    expect(starts(output)).toEqual([at(STORY, 5), at(STORY, 20), at(OTHER, 12)]);
    const people = await type('replay', '--frames', mixed);
    expect(people.output).toMatch(
      /Host box\n.*\n.*\n {2}2 incidents:[\s\S]*Host den\n.*\n.*\n {2}1 incident:/,
    );
  });

  it('that are none are left out and named, and so are those that come late', async () => {
    const broken = join(folder.path, 'broken.ndjson');
    const [first, second, ...rest] = STORY as [Frame, Frame, ...Frame[]];
    writeFileSync(
      broken,
      `${text([first, second])}{"host":"box"}\n\nnothing\n${text([first, ...rest])}{"host":"box","sta`,
    );
    const { code, output } = await type('replay', '--frames', '--log-format', 'json', broken);
    expect(code).toBe(0);
    expect(output).toMatch(/"line":3,"reason":"line 3: .*start/);
    expect(output).toMatch(/"line":5,"reason":"line 5: .*no JSON/);
    expect(output).toMatch(/"lines":3,"msg":"lines that are no frames were left out"/);
    expect(output).toMatch(
      /"host":"box","frames":1,"msg":"frames that do not start after the one before them/,
    );
    expect(output).toContain('2 incidents:');
  });
});

it('the example of docs/frames.md is a frame, and names every field', () => {
  const page = readFileSync(join(import.meta.dirname, '../../../docs/frames.md'), 'utf8');
  const example = /```json\n(.*?)\n```/s.exec(page)?.[1] ?? '';
  const frame = decodeFrame(example, 'docs/frames.md');
  expect(encodeFrame(frame)).toBe(JSON.stringify(JSON.parse(example)));
  for (const field of [...Object.keys(frame), 'dropped']) expect(page).toContain(`| \`${field}\``);
});
