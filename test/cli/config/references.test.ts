import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { SCHEMA } from '../../../app/wire.ts';
import { ConfigError } from '../../../cli/config/config-error.ts';
import { loadConfig } from '../../../cli/config/load.ts';
import { temporaryFolder } from '../../parts/process.ts';
import { tidegauge, writeConfig } from '../../parts/tidegauge.ts';

const folder = temporaryFolder();
afterAll(() => folder.remove());
const machine = { hostname: 'h', data: '/d' };
const at = (name: string) => join(folder.path, name);

const load = (receiver: object, env: Record<string, string> = {}) => {
  const file = join(writeConfig(folder.path, { receivers: [receiver] }), 'tidegauge.yaml');
  return loadConfig(SCHEMA, { file, env, machine });
};
const refusal = (receiver: object, env: Record<string, string> = {}): string => {
  try {
    load(receiver, env);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  throw new Error('it was accepted');
};

describe('values of receivers that stand elsewhere', () => {
  it('are read from files and variables, also inside of groups and lists', () => {
    writeFileSync(at('url'), 'https://chat.example/T0KEN\n');
    const { config, warnings } = load(
      {
        ...{ use: 'webhook', name: 'chat', url: { file: at('url') } },
        headers: { Authorization: { env: 'TIDEGAUGE_CHAT_TOKEN' }, file: 'a header of this name' },
      },
      { TIDEGAUGE_CHAT_TOKEN: 'Bearer x' },
    );
    expect(config.receivers[0]?.options).toMatchObject({
      url: 'https://chat.example/T0KEN',
      headers: { Authorization: 'Bearer x', file: 'a header of this name' },
    });
    expect(warnings).toEqual([]);
    const mail = { use: 'email', name: 'm', server: 'mail', from: 'a@b.example', to: [{ env: 'TO' }] };
    expect(load(mail, { TO: 'c@d.example' }).config.receivers[0]?.options).toMatchObject({
      to: ['c@d.example'],
    });
  });

  it('are refused where they are not there, with the place', () => {
    const hook = { use: 'webhook', name: 'chat' };
    expect(refusal({ ...hook, url: { file: at('none') } })).toMatch(
      /tidegauge\.yaml:5:7: receivers\.0\.url: expected a file with the value, found .*none: ENOENT/,
    );
    writeFileSync(at('empty'), '\n');
    expect(refusal({ ...hook, url: { file: at('empty') } })).toContain('it is empty');
    expect(refusal({ ...hook, url: { env: 'NOWHERE' } })).toContain(
      'receivers.0.url: expected an environment variable with the value, found no NOWHERE',
    );
  });

  it('are not shown when they are refused, whatever key they are of', () => {
    const message = refusal(
      { use: 'ntfy', name: 'phone', topic: { env: 'TOPIC' }, token: { env: 'TOKEN' } },
      { TOPIC: 's3cret topic', TOKEN: 's3cret token' },
    );
    expect(message).toContain('found a value that is not shown');
    expect(message).not.toContain('s3cret');
  });

  it('are not shown by check, which says where they stand', async () => {
    writeFileSync(at('password'), 'hunter2\n');
    writeConfig(folder.path, {
      data: folder.path,
      receivers: [
        { use: 'ntfy', name: 'phone', topic: { env: 'TOPIC' }, token: 't0ken-in-the-file' },
        {
          ...{
            use: 'email',
            name: 'mail',
            server: 'mail',
            username: 'me',
            password: { file: at('password') },
          },
          ...{ from: 'a@b.example', to: ['c@d.example'], rate: '30/m' },
        },
      ],
    });
    const check = tidegauge(['check'], { cwd: folder.path, env: { TOPIC: 's3cret-topic' } });
    await check.ended(0);
    for (const secret of ['s3cret-topic', 't0ken-in-the-file', 'hunter2'])
      expect(check.output).not.toContain(secret);
    expect(check.output).toContain('topic:\n      env: TOPIC');
    expect(check.output).toContain(`password:\n      file: ${at('password')}`);
    expect(check.output).toContain('rate: 30/m');
  });
});
