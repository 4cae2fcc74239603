import { expect, it } from '@jest/globals';
import { Child, until } from './process.ts';

const perl = (script: string): Child => new Child('perl', ['-e', `$| = 1; ${script}`]);

it('a wait that fails says what was waited for, and what the child has said', async () => {
  const child = perl('print "so far\\n"; sleep 600');
  await child.until('a word', output => output.includes('so far'));
  await expect(child.until('more', output => output.includes('more'), 50)).rejects.toThrow(
    /^timed out after 50 ms waiting for more; perl has said:\nso far\n$/,
  );
  await child.stop('SIGKILL');
  await expect(until('luck', () => false, 50)).rejects.toThrow(/^timed out after 50 ms waiting for luck$/);
});

it('nobody waits for a child that has ended', async () => {
  const child = perl('print "last words\\n"; exit 3');
  await expect(child.until('more', output => output.includes('more'), 600_000)).rejects.toThrow(
    /^perl ended \(3\):\nlast words\n$/,
  );
});

it('what a child wrote last is there when it has ended, though children of its own go on', async () => {
  const child = perl('my $pid = fork; if (!$pid) { sleep 600; exit } print "$pid ", "x" x 150_000');
  await child.ended(0);
  const [pid, text] = child.output.split(' ');
  process.kill(Number(pid), 'SIGKILL');
  expect(text).toHaveLength(150_000);
});

it('a child that stands still can be ended', async () => {
  const child = perl('$SIG{TERM} = sub { exit 4 }; print "ready\\n"; sleep 600');
  await child.until('a word', output => output.includes('ready'));
  child.process.kill('SIGSTOP');
  expect(await child.stop()).toBe(4);
});

it('a child that ends otherwise than expected shows what it has said', async () => {
  await expect(perl('print "no\\n"; exit 3').ended(0)).rejects.toThrow(
    /^perl ended with 3, expected 0; it has said:\nno\n$/,
  );
});
