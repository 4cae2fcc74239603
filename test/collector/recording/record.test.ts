import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import type { Input } from '../../../collector/contract.ts';
import {
  decodeHeader,
  decodeInput,
  encodeHeader,
  encodeInput,
  openRecording,
} from '../../../collector/recording/record.ts';
import { recordingLog } from '../../parts/log.ts';
import { temporaryFolder } from '../../parts/process.ts';

let folder: ReturnType<typeof temporaryFolder>;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => folder.remove());

it('is readable by its owner alone, and complete after every line', () => {
  const file = join(folder.path, 'a.ndjson');
  const recording = openRecording(file, recordingLog().log);
  recording.write('one\n');
  recording.write('tüo\n');
  expect(readFileSync(file, 'utf8')).toBe('one\ntüo\n');
  expect(statSync(file).mode & 0o777).toBe(0o600);
  recording.close();
  recording.write('late\n');
  expect(readFileSync(file, 'utf8')).toBe('one\ntüo\n');
});

it('refuses a file that cannot be made', () => {
  expect(() => openRecording(join(folder.path, 'no/such/folder'), recordingLog().log)).toThrow(
    /--record .*cannot be written: no such folder/,
  );
});

it('ends when the disk is full: said once, and nobody else is disturbed', () => {
  const { log, lines } = recordingLog();
  const recording = openRecording('/dev/full', log);
  recording.write('one\n');
  recording.write('two\n');
  recording.close();
  expect(lines).toEqual([
    {
      level: 'error',
      message: 'the recording ends here: it cannot be written',
      fields: { file: '/dev/full', error: expect.stringMatching(/ENOSPC/) },
    },
  ]);
});

it('holds what Docker said, and when it was heard; recordings of earlier versions do not say when', () => {
  const id = 'ab'.repeat(32);
  const published = [{ protocol: 'tcp', address: null, port: 8080, target: 80 }] as const;
  const networks = [{ network: 'n', addresses: ['10.9.0.2', 'fd00::2'] }];
  const inputs: Input[] = [
    { kind: 'reached', boot: 12.5, endpoints: { id, networks, published } },
    { kind: 'forgotten', boot: 13.5, id },
  ];
  for (const input of inputs) expect(decodeInput(encodeInput(input))).toEqual(input);
  expect(decodeInput(`{"kind":"forgotten","id":"${id}"}`)).toEqual({ kind: 'forgotten', boot: 0, id });
  expect(decodeInput('{"kind":"reached","boot":1,"endpoints":{"id":"x"}}')).toBeNull();
});

it('has a header that says how its frames are made, and is refused when nothing can be made with it', () => {
  const options = { host: 'h', intervalMs: 5000, mapKeys: 9, maxContainers: 5, previous: null };
  const written = encodeHeader('flows', { ...options, serviceRanges: ['10.96.0.0/12'] });
  expect(decodeHeader(written, 'file')).toMatchObject({ ...options, serviceRanges: ['10.96.0.0/12'] });
  expect(() => decodeHeader(encodeHeader('flows', { ...options, serviceRanges: ['x'] }), 'file')).toThrow(
    /^file, line 1: expected the header of a recording, version 1, found serviceRanges.0 a range of addresses/,
  );
});
