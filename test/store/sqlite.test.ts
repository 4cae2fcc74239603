import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Frame } from '../../core/traffic/frame.ts';
import type { Rollup } from '../../core/traffic/rollup.ts';
import { MIGRATIONS } from '../../store/sqlite/schema.ts';
import { SqliteStore } from '../../store/sqlite/store.ts';
import { busyParts, frameOf } from '../data/frames.ts';
import { Child, temporaryFolder, until } from '../parts/process.ts';

const ALL = { from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY };

let folder: ReturnType<typeof temporaryFolder>;
let file: string;
const stores: SqliteStore[] = [];
const children: Child[] = [];

beforeEach(() => {
  folder = temporaryFolder();
  file = join(folder.path, 'tidegauge.db');
});
afterEach(async () => {
  for (const store of stores.splice(0)) await store.close();
  for (const child of children.splice(0)) await child.stop('SIGKILL');
  folder.remove();
});

async function opened(): Promise<SqliteStore> {
  const store = new SqliteStore(file);
  stores.push(store);
  await store.open();
  return store;
}

async function read(store: SqliteStore, host = 'h'): Promise<Frame[]> {
  const frames: Frame[] = [];
  for await (const frame of store.readFrames(host, ALL)) frames.push(frame);
  return frames;
}

const run = (sql: string) => {
  const db = new DatabaseSync(file);
  db.exec(sql);
  db.close();
};

const refusal = (retry: boolean, text: RegExp) => ({
  name: 'ExchangeError',
  retry,
  message: expect.stringMatching(text),
});

/** Versions of the schema since which there are connections, the newest day that has a name, and labels. */
const WITH_CONNECTIONS = 4;
const WITH_DAYS = 6;
const WITH_LABELS = 8;

describe('sqlite file', () => {
  it('is read with the names that it has now, whatever another process has done to them meanwhile', async () => {
    const store = await opened();
    await store.writeFrames([frameOf('h', 1, busyParts(1))]);
    const [before] = await read(store);
    run("UPDATE series SET container = 'another'");
    const [after] = await read(store);
    expect(before?.containers.map(({ name }) => name)).not.toContain('another');
    expect(after?.containers.map(({ name }) => name)).toEqual(['another']);
  });

  it('that is no database is refused for good', async () => {
    writeFileSync(file, 'no database '.repeat(1000));
    await expect(opened()).rejects.toMatchObject(refusal(false, /not a database.*store\.sqlite\.file/));
    expect(readFileSync(file, 'utf8')).toBe('no database '.repeat(1000));
  });

  it('with other tables than this version makes is refused for good', async () => {
    await (await opened()).close();
    const db = new DatabaseSync(file);
    db.exec('ALTER TABLE container_traffic RENAME COLUMN send_bytes TO sent');
    db.exec('ALTER TABLE detections RENAME TO others');
    db.close();
    await expect(opened()).rejects.toMatchObject(refusal(false, /no such (column|table)/));
  });

  it('below something that is no folder is refused for good', async () => {
    writeFileSync(file, '');
    file = join(file, 'below.db');
    await expect(opened()).rejects.toMatchObject(refusal(false, /below\.db/));
  });

  it('of a newer version is refused for good, with both versions', async () => {
    await (await opened()).close();
    run('PRAGMA user_version = 99');
    await expect(opened()).rejects.toMatchObject(
      refusal(false, /schema version 12 or older, found version 99/),
    );
  });

  it('that is damaged makes readers fail for good, not silently short', async () => {
    const store = await opened();
    await store.writeFrames(Array.from({ length: 200 }, (_, n) => frameOf('h', n, busyParts(20))));
    await store.close();
    const bytes = readFileSync(file);
    bytes.fill(0x55, 4096 * 20, bytes.length - 4096);
    writeFileSync(file, bytes);
    await expect(read(await opened())).rejects.toMatchObject(refusal(true, /malformed/));
  });

  it.each(MIGRATIONS.slice(1).map((_, i) => i + 1))(
    'of the older version %d opens, with what was in it',
    async version => {
      const row = {
        container: 'c0000',
        kind: 'failed',
        own: '10.0.0.2',
        peer: '10.0.0.3',
        port: 80,
      } as const;
      const connections = version < WITH_CONNECTIONS ? [] : [{ ...row, clientPort: 0, count: 3 }];
      const frame = { ...frameOf('h', 7, busyParts(1)), windows: [], connections };
      run(`${MIGRATIONS.slice(0, version).join('')} PRAGMA user_version = ${version};
      INSERT INTO hosts (id, name) VALUES (1, 'h');
      INSERT INTO series (id, host, service, container) VALUES (1, 1, 'c0000', 'c0000');
      INSERT INTO identities (id, kind, replica, image, container_id${version >= WITH_LABELS ? ', labels' : ''})
        VALUES (1, 'container', '1', 'web:1', 'c0000'${version >= WITH_LABELS ? ", ''" : ''});
      INSERT INTO host_frames (host, time, duration_ms, previous, lost, occupancy, faults, containers)
        VALUES (1, ${frame.start}, 5000, ${frame.previous}, 0, 0, '', 1);
      INSERT INTO container_traffic (time, series, identity, started, ended) VALUES (${frame.start}, 1, 1, 0, 0);`);
      if (version >= WITH_CONNECTIONS)
        run(`INSERT INTO container_connections (time, series, kind, own, peer, port, count)
          VALUES (${frame.start}, 1, 'failed', '10.0.0.2', '10.0.0.3', 80, 3);
        UPDATE host_frames SET connections = 1`);
      if (version >= WITH_DAYS)
        run(`UPDATE series SET seen = ${frame.start}; UPDATE identities SET seen = ${frame.start}`);
      const store = new SqliteStore(file, { raw: 86_400_000, minute: 86_400_000, hour: 86_400_000 });
      stores.push(store);
      await store.open();
      await store.expire(frame.start + 1000);
      expect(await read(store)).toEqual([frame]);
    },
  );

  it('has a write-ahead log and the version of its schema', async () => {
    await opened();
    const db = new DatabaseSync(file);
    expect(db.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' });
    expect(db.prepare('PRAGMA user_version').get()).toEqual({ user_version: 12 });
    db.close();
  });
});

describe('a locked file', () => {
  it('is worth waiting for, also when opening', async () => {
    const other = new DatabaseSync(file);
    other.exec('BEGIN EXCLUSIVE');
    await expect(opened()).rejects.toMatchObject(refusal(true, /locked/));
    other.exec('ROLLBACK');
    other.close();
    await opened();
  });
});

describe('sqlite transactions', () => {
  it('leave nothing of a frame that failed half-way, and the same frame can be written later', async () => {
    const store = await opened();
    const frame = frameOf('h', 0, busyParts(3));
    run(`CREATE TRIGGER full BEFORE INSERT ON container_traffic
         WHEN (SELECT count(*) FROM container_traffic) = 2 BEGIN SELECT RAISE(ABORT, 'made up'); END`);
    await expect(store.writeFrames([frame])).rejects.toMatchObject(refusal(false, /made up/));
    expect(await read(store)).toEqual([]);
    expect(await store.hosts()).toEqual([]);
    run('DROP TRIGGER full');
    // Names that were new in the failed transaction must be created again.
    await store.writeFrames([frame]);
    expect(await read(store)).toEqual([frame]);
  });

  it('that find the file locked fail soon, to be tried again', async () => {
    const store = await opened();
    const other = new DatabaseSync(file);
    other.exec('BEGIN IMMEDIATE');
    await expect(store.writeFrames([frameOf('h', 0)])).rejects.toMatchObject(refusal(true, /locked/));
    expect(await read(store)).toEqual([]);
    other.exec('ROLLBACK');
    other.close();
    await store.writeFrames([frameOf('h', 0)]);
    expect(await read(store)).toHaveLength(1);
  });

  it('of which a part is gone give a gap, not a quiet frame, and the frames behind it', async () => {
    const store = await opened();
    const frames = Array.from({ length: 600 }, (_, n) => frameOf('h', n, busyParts(2)));
    await store.writeFrames(frames);
    const [one, two] = [frames[3], frames[4]];
    // All of a step's frames too: the next step must be read.
    run(`DELETE FROM container_traffic WHERE time = ${one?.start};
         DELETE FROM container_traffic WHERE time = ${two?.start} AND series = 1;
         DELETE FROM container_traffic WHERE time >= ${frames[20]?.start} AND time < ${frames[580]?.start}`);
    expect(await read(store)).toEqual([...frames.slice(0, 3), ...frames.slice(5, 20), ...frames.slice(580)]);
  });

  it('show a reader one moment of the file, while another thread deletes', async () => {
    const store = await opened();
    const frames = Array.from({ length: 3000 }, (_, n) => frameOf('h', n, busyParts(3)));
    await store.writeFrames(frames);
    const byStart = new Map(frames.map(frame => [frame.start, frame]));
    const end = frames.at(-1)?.start ?? 0;
    const expiring = new SqliteStore(file, { raw: 1, minute: Infinity, hour: Infinity });
    stores.push(expiring);
    await expiring.open();
    let done = false;
    const deleting = expiring.expire(end).finally(() => {
      done = true;
    });
    while (!done) for (const frame of await read(store)) expect(frame).toEqual(byStart.get(frame.start));
    await deleting;
    expect(await read(store)).toHaveLength(1);
  });

  it('let other work run in between, when reading and when writing much', async () => {
    const store = await opened();
    let turns = 0;
    let isBusy = true;
    const turn = () => {
      turns++;
      if (isBusy) setImmediate(turn);
    };
    setImmediate(turn);
    // 200 frames of 101 rows: steps of at most 2,000 rows.
    await store.writeFrames(Array.from({ length: 200 }, (_, n) => frameOf('h', n, busyParts(100))));
    expect(turns).toBeGreaterThanOrEqual(9);
    turns = 0;
    expect(await read(store)).toHaveLength(200);
    isBusy = false;
    expect(turns).toBeGreaterThanOrEqual(9);
  });
});

describe('series of a sqlite file', () => {
  it('are read by a thread, no further than they are asked for; closing the store ends that', async () => {
    const store = await opened();
    const frames = Array.from({ length: 300 }, (_, n) => frameOf('h', 12 * n, busyParts(1)));
    await store.writeFrames(frames);
    const range = { from: 0, to: Number.POSITIVE_INFINITY };
    const starts = async (most: number) => {
      const found: number[] = [];
      for await (const { start } of store.readSeries('h', range, 60_000)) {
        found.push(start);
        if (found.length === most) break;
      }
      return found;
    };
    const all = await starts(Number.POSITIVE_INFINITY);
    expect(all).toEqual(frames.map(({ start }) => start - (start % 60_000)));
    expect(await starts(70)).toEqual(all.slice(0, 70));
    const reading = store.readSeries('h', range, 60_000)[Symbol.asyncIterator]();
    expect(await reading.next()).toMatchObject({ value: { start: all[0] } });
    await store.close();
    const rest = async () => {
      while (!(await reading.next()).done);
    };
    await expect(rest()).rejects.toMatchObject(refusal(true, /series was cut short/));
  });
});

describe('series of a sqlite file that is only read', () => {
  it('have the same counts without sizes, of what is rolled up and of what is not', async () => {
    const writer = await opened();
    await writer.writeFrames(Array.from({ length: 30 }, (_, n) => frameOf('h', n, busyParts(3))));
    const { from, to } = { from: 1_700_000_000_000, to: 1_700_000_060_000 };
    expect(await writer.rollUp('h', { from: from - 60_000, to })).toBeGreaterThan(0);
    const reader = new SqliteStore(file, undefined, { readOnly: true });
    await reader.open();
    const series = async (sizes: boolean) => {
      const found: Rollup[] = [];
      const range = { from: 0, to: Number.POSITIVE_INFINITY };
      for await (const one of reader.readSeries('h', range, 60_000, { sizes })) found.push(one);
      return found;
    };
    const whole = await series(true);
    expect(whole.flatMap(({ traffic }) => traffic).every(({ send }) => send.sizes.length > 0)).toBe(true);
    const without = ({ traffic, ...head }: Rollup) => ({
      ...head,
      traffic: traffic.map(({ send, receive, ...sum }) => ({
        ...sum,
        send: { ...send, sizes: [] },
        receive: { ...receive, sizes: [] },
      })),
    });
    expect(await series(false)).toEqual(whole.map(without));
    await reader.close();
    await writer.close();
  });
});

describe('names in a sqlite file', () => {
  const DAY = 86_400_000;
  const count = (table: string): number => {
    const db = new DatabaseSync(file, { readOnly: true });
    const row = db.prepare(`SELECT count(*) AS n FROM ${table}`).get();
    db.close();
    return Number(row?.n);
  };
  const named = (n: number, name: string) => {
    const { containers, windows } = busyParts(1);
    const rename = { name, service: name, id: name };
    return frameOf('h', n, {
      containers: containers.map(container => ({ ...container, ...rename })),
      windows: windows.map(window => ({ ...window, container: name })),
    });
  };
  const perDay = DAY / 5000;

  it('go when no row can have them any more; those who knew them find them again', async () => {
    const store = new SqliteStore(file, { raw: DAY, minute: DAY, hour: 10 * DAY });
    stores.push(store);
    await store.open();
    // Churn: a name a day, and one that stays.
    for (let day = 0; day < 20; day++)
      await store.writeFrames([named(day * perDay, `job-${day}`), named(day * perDay + 1, 'stays')]);
    expect([count('series'), count('identities')]).toEqual([21, 21]);
    const now = frameOf('h', 19 * perDay).start;
    await store.expire(now);
    // Identities as long as windows, series as long as the longest tier, and two days more.
    expect(count('identities')).toBeLessThanOrEqual(5);
    expect(count('series')).toBeLessThanOrEqual(14);
    expect(count('series')).toBeGreaterThanOrEqual(11);
    const again = [named(20 * perDay, 'job-3'), named(20 * perDay + 1, 'stays')];
    await store.writeFrames(again);
    expect((await read(store)).slice(-2)).toEqual(again);
  });

  it('stay while an annotation has them', async () => {
    const store = new SqliteStore(file, { raw: DAY, minute: DAY, hour: DAY });
    stores.push(store);
    await store.open();
    const start = frameOf('h', 0).start;
    const text = { severity: 'warning' as const, state: 'firing' as const, title: 't', text: 'x' };
    const grown = (days: number) => ({
      ...{ id: 'a', host: 'h', service: 's', container: 'c', start, end: start + days * DAY },
      ...text,
    });
    await store.writeAnnotations([grown(0)]);
    await store.writeAnnotations([grown(30)]);
    await store.expire(start + 30 * DAY);
    expect(await store.readAnnotations(ALL)).toEqual([grown(30)]);
    await store.expire(start + 40 * DAY);
    expect([count('annotations'), count('series')]).toEqual([0, 0]);
  });
});

describe('what was expected, in a sqlite file,', () => {
  it('is kept as long as windows and detections', async () => {
    const DAY = 86_400_000;
    const store = new SqliteStore(file, { raw: DAY, minute: 10 * DAY, hour: 10 * DAY });
    stores.push(store);
    await store.open();
    const { start } = frameOf('h', 0);
    const row = (at: number) => ({
      ...{ host: 'h', service: 's', container: 'c', start: at, rule: 'traffic' },
      ...({ direction: 'send', metric: 'bytes', low: 0, high: 10 } as const),
    });
    await store.writeExpected([row(start), row(start + 2 * DAY)]);
    await store.expire(start + 2 * DAY);
    expect(await store.readExpected('h', ALL)).toEqual([row(start + 2 * DAY)]);
  });
});

describe('sqlite tiers', () => {
  it('are made of a few minutes without a thread, and by one of much more, for windows and for flows', async () => {
    const root = process.cwd();
    const script = join(folder.path, 'script.ts');
    const result = join(folder.path, 'result');
    writeFileSync(
      script,
      `import { writeFileSync } from 'node:fs';
       import { SqliteStore } from '${root}/store/sqlite/store.ts';
       import { busyParts, frameOf } from '${root}/test/data/frames.ts';
       let threads = 0;
       process.on('worker', () => threads++);
       const store = new SqliteStore('${file}');
       await store.open();
       const first = Math.floor(frameOf('h', 0).start / 3_600_000) * 3_600_000;
       const whole = { from: first, to: first + 3_600_000 };
       const found = [];
       const add = async (from, to) => {
         const frames = Array.from({ length: to - from }, (_, n) => frameOf('h', 0, busyParts(2)));
         await store.writeFrames(frames.map((frame, n) => ({ ...frame, start: first + (from + n) * 5000 })));
         found.push([await store.rollUp('h', { ...whole, to: first + to * 5000 }), threads]);
       };
       await add(0, 12);
       await add(12, 24);
       await add(24, 720);
       await store.close();
       writeFileSync('${result}', JSON.stringify(found));`,
    );
    const child = new Child(process.execPath, [script]);
    children.push(child);
    expect(await child.exited).toBe(0);
    expect(JSON.parse(readFileSync(result, 'utf8'))).toEqual([
      [2 * 1, 0],
      [2 * 1, 0],
      [2 * (58 + 1), 1],
    ]);
  });
});

describe('several processes', () => {
  const root = process.cwd();
  const spawnScripts = (source: string, names: readonly string[]) => {
    const script = join(folder.path, 'script.ts');
    writeFileSync(script, source);
    for (const name of names) children.push(new Child(process.execPath, [script, file, name]));
    return Promise.all(children.map(child => child.exited));
  };

  it('open a new file at the same moment', async () => {
    const ended = spawnScripts(
      `import { existsSync, writeFileSync } from 'node:fs';
       import { SqliteStore } from '${root}/store/sqlite/store.ts';
       const [, , file, name] = process.argv;
       writeFileSync(file + '.ready-' + name, '');
       for (let i = 0; i < 20; i++) {
         while (!existsSync(file + '.go-' + i));
         const store = new SqliteStore(file + i);
         await store.open();
         await store.close();
         writeFileSync(file + '.done-' + i + '-' + name, '');
       }`,
      ['a', 'b'],
    );
    const all = (suffix: string) => ['a', 'b'].every(name => existsSync(`${file}.${suffix}-${name}`));
    const failed = () => children.some(child => child.process.exitCode !== null);
    await until('two processes', () => all('ready'));
    for (let i = 0; i < 20; i++) {
      writeFileSync(`${file}.go-${i}`, '');
      await until(`round ${i}`, () => all(`done-${i}`) || failed());
    }
    expect(await ended).toEqual([0, 0]);
  });

  it('write and read the same file at the same time', async () => {
    const hosts = ['one', 'two', 'three'];
    const ended = spawnScripts(
      `import { SqliteStore } from '${root}/store/sqlite/store.ts';
       import { busyParts, frameOf } from '${root}/test/data/frames.ts';
       const [, , file, host] = process.argv;
       const store = new SqliteStore(file);
       await store.open();
       for (let n = 0; n < 100; n++) await store.writeFrames([frameOf(host, n, busyParts(20))]);
       await store.close();`,
      hosts,
    );
    const store = await opened();
    await until('the first frames', async () => (await store.lastFrame('one')) !== null);
    for (const frame of await read(store, 'one')) expect(frame.windows).toHaveLength(40);
    expect(await ended).toEqual([0, 0, 0]);
    for (const host of hosts) {
      const written = Array.from({ length: 100 }, (_, n) => frameOf(host, n, busyParts(20)));
      expect(await read(store, host)).toEqual(written);
    }
  });
});
