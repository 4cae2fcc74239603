import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import { KeyTable } from '../../../collector/decode/key-table.ts';
import { BoundedMultimap } from '../../../collector/identity/bounded-multimap.ts';

const word = fc.oneof(fc.nat(3), fc.integer({ min: 0, max: 2 ** 32 - 1 }));

it('keys are numbered as they come, whatever the seed', () => {
  const keys = fc.array(fc.tuple(word, word, word), { maxLength: 200 });
  fc.assert(
    fc.property(keys, fc.integer(), (list, seed) => {
      const table = new KeyTable(3, seed);
      const texts = list.map(key => key.join());
      const expected = [...new Set(texts)];
      expect(list.map(key => table.numberOf(Uint32Array.from(key)))).toEqual(
        texts.map(text => expected.indexOf(text)),
      );
      const key = new Uint32Array(3);
      const kept = expected.map((_, number) => {
        table.key(number, key);
        return key.join();
      });
      expect(kept).toEqual(expected);
      expect(table.size).toBe(expected.length);
    }),
  );
});

it('keys keep their numbers while their table grows', () => {
  const table = new KeyTable(2);
  const numbers = () => Array.from({ length: 10_000 }, (_, i) => table.numberOf(Uint32Array.of(i % 7, i)));
  const first = numbers();
  expect(first).toEqual(first.map((_, i) => i));
  expect(numbers()).toEqual(first);
});

it('a bounded multimap answers like a plain list of what was added', () => {
  const step = fc.record({
    key: fc.constantFrom('a', 'b'),
    value: fc.nat(4),
    pause: fc.nat(1),
    gone: fc.option(fc.nat(4), { freq: 9 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 6 }), (steps, limit) => {
      const multimap = new BoundedMultimap<string, number>(limit);
      let list: { key: string; value: number; frame: number }[] = [];
      let frame = 1;
      for (const { key, value, pause, gone } of steps) {
        frame += pause;
        multimap.add(key, value, frame);
        list = [...list.filter(one => one.key !== key || one.value !== value), { key, value, frame }];
        list = list.slice(-limit);
        if (gone !== null) {
          multimap.expire(frame - 3, one => one === gone);
          list = list.filter(one => one.frame >= frame - 3 && one.value !== gone);
        }
        expect(multimap.size).toBe(list.length);
        for (const under of ['a', 'b']) {
          const own = list.filter(one => one.key === under);
          const last = Math.max(...own.map(one => one.frame));
          const values = (some: typeof own) => some.map(one => one.value).sort();
          expect(multimap.all(under).sort()).toEqual(values(own));
          expect(multimap.recent(under).sort()).toEqual(values(own.filter(one => one.frame >= last - 1)));
        }
      }
    }),
  );
});
