import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { copyOfCheckout } from '../parts/image/checkout.ts';
import { temporaryFolder } from '../parts/process.ts';

const ROOT = join(import.meta.dirname, '../..');
const RECORDING = join(ROOT, 'test/golden/lhist.ndjson');
/** Of an installation from npm's cache, or from the registry where that is cold. */
const INSTALL = [
  'install',
  '--prefer-offline',
  '--no-audit',
  '--no-fund',
  '--ignore-scripts',
  '--loglevel=error',
];

/** Longest time to pack and install, ms: both compile or unpack thousands of files. */
const INSTALLED_MS = 600_000;

describe('the package of npm, installed in an empty folder', () => {
  const folder = temporaryFolder();
  const [checkout, user] = [join(folder.path, 'checkout'), join(folder.path, 'user')];
  const bin = join(user, 'node_modules/.bin');
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(TIDEGAUGE_|npm_|NODE_OPTIONS$)/.test(name)),
  );

  /** A program of the installation, as npx would find it. */
  function type(program: string, ...args: string[]) {
    const path = `${bin}:${env.PATH}`;
    const { status, stdout, stderr } = spawnSync(join(bin, program), args, {
      ...{ cwd: user, encoding: 'utf8', env: { ...env, PATH: path, TIDEGAUGE_DATA: join(user, 'data') } },
    });
    return { status, stdout, stderr };
  }

  beforeAll(() => {
    for (const made of [checkout, user]) mkdirSync(made);
    copyOfCheckout(checkout);
    symlinkSync(join(ROOT, 'node_modules'), join(checkout, 'node_modules'));
    const npm = (cwd: string, ...args: string[]) => execFileSync('npm', args, { cwd, env, encoding: 'utf8' });
    npm(checkout, 'pack', '--pack-destination', user, '--loglevel=error');
    writeFileSync(join(user, 'package.json'), '{ "private": true, "type": "module" }');
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
    npm(user, ...INSTALL, `./tidegauge-${version}.tgz`);
  }, INSTALLED_MS);
  afterAll(folder.remove);

  it('packing leaves nothing behind', () => {
    expect(spawnSync('ls', ['dist'], { cwd: checkout }).status).not.toBe(0);
  });

  it('knows its version and its commands', () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
    expect(type('tidegauge', '--version')).toEqual({ status: 0, stdout: `${version}\n`, stderr: '' });
    expect(type('tidegauge', '--help').stdout).toMatch(/^ {2}replay /m);
  });

  it('has the pages of the documentation at hand', () => {
    const page = readFileSync(join(ROOT, 'docs/configuration.md'), 'utf8');
    expect(type('tidegauge', 'help', 'configuration')).toEqual({ status: 0, stdout: page, stderr: '' });
  });

  it('doctor looks at this machine, with the programs of the kernel at hand', () => {
    const { stdout, stderr } = type('tidegauge', 'doctor');
    expect(stdout).toMatch(/^(ok|warn|FAIL).* {2}bpftrace /im);
    expect(stderr).not.toMatch(/this is a bug/);
  });

  it('replay judges a recording', () => {
    const { status, stdout, stderr } = type('tidegauge', 'replay', RECORDING, '--json');
    expect({ status, stderr }).toEqual({ status: 0, stderr: expect.not.stringMatching(/bug|Error/) });
    expect(Array.isArray(JSON.parse(stdout))).toBe(true);
  });

  it('review says of nothing that there is nothing', () => {
    const { stdout, stderr } = type('tidegauge', 'review', '--from', '1h', '--json');
    expect({ stdout: JSON.parse(stdout), stderr: stderr.includes('bug') }).toEqual({
      stdout: [],
      stderr: false,
    });
  });

  it('frames can be read, and have types', () => {
    writeFileSync(
      join(user, 'frames.ts'),
      `import { decodeFrame, encodeFrame, type Frame } from 'tidegauge/frame';
const frame: Frame = decodeFrame(process.argv[2] ?? '', 'here');
// @ts-expect-error a frame's start is a number
const wrong: string = frame.start;
void wrong;
process.stdout.write(String(encodeFrame(frame) === process.argv[2]));
`,
    );
    const config = {
      compilerOptions: { module: 'nodenext', strict: true, noEmit: true, skipLibCheck: true, types: [] },
    };
    writeFileSync(
      join(user, 'tsconfig.json'),
      JSON.stringify({ ...config, files: ['frames.ts', 'process.d.ts'] }),
    );
    writeFileSync(
      join(user, 'process.d.ts'),
      'declare const process: { argv: string[]; stdout: { write(text: string): void } };\n',
    );
    const checked = spawnSync(join(ROOT, 'node_modules/.bin/tsc'), ['-p', user], { encoding: 'utf8' });
    expect(checked.stdout).toBe('');
    const [frame = ''] = readFileSync(join(ROOT, 'test/golden/lhist.frames.ndjson'), 'utf8').split('\n');
    expect(type('node', 'frames.ts', frame).stdout).toBe('true');
  });
});
