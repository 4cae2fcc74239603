import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { inTurn, median, spread } from '../../qa/bench/measure.ts';
import { markdown, rewrite } from '../../qa/bench/report.ts';

const ROOT = join(import.meta.dirname, '../..');

describe('benchmarks', () => {
  it('measure things in turn, every other round backwards', async () => {
    const order: string[] = [];
    const thing = (name: string) => () => order.push(name);
    expect(await inTurn(3, { a: thing('a'), b: thing('b') })).toEqual({ a: [1, 4, 5], b: [2, 3, 6] });
    expect(order.join('')).toBe('abbaab');
  });

  it('give medians and spreads', () => {
    expect(median([9, 1, 5])).toBe(5);
    expect(spread([1.004, 0.5, 2])).toBe('0.50 to 2.00');
  });

  it('replace their own part of the document and nothing else', () => {
    const document =
      'a\n<!-- bench: x -->\nold\n<!-- /bench -->\nb\n<!-- bench: y -->\nkept\n<!-- /bench -->\n';
    const table = markdown({ title: 'T', rows: [{ name: 'a|b', value: '1', ratio: '2', spread: '3' }] });
    const rewritten = rewrite(document, 'x', table);
    expect(rewritten).toContain('| a\\|b | 1 | 2 | 3 |');
    expect(rewritten).not.toContain('old');
    expect(rewritten).toContain('kept');
    expect(rewrite(rewritten, 'x', table)).toBe(rewritten);
    expect(() => rewrite(document, 'z', table)).toThrow(/bench: z/);
  });

  it('have a place in docs/benchmarks.md each', () => {
    const document = readFileSync(join(ROOT, 'docs/benchmarks.md'), 'utf8');
    const names = [
      ...readFileSync(join(ROOT, 'qa/bench/main.ts'), 'utf8').matchAll(/^ {2}(\w+): \w+Bench,$/gm),
    ];
    expect(names.length).toBeGreaterThan(0);
    for (const [, name] of names) expect(() => rewrite(document, name ?? '', '')).not.toThrow();
  });
});
