import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Probe } from '../../../bpf/contract.ts';
import { PROBES } from '../../../bpf/index.ts';
import { type Program, programSchema, textOf } from '../../../collector/capture/program.ts';
import { PARAMETERS } from '../../data/parameters.ts';

const probe = (parameters: object, name = 'flows') => ({ kind: 'probe', probe: name, parameters });

/** What somebody would like to have in a program, in front of arbitrary other things. */
const hostile = fc.oneof(
  fc.constantFrom<unknown>(
    '1; system("id")',
    '5000\n} BEGIN { system("id") } interval:ms:5000 {',
    '../../etc/passwd',
    '../hooks/tracepoint',
    'flows"; exit(); "',
    '$& $1 $`',
    -1,
    1.5,
    1e300,
    Number.NaN,
    null,
    [],
    ['system'],
    { toString: 'id' },
  ),
  fc.string({ unit: 'binary' }),
  fc.anything(),
);

it.each([...Object.keys(PARAMETERS), 'another'])('takes nothing hostile as %s', name => {
  fc.assert(
    fc.property(hostile, value => {
      const { success } = programSchema.safeParse(probe({ ...PARAMETERS, [name]: value }));
      if (!success)
        return expect(() => textOf(probe({ ...PARAMETERS, [name]: value }) as unknown as Program)).toThrow();
      // A value by chance: then it is a number of ours, or a word from our own lists.
      expect(JSON.stringify(value)).toMatch(
        /^(null|\d+|\[\]|\[\d+,\d+\]|"(tracepoint|fentry|kprobe|fast|exact)")$/,
      );
    }),
    { numRuns: 2000 },
  );
});

it('takes nothing hostile as the name of a probe, nor a text beside it', () => {
  fc.assert(
    fc.property(hostile, value => {
      fc.pre(value !== undefined && !PROBES.some(({ name }) => name === value));
      for (const program of [
        probe(PARAMETERS, value as string),
        { kind: value },
        { ...probe(PARAMETERS), text: value },
      ])
        expect(() => textOf(program as unknown as Program)).toThrow();
    }),
  );
});

it.each(PROBES.map((one): [string, Probe] => [one.name, one]))(
  'makes the text of %s out of its own files and these numbers alone',
  (name, { render }) => {
    fc.assert(
      fc.property(
        fc.integer({ min: 200, max: 60_000 }),
        fc.integer({ min: 1, max: 4_000_000 }),
        (intervalMs, mapKeys) => {
          const parameters = { ...PARAMETERS, intervalMs, mapKeys };
          const words = (text: string) => text.replace(/\d+/g, '0');
          const { text } = textOf({ kind: 'probe', probe: name, parameters });
          expect(words(text)).toBe(words(render(PARAMETERS)));
          expect(text).toContain(`${name} ${intervalMs} ${mapKeys}`);
        },
      ),
      { numRuns: 50 },
    );
  },
);
