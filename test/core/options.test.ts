import { expect, it } from '@jest/globals';
import { addressRanges, groups } from '../../core/options.ts';

it.each(['10.96.0.0/12', '0.0.0.0/0', '10.0.0.1/32', 'fd00:96::/112', '::/0', '::1/128'])(
  '%s is a range of addresses',
  text => expect(addressRanges().parse([text])).toEqual([text]),
);

it.each([
  '',
  '10.96.0.0',
  '10.96.0.0/',
  '10.96.0.0/33',
  '10.96.0.0/-1',
  '10.96.0.0/1e1',
  '10.96/12',
  'fd00::/129',
  'localhost/8',
  '10.0.0.0/8/8',
])('%j is none', text => {
  expect(addressRanges().safeParse([text]).error?.issues[0]?.message).toMatch(/such as 10\.96\.0\.0\/12/);
});

it.each([
  ['docker, 998', ['docker', 998]],
  [' docker ', ['docker']],
  [
    ['docker', 998],
    ['docker', 998],
  ],
  [998, [998]],
  ['', []],
  [[], []],
])('%j names groups', (value, names) => expect(groups().parse(value)).toEqual(names));

it.each([
  ['docker,', '""'],
  [['docker', '-G'], '"-G"'],
  [[['a b']], '"a b"'],
  [['docker', null, '\u001b'], '"\\u001b"'],
  [[{ name: 'docker' }], '"[object Object]"'],
  [-5, '"-5"'],
  [1.5, '"1.5"'],
  [{ name: 'docker' }, undefined],
  [true, undefined],
])('%j names no groups: the wrong one is told, and what would be right', (value, found) => {
  const issue = groups().safeParse(value).error?.issues[0];
  expect(issue?.message).toMatch(/such as docker, 998 or \[docker, 998\]/);
  expect(issue?.code === 'custom' ? issue.params?.found : undefined).toBe(found);
});
