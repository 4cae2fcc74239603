import { expect, it } from '@jest/globals';
import { addressRanges, confirmation, globMatcher, groups } from '../../../core/config/options.ts';

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

it.each([
  ['', '', true],
  ['', 'a', false],
  ['*', '', true],
  ['*', 'two\nlines', true],
  ['web-?', 'web-💥', true],
  ['web-?', 'web-10', false],
  ['*a*ab*b', 'aabb', true],
  ['*a*ab*b', 'aab', false],
  ['ab*ba', 'aba', false],
  ['a.c+(d)', 'a.c+(d)', true],
  ['a.c', 'abc', false],
  ['**\\**', 'C:\\x', true],
])('glob %j over %j: %j', (glob, name, fits) => expect(globMatcher(glob)(name)).toBe(fits));

it('a glob is decided soon, whatever the name is made for', () => {
  // As a regular expression with `.*` this would take longer than anybody waits.
  expect(globMatcher(`${'*-'.repeat(12)}*x`)('-'.repeat(200))).toBe(false);
});

it('`2 of 3` is how many alarms in how many frames', () => {
  expect(confirmation().parse('2 of 3')).toEqual({ alarms: 2, frames: 3 });
  for (const text of ['', '2', '0 of 3', '4 of 3', '2 of 61', '2 of 3 frames', '-1 of 3', '1.5 of 3'])
    expect(confirmation().safeParse(text).error?.issues[0]?.message).toMatch(/such as `2 of 3`/);
});
