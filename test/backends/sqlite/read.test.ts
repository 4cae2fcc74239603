import { chmodSync, existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeEach, expect, it } from '@jest/globals';
import { Child, temporaryFolder } from '../../parts/process.ts';
import { readableProgram } from '../../parts/readable.ts';

const program = readableProgram();
afterAll(() => program.remove());
const READ = pathToFileURL(join(program.root, 'backends/sqlite/read.ts')).href;
const AS_NOBODY = ['--reuid=65534', '--regid=65534', '--clear-groups', '--'];

let folder = temporaryFolder();
let file = '';
beforeEach(() => {
  folder = temporaryFolder();
  chmodSync(folder.path, 0o755);
  file = join(folder.path, 'a #?% name.db');
});
afterEach(() => folder.remove());

function writer(): DatabaseSync {
  const db = new DatabaseSync(file);
  db.exec('PRAGMA journal_mode = WAL; CREATE TABLE IF NOT EXISTS t (x); INSERT INTO t VALUES (1)');
  return db;
}

/** Rows that somebody else counts, who may read all and write nothing; or what is said to that. */
async function countedByAnother(): Promise<string> {
  const script = `const { openToRead } = await import(${JSON.stringify(READ)});
    try {
      const db = openToRead(${JSON.stringify(file)}, 1000);
      console.log(db.prepare('SELECT count(*) AS n FROM t').get().n);
    } catch (error) { console.log(error.message) }`;
  const node = [program.node, '--disable-warning=ExperimentalWarning', '--input-type=module', '-e', script];
  const child = new Child('setpriv', [...AS_NOBODY, ...node]);
  await child.exited;
  return child.output.trim();
}

it('is read by another user while nobody has it open', async () => {
  writer().close();
  expect(existsSync(`${file}-wal`)).toBe(false);
  expect(await countedByAnother()).toBe('1');
});

it('is read by another user while somebody writes, with what was written last', async () => {
  const db = writer();
  db.exec('INSERT INTO t VALUES (2)');
  expect(await countedByAnother()).toBe('2');
  db.close();
});

it('is read by another user with what waits in the log of one that was killed, or not at all', async () => {
  const script = `const { DatabaseSync } = require('node:sqlite'); const db = new DatabaseSync(${JSON.stringify(file)});
    db.exec('PRAGMA journal_mode = WAL; CREATE TABLE t (x); INSERT INTO t VALUES (1)'); process.kill(process.pid, 'SIGKILL')`;
  await new Child(process.execPath, ['-e', script]).exited;
  expect(existsSync(`${file}-wal`)).toBe(true);
  expect(await countedByAnother()).toBe('1');
  rmSync(`${file}-shm`);
  expect(await countedByAnother()).toMatch(/readonly|unable to open/);
  writer().close();
  expect(await countedByAnother()).toBe('2');
});
