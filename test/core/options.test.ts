import { expect, it } from '@jest/globals';
import { addressRanges } from '../../core/options.ts';

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
