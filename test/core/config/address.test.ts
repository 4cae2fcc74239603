import { describe, expect, it } from '@jest/globals';
import {
  type AddressKind,
  INFLUX_ADDRESS,
  NODE_ADDRESS,
  parseAddress,
  parseHostPort,
  RECEIVER_ADDRESS,
  REDIS_ADDRESS,
  SENTINEL_ADDRESS,
} from '../../../core/config/address.ts';
import { address } from '../../../core/config/options.ts';

const SECRET = 'hunter2';

const refusalOf = (text: string, kind: AddressKind): string => {
  const issue = address(kind).safeParse(text).error?.issues[0];
  return `${issue?.message}, found ${issue?.code === 'custom' ? issue.params?.found : 'nothing'}`;
};

describe('an address', () => {
  it.each([
    ['redis://127.0.0.1:6379', REDIS_ADDRESS],
    ['rediss://user:p%40ss%2Fword@redis.internal/3', REDIS_ADDRESS],
    ['redis://:only-password@[::1]:6379/0?family=6', REDIS_ADDRESS],
    ['redis://host/', REDIS_ADDRESS],
    ['redis://USER:PASSWORD@mymaster/2', REDIS_ADDRESS],
    ['rediss://user:pass@sentinel-1.internal:26379', SENTINEL_ADDRESS],
    ['redis://[::1]:7000', NODE_ADDRESS],
    ['https://influx.internal/behind/a/proxy', INFLUX_ADDRESS],
    ['https://chat.example/hook/@room?token=x', RECEIVER_ADDRESS],
  ])('%s is taken', (text, kind) => expect(parseAddress(text, kind)).toBeInstanceOf(URL));

  it.each([
    ['redis://host/db', REDIS_ADDRESS, /nothing after the host but the number of a database/],
    ['redis://host:6379/0/1', REDIS_ADDRESS, /number of a database/],
    ['redis://host?db=3', REDIS_ADDRESS, /nothing after `\?` but family=4 or family=6/],
    ['redis:///0', REDIS_ADDRESS, /a host/],
    ['redis:host', REDIS_ADDRESS, /starts with redis:\/\/ or rediss:\/\/, such as redis:\/\/redis\.internal/],
    ['host:6379', REDIS_ADDRESS, /starts with redis:\/\/ or rediss:\/\//],
    ['http://host', REDIS_ADDRESS, /starts with redis:\/\/ or rediss:\/\//],
    ['redis://host:99999', REDIS_ADDRESS, /a port from 1 to 65535/],
    ['redis://host:0', REDIS_ADDRESS, /a port from 1 to 65535/],
    ['redis://node-1,node-2,node-3', REDIS_ADDRESS, /one host, such as redis:/],
    ['redis://::1:6379', REDIS_ADDRESS, /IPv6 in brackets/],
    ['redis://host #0', REDIS_ADDRESS, /without spaces/],
    ['sentinel-1:26379', SENTINEL_ADDRESS, /such as redis:\/\/sentinel-1\.internal:26379/],
    ['redis://sentinel-1:26379/0', SENTINEL_ADDRESS, /nothing after host and port/],
    ['redis://node-2?family=6', NODE_ADDRESS, /nothing after host and port/],
    ['redis://me:hunter2@node-2', NODE_ADDRESS, /they go into `redis\.url`.*not shown/],
    ['http://host:8086?db=x', INFLUX_ADDRESS, /without `\?`/],
    ['http://host/#top', RECEIVER_ADDRESS, /without `#`, which is written %23/],
  ])('%s is refused with what is wrong', (text, kind, words) => expect(refusalOf(text, kind)).toMatch(words));

  it.each([
    [`redis://me:${SECRET}@ss@host`, /@ as %40/],
    [`redis://me:${SECRET}/ss@host`, /\/ as %2F/],
    [`redis://me:12/${SECRET}@host`, /\/ as %2F/],
    [`redis://me:12#${SECRET}@host`, /# as %23/],
    [`redis://me:${SECRET}?x@host`, /\? as %3F/],
    [`redis://me:100%${SECRET}@host`, /% as %25/],
    [`redis://me:two ${SECRET}@host`, /a space as %20/],
    [`redis://${SECRET}@host`, /redis:\/\/:PASSWORD@HOST/],
    [`redis://me:${SECRET}`, /a port from 1 to 65535/],
    [`redis://me:${SECRET}@host:port`, /a port from 1 to 65535/],
    [SECRET, /starts with redis:\/\//],
  ])('with its password written wrongly, %s, says how to write it and shows nothing', (text, words) => {
    const said = refusalOf(text, REDIS_ADDRESS);
    expect(said).toMatch(words);
    expect(said).toMatch(/, found a value that is not shown$/);
  });

  it.each([
    [INFLUX_ADDRESS, 'they go into `username` and `password`'],
    [RECEIVER_ADDRESS, 'they go into `headers`'],
  ])('without credentials says where those go: %#', (kind, where) => {
    const said = refusalOf(`https://me:${SECRET}@host/`, kind);
    expect(said).toBe(`an address without user and password: ${where}, found a value that is not shown`);
  });
});

it('a host with a port may be a name, IPv4 or IPv6', () => {
  expect(parseHostPort('redis.internal')).toEqual({ host: 'redis.internal', port: null });
  expect(parseHostPort('127.0.0.1:26379')).toEqual({ host: '127.0.0.1', port: 26379 });
  expect(parseHostPort('[::1]:1')).toEqual({ host: '::1', port: 1 });
  for (const text of ['', 'a:99999', '::1', 'a b:1', 'http://a', 'a:'])
    expect(parseHostPort(text)).toBeNull();
});
