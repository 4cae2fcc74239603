import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { SCHEMA } from '../../../app/wire.ts';
import { ConfigError } from '../../../cli/config/config-error.ts';
import { loadConfig } from '../../../cli/config/load.ts';
import { isSecret } from '../../../cli/config/redact.ts';
import { PLACES } from '../../../cli/config/references.ts';
import { schemaKeys } from '../../../cli/config/schema-keys.ts';
import { temporaryFolder } from '../../parts/process.ts';
import { tidegauge, writeConfig } from '../../parts/tidegauge.ts';

const folder = temporaryFolder();
afterAll(() => folder.remove());
const machine = { hostname: 'h', data: '/d' };
const at = (name: string) => join(folder.path, name);

const loadAll = (settings: object, env: Record<string, string> = {}) => {
  const file = join(writeConfig(folder.path, settings), 'tidegauge.yaml');
  return loadConfig(SCHEMA, { file, env, machine });
};
const load = (receiver: object, env: Record<string, string> = {}) => loadAll({ receivers: [receiver] }, env);
const refusalOf = (settings: object, env: Record<string, string> = {}): string => {
  try {
    loadAll(settings, env);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  throw new Error('it was accepted');
};
const refusal = (receiver: object, env: Record<string, string> = {}): string =>
  refusalOf({ receivers: [receiver] }, env);

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
      /tidegauge\.yaml:5:7: receivers\.0\.url: expected a file with the value, found .*none: no such file/,
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

describe('secrets of the configuration', () => {
  it('may all stand in files', () => {
    writeFileSync(at('secret'), 'a text of more than 16\r\n'.replaceAll(' ', '-'));
    writeFileSync(at('sentinel'), 'redis://:s3cret@sentinel.internal:26379\n');
    const secret = { file: at('secret') };
    const { config, references } = loadAll(
      {
        store: { kind: 'influx', influx: { token: secret, username: secret, password: secret } },
        redis: { url: 'redis://mymaster', password: secret, sentinels: [{ file: at('sentinel') }] },
        http: { tokens: [{ name: 'page', token: secret }] },
        server: { token: secret },
        heartbeat: { url: { env: 'BEAT' } },
      },
      { BEAT: 'https://hc.example/T0KEN' },
    );
    const text = 'a-text-of-more-than-16';
    expect(config.store.influx).toMatchObject({ token: text, username: text, password: text });
    expect(config.redis).toMatchObject({
      password: text,
      sentinels: ['redis://:s3cret@sentinel.internal:26379'],
    });
    expect([config.http.tokens[0]?.token, config.server.token, config.heartbeat.url]).toEqual([
      text,
      text,
      'https://hc.example/T0KEN',
    ]);
    expect(references.get('redis.sentinels.0')).toEqual({ file: at('sentinel') });
  });

  it('leave no key out whose value is hidden', () => {
    const hidden = schemaKeys(SCHEMA).filter(({ path }) => isSecret(path));
    expect(hidden.length).toBeGreaterThanOrEqual(4);
    for (const { path } of hidden)
      expect([path, PLACES.some(place => place.every((key, i) => path[i] === key))]).toEqual([path, true]);
  });

  it('may stand in files by their variables, in place of what the file of settings says', () => {
    writeFileSync(at('redis-password'), 'p@ss: word\n');
    const env = { TIDEGAUGE_REDIS_PASSWORD: `{ file: ${at('redis-password')} }` };
    for (const redis of [{}, { password: 'another' }, { password: { env: 'ANOTHER' } }])
      expect(loadAll({ redis }, env).config.redis.password).toBe('p@ss: word');
    const braces = '{ file: }';
    expect(loadAll({}, { TIDEGAUGE_REDIS_PASSWORD: braces }).config.redis.password).toBe(braces);
  });

  it('leave other groups with a file as they are', () => {
    const settings = { store: { sqlite: { file: '/nowhere/a.db' } }, state: { sqlite: { file: 'b.db' } } };
    const { config, references } = loadAll(settings, { TIDEGAUGE_HOST: '{ file: h }' });
    expect([config.store.sqlite.file, config.state.sqlite.file, config.host]).toEqual([
      '/nowhere/a.db',
      'b.db',
      '{ file: h }',
    ]);
    expect(references.size).toBe(0);
  });

  it('are refused with what to do when the file is no file, empty or something large', () => {
    mkdirSync(at('folder'));
    writeFileSync(at('large'), 'x'.repeat(65_537));
    writeFileSync(at('empty'), '\n');
    const said = (name: string) =>
      refusalOf({}, { TIDEGAUGE_STORE_INFLUX_TOKEN: `{ file: ${at(name)} }` }).replaceAll(folder.path, '');
    expect(said('none')).toContain(
      'environment variable TIDEGAUGE_STORE_INFLUX_TOKEN: store.influx.token: expected a file with the value, found /none: no such file. Write the value into a file there, or correct the path',
    );
    expect(said('folder')).toContain('found /folder: a folder. Put a file with the value');
    expect(said('empty')).toContain('found /empty: it is empty. Write the value into it');
    expect(said('large')).toContain('more than 64 KiB. Name a file that holds the value alone');
  });

  it('are not shown when what a file holds is refused', () => {
    writeFileSync(at('url'), 'redis://:hunter2@a b\n');
    const message = refusalOf({ redis: { url: { file: at('url') } } });
    expect(message).toContain('redis.url: expected an address with');
    expect(message).not.toContain('hunter2');
  });
});
