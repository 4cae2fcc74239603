import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Command } from 'commander';
import { addAllCommands } from '../../cli/commands/index.ts';
import { TidegaugeError } from '../../core/errors.ts';
import { incidentFromJson } from '../../core/incident/incident-from-json.ts';
import { incidentJson } from '../../core/incident/incident-json.ts';
import { TimeZone } from '../../core/time-zone.ts';
import { incidentLines } from '../../review/report.ts';
import { incidentOf } from '../data/incidents.ts';
import { DEAD, FIRING, filledFolder, OVER, type Served, serve } from '../http/api/fixture.ts';
import { newerServer } from '../http/api/newer.ts';
import type { temporaryFolder } from '../parts/process.ts';

const TOKEN = 'w'.repeat(20);
const RANGE = ['--from', '2023-11-14T22:00Z', '--to', '2023-11-15T00:00Z'];

/** Commands, as they are asked with and without. */
const ASKED: readonly (readonly string[])[] = [
  ['incidents', ...RANGE],
  ['incidents', ...RANGE, '--json', '--deliveries', '--container', '*script*'],
  ['map', ...RANGE],
  ['map', ...RANGE, '--format', 'json'],
  ['traffic', ...RANGE, '--step', '1m'],
  ['traffic', ...RANGE, '--json', '--host', '*'],
  ['connections', ...RANGE, '--json', '--service', 'c0000'],
  ['connections', ...RANGE, '--container', 'nobody'],
  ['deliveries', 'list'],
  ['deliveries', 'show', DEAD.key],
  ['deliveries', 'show', 'nobody'],
  ['explain', FIRING.id],
  ['explain', OVER.id, '--json'],
  ['explain', 'nobody'],
  ['incident', 'marks', '--json'],
  ['quality', ...RANGE],
  ['quality', ...RANGE, '--json', '--service', 'shop/*'],
  ['quality', ...RANGE, '--container', 'shoq'],
];

let folder: ReturnType<typeof temporaryFolder>;
let served: Served;
/** The same, of a later version. */
let newer: Awaited<ReturnType<typeof newerServer>>;
beforeAll(async () => {
  folder = await filledFolder();
  served = await serve(folder.path, { tokens: [{ name: 'ci', scope: 'write', token: TOKEN }] });
  newer = await newerServer(served.listener.url);
}, 60_000);
afterAll(async () => {
  await newer.close();
  await served.close();
  folder.remove();
});

/** Exit code and output of a command, run in this process: both streams, as a person sees them. */
async function run(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<[number, string]> {
  const output: string[] = [];
  const keep = (text: unknown) => output.push(String(text)) > 0;
  const streams = [process.stdout, process.stderr].map(stream =>
    jest.spyOn(stream, 'write').mockImplementation(keep),
  );
  const program = new Command('tidegauge').exitOverride();
  await addAllCommands(program, new AbortController().signal);
  Object.assign(process.env, env);
  process.exitCode = 0;
  try {
    const config = ['--config', join(folder.path, 'tidegauge.yaml'), '--log-level', 'error'];
    await program.parseAsync([...args, ...config], { from: 'user' });
    return [Number(process.exitCode), output.join('')];
  } catch (error) {
    if (!(error instanceof TidegaugeError)) throw error;
    return [error.exitCode, `${output.join('')}tidegauge: ${error.message}\n`];
  } finally {
    process.exitCode = 0;
    for (const name of Object.keys(env)) delete process.env[name];
    for (const stream of streams) stream.mockRestore();
  }
}
const remote = (args: readonly string[], url = served.listener.url) =>
  run([...args, '--server', url], {
    TIDEGAUGE_SERVER_TOKEN: TOKEN,
    // The thread that reads loads the program first.
    TIDEGAUGE_SERVER_TIMEOUT: '4m',
  });

/** But for what has to differ: the server that printed commands lead to, and how long ago something was by now. */
const alike = ([code, text]: [number, string]): [number, string] => [
  code,
  text.replace(/ --server http\S+/g, '').replace(/last seen \S+ ago/g, 'last seen a while ago'),
];

describe('through a server', () => {
  it.each(ASKED.map(args => [args.join(' '), args] as const))(
    '%s says the same as without',
    async (_, args) => {
      expect(alike(await remote(args))).toEqual(alike(await run(args)));
    },
    240_000,
  );

  it('writes what a command writes, under the name of the token', async () => {
    const marked = await remote(['incident', 'mark', OVER.id, '--real', '--note', 'disk']);
    expect(marked).toEqual([0, expect.stringContaining('marked real: shop: bytes sent')]);
    expect(await served.state.marks(null)).toMatchObject([{ incident: OVER.id, by: 'ci', note: 'disk' }]);
    expect(await remote(['deliveries', 'replay', DEAD.key])).toEqual([0, '1 message will be tried again.\n']);
  }, 240_000);

  it('silences as the command does: the same is listed, and it ends', async () => {
    const from = new Date(Date.now() + 3_600_000).toISOString();
    const add = [
      'silence',
      'add',
      'severity!=critical',
      '--container',
      'shop',
      '--reason',
      'move',
      '--for',
      '1h',
    ];
    const [code, output] = await remote([...add, '--from', from]);
    expect([code, output]).toEqual([0, expect.stringContaining('container shop, severity!="critical"')]);
    const [added] = await served.state.silences(0);
    expect(added).toMatchObject({ owner: 'ci', reason: 'move', from: Date.parse(from) });
    for (const list of [
      ['silence', 'list'],
      ['silence', 'list', '--all', '--json'],
    ])
      expect(await remote(list)).toEqual(await run(list));
    const [, dry] = await remote([...add, '--dry-run']);
    expect(dry).toContain('dry run, nothing is added: ');
    expect(await remote(['silence', 'end', String(added?.id)])).toEqual([
      0,
      expect.stringContaining('ended: '),
    ]);
    expect(await remote(['silence', 'end', '00000000'])).toEqual(await run(['silence', 'end', '00000000']));
    expect(await served.state.silences(Date.now())).toEqual([]);
  }, 240_000);

  it('deploys as the command does: one deploy of a service at a time, until it is done', async () => {
    const deploy = ['deploying', 'shop/web', '--host', 'web-*'];
    for (const reason of ['release 1', 'release 2'])
      expect(await remote([...deploy, '--reason', reason])).toEqual([0, expect.stringContaining(reason)]);
    expect(await served.state.silences(Date.now())).toMatchObject([
      { kind: 'deploy', match: { service: 'shop/web', host: 'web-*' }, owner: 'ci', reason: 'release 2' },
    ]);
    expect(await remote([...deploy, '--done'])).toEqual([0, expect.stringMatching(/^ended: .*release 2\n$/)]);
    expect(await remote([...deploy, '--done'])).toEqual(await run([...deploy, '--done']));
  }, 240_000);

  it('acknowledges as the command does, and takes it back', async () => {
    const ack = ['incident', 'ack', FIRING.id];
    expect(await remote([...ack, '--note', 'on it'])).toEqual([
      0,
      expect.stringMatching(/^acknowledged by ci at .* \(on it\): /),
    ]);
    expect(await served.state.acks()).toMatchObject([{ incident: FIRING.id, by: 'ci', note: 'on it' }]);
    expect(await remote([...ack, '--undo'])).toEqual([
      0,
      expect.stringMatching(/^acknowledgement taken back by ci/),
    ]);
    for (const wrong of [
      [...ack, '--undo'],
      ['incident', 'ack', OVER.id],
      ['incident', 'ack', 'nobody'],
    ])
      expect(await remote(wrong)).toEqual(await run(wrong));
  }, 240_000);

  it('reads what a newer one says, whose answers have more keys', async () => {
    // This one hands on what the server says.
    const read = ASKED.filter(args => args.join(' ') !== `deliveries show ${DEAD.key}`);
    for (const args of [...read, ['silence', 'list', '--json']])
      expect([args, alike(await remote(args, newer.url))]).toEqual([args, alike(await run(args))]);
    const mark = ['incident', 'mark', OVER.id, '--expected'];
    expect(await remote(mark, newer.url)).toEqual([0, expect.stringContaining('marked expected: shop')]);
    for (const args of [
      ['incident', 'ack', FIRING.id],
      ['incident', 'ack', FIRING.id, '--undo'],
      ['deploying', 'shop/web', '--reason', 'release'],
      ['deploying', 'shop/web', '--done'],
    ])
      expect([args, await remote(args, newer.url)]).toEqual([args, [0, expect.any(String)]]);
  }, 480_000);

  it('says what is wrong with it', async () => {
    const [code, output] = await run(['incidents', '--server', served.listener.url]);
    expect([code, output]).toEqual([
      2,
      expect.stringMatching(/^tidegauge: Authorization: expected `Bearer TOKEN`/),
    ]);
    const [away, why] = await run(['map', '--server', 'http://127.0.0.1:3']);
    expect([away, why]).toEqual([
      1,
      expect.stringMatching(/^tidegauge: server\.url http:\/\/127\.0\.0\.1:3: .*ECONNREFUSED/),
    ]);
    const [other, refused] = await run(['review'], { TIDEGAUGE_SERVER_URL: served.listener.url });
    expect([other, refused]).toEqual([
      2,
      expect.stringContaining('this command reads store and state itself'),
    ]);
  }, 240_000);
});

it('an incident is read back as it was written: its text is the same in every zone', () => {
  const zone = TimeZone.named('Asia/Tokyo');
  if (!zone) throw new Error('no such zone');
  const plain = incidentOf(1_700_000_000_000, { image: 'web:1', labels: { team: 'shop' }, ended: 'gone' });
  const [finding] = plain.findings;
  if (!finding) throw new Error('no finding');
  const before = { times: 2, inWeek: 1, last: 1_699_900_000_000, since: 1_690_000_000_000 };
  const peer = { kind: 'container' as const, name: 'db', service: 'shop/db', address: '10.0.0.2' };
  const rest = { protocol: 'tcp' as const, role: 'client' as const, port: 5432, bytes: 9, share: 0.92 };
  const incident = {
    ...plain,
    resolvedAt: 1_700_000_060_000,
    escalation: { from: 'info' as const, at: 1_700_000_030_000 },
    findings: [{ ...finding, before, peer: { ...peer, ...rest }, window: { from: 1, to: 2 } }],
  };
  const json = incidentJson(incident);
  const read = incidentFromJson(JSON.parse(JSON.stringify({ ...json, mark: {} })));
  expect(incidentJson(read)).toEqual(json);
  expect(incidentLines(read, zone)).toEqual(incidentLines(incident, zone));
});
