import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Child, temporaryFolder, until } from '../parts/process.ts';

const SCRIPT = join(import.meta.dirname, '../../scripts/setup.mjs');
/** What it does as root to a machine that lacks something is not for a test to do. */
const NOT_ROOT = 'data:text/javascript,process.getuid = () => 1000';

describe('scripts/setup.mjs', () => {
  let folder = temporaryFolder();
  const path = (...parts: string[]): string => join(folder.path, ...parts);

  /** A checkout with stand-ins for the programs that would change the machine: they write down how they were called. */
  beforeEach(() => {
    folder = temporaryFolder();
    mkdirSync(path('scripts'));
    mkdirSync(path('programs'));
    cpSync(SCRIPT, path('scripts/setup.mjs'));
    writeFileSync(path('package-lock.json'), '{}');
    for (const program of ['npm', 'apt-get', 'mount']) {
      const text = `#!/bin/sh\necho "$(basename "$0") $*" >>"${path('calls')}"\nif [ -e "${path('broken')}" ]; then echo it broke >&2; exit 7; fi\n`;
      writeFileSync(path('programs', program), text, { mode: 0o755 });
    }
  });
  afterEach(() => folder.remove());

  function run(purpose: string, programs = [path('programs'), '/usr/bin', '/bin', '/usr/sbin']) {
    const { status, stderr } = spawnSync(
      process.execPath,
      ['--import', NOT_ROOT, path('scripts/setup.mjs'), purpose],
      { encoding: 'utf8', env: { ...process.env, PATH: programs.join(':') } },
    );
    const calls = existsSync(path('calls')) ? readFileSync(path('calls'), 'utf8').trim().split('\n') : [];
    return { status, stderr, calls };
  }

  /** Leaves the checkout as `npm ci` would, that many seconds after the lockfile was written. */
  function install(seconds: number): void {
    mkdirSync(path('node_modules'));
    writeFileSync(path('node_modules/.package-lock.json'), '{}');
    utimesSync(path('package-lock.json'), 1_000_000, 1_000_000);
    utimesSync(path('node_modules/.package-lock.json'), 1_000_000 + seconds, 1_000_000 + seconds);
  }

  it.each(['start', 'test'])('installs what is missing for %s, says so before, runs no scripts', purpose => {
    const { status, stderr, calls } = run(purpose);
    expect(status).toBe(0);
    expect(calls).toHaveLength(1);
    expect(calls[0]).toMatch(/^npm ci --ignore-scripts /);
    expect(stderr).toMatch(/^set-up: installing the dependencies .*\n$/);
  });

  it('does and says nothing when all is there', () => {
    install(0);
    expect(run('start')).toEqual({ status: 0, stderr: '', calls: [] });
  });

  it('installs again when the lockfile is newer', () => {
    install(-1);
    expect(run('test').calls).toEqual([expect.stringMatching(/^npm ci/)]);
  });

  it('stops with what npm said when that fails', () => {
    writeFileSync(path('broken'), '');
    const { status, stderr } = run('test');
    expect(status).toBe(1);
    expect(stderr).toContain('it broke');
  });

  it('leaves the distribution alone without root, whatever is missing', () => {
    install(0);
    // No system folders: neither bpftrace nor anything else is found.
    expect(run('test', [path('programs')])).toEqual({ status: 0, stderr: '', calls: [] });
  });

  it.each(['start', 'test', 'tidegauge'])('runs before npm script %s', name => {
    const { scripts } = JSON.parse(readFileSync(join(SCRIPT, '../../package.json'), 'utf8')) as {
      scripts: Record<string, string>;
    };
    expect(scripts[`pre${name}`]).toMatch(/^exec node scripts\/setup\.mjs (start|test)$/);
  });

  describe('when it is interrupted alone, while it installs', () => {
    /** Programs called npm in this folder write their pid and go on for ever. */
    function lastingNpm(folder: string): void {
      mkdirSync(folder, { recursive: true });
      const text = `#!/bin/sh\necho $$ >"${path('pid')}"\nexec sleep 3600\n`;
      writeFileSync(join(folder, 'npm'), text, { mode: 0o755 });
    }

    const isGone = (pid: number): boolean => {
      try {
        process.kill(pid, 0);
        return false;
      } catch {
        return true;
      }
    };

    async function interrupt(child: Child): Promise<number | null> {
      const pid = await child.until('npm ci to begin', () => {
        const text = existsSync(path('pid')) ? readFileSync(path('pid'), 'utf8') : '';
        return text.endsWith('\n') ? Number(text) : undefined;
      });
      const code = await child.stop('SIGINT');
      await until('npm ci to be gone', () => isGone(pid));
      return code;
    }

    it('leaves nothing running', async () => {
      lastingNpm(path('programs'));
      const env = { ...process.env, PATH: `${path('programs')}:/usr/bin:/bin` };
      expect(
        await interrupt(new Child(process.execPath, [path('scripts/setup.mjs'), 'start'], { env })),
      ).toBe(130);
    });

    it.each(['start', 'tidegauge'])('so does npm, asked for %s', async name => {
      cpSync(join(SCRIPT, '../../package.json'), path('package.json'));
      // Where scripts of npm look first.
      lastingNpm(path('node_modules/.bin'));
      const child = new Child('npm', ['run', name], { cwd: folder.path });
      expect(await interrupt(child)).toBe(130);
    });
  });

  it('refuses other purposes', () => {
    expect(run('everything')).toMatchObject({ status: 2, stderr: expect.stringContaining('start|test') });
  });
});
