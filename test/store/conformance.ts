import { afterAll, beforeAll } from '@jest/globals';
import type { Store } from '../../store/contract.ts';
import { describeWith, type Part } from '../parts/need.ts';
import { influxUnderTest, sqliteUnderTest, type UnderTest } from './stores.ts';

const IMPLEMENTATIONS: readonly [name: string, parts: readonly Part[], start: () => Promise<UnderTest>][] = [
  ['sqlite', [], sqliteUnderTest],
  ['influx', ['influx'], influxUnderTest],
];

/** What every store promises (store/contract.ts), tested with each. `of` gives the one under test, open. */
export function describeStores(subject: string, body: (of: () => Store, name: string) => void): void {
  for (const [name, parts, start] of IMPLEMENTATIONS) {
    describeWith(parts, `${name} store: ${subject}`, () => {
      let under: UnderTest;
      beforeAll(async () => {
        under = await start();
      });
      afterAll(() => under?.stop());
      body(() => under.store, name);
    });
  }
}
