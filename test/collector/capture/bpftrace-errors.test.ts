import { describe, expect, it } from '@jest/globals';
import {
  describeExit,
  type Exit,
  explainExit,
  meaningOf,
} from '../../../collector/capture/bpftrace-errors.ts';

const MEMLOCK =
  'ERROR: Unknown error -1: couldn\'t set RLIMIT_MEMLOCK for bpftrace. If your program is not loading, you can try "ulimit -l 8192" to fix the problem\n';
const exit = (stderr: string, part: Partial<Exit> = {}): Exit => ({
  code: 1,
  signal: null,
  stderr: MEMLOCK + stderr,
  spawnError: null,
  ...part,
});

describe('what bpftrace writes to standard error', () => {
  // As written by bpftrace 0.17 when each of these was wrong.
  it.each([
    ['ERROR: bpftrace currently only supports running as the root user.\n', /to run as root.*sudo/],
    [
      'r.bt:34-36: ERROR: tracepoint not found: sock:sock_send_length\n',
      /tracepoints.*6\.3.*mount -t tracefs/,
    ],
    [
      "definitions.h:35:3: error: unknown type name 'u64'\nERROR: Include headers with missing type definitions or install BTF information to your system.\n",
      /BTF.*CONFIG_DEBUG_INFO_BTF/,
    ],
    [
      "bpftrace: unrecognized option '--nonsense'\nUSAGE:\n    bpftrace [options] filename\n",
      /0\.17 or newer/,
    ],
    ['stdin:1:14-15: ERROR: syntax error, unexpected }\n', /understands the probe.*0\.17/],
    ["ERROR: Error creating map: '@x': Operation not permitted\n", /permission to load eBPF.*lockdown/],
  ])('%j is explained', (stderr, expected) => {
    const error = explainExit('bpftrace', exit(stderr));
    expect(error?.message).toMatch(expected);
    expect(error?.message).not.toContain('RLIMIT');
    expect(error?.exitCode).toBe(2);
  });

  it('may mean nothing: such an end can be tried again', () => {
    expect(meaningOf(MEMLOCK)).toBe('');
    expect(explainExit('bpftrace', exit(''))).toBeNull();
    expect(describeExit(exit('', { code: null, signal: 'SIGKILL' }))).toBe('signal SIGKILL');
    expect(describeExit(exit('boom \u001b[31m\n'))).toBe('exit code 1: boom \\x1b[31m');
  });

  it('a program that cannot be started is explained', () => {
    const spawnError = Object.assign(new Error('spawn'), { code: 'ENOENT' });
    expect(explainExit('/x/bpftrace', exit('', { code: null, spawnError }))?.message).toMatch(
      /bpftrace \(\/x\/bpftrace\).*ENOENT.*apt-get install bpftrace/,
    );
  });
});
