import { beforeAll, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Annotation, Detection } from '../../core/incident/incident.ts';
import type { ExpectedRange } from '../../core/incident/normal.ts';
import { compareDetections, compareExpected } from '../../store/check.ts';
import type { IncidentStore } from '../../store/contract.ts';
import { annotationArbitrary, detectionArbitrary, expectedArbitrary, hostileText } from './arbitrary.ts';
import { describeStores } from './conformance.ts';
import { T0 } from './named-frame.ts';
import { ALL, hostNames } from './stores.ts';

describeStores('incidents', of => {
  let store: IncidentStore;
  beforeAll(() => {
    store = of();
  });
  const newHost = hostNames('incidents');

  it('gives back detections, by start, then container; a later write replaces', async () => {
    const list = fc.uniqueArray(detectionArbitrary(fc.constant('')), {
      maxLength: 8,
      selector: d => JSON.stringify([d.start, d.container]),
    });
    await fc.assert(
      fc.asyncProperty(list, hostileText, async (bare, suffix) => {
        const host = newHost(suffix);
        const written = bare.map(detection => ({ ...detection, host }));
        await store.writeDetections(written.map(detection => ({ ...detection, score: 1 })));
        await store.writeDetections(written);
        expect(await store.readDetections(host, ALL)).toEqual(written.toSorted(compareDetections));
      }),
      { numRuns: 30 },
    );
  });

  it('reads detections of a half-open range', async () => {
    const host = newHost();
    const written = Array.from({ length: 5000 }, (_, i) =>
      detectionOf(host, T0 + Math.floor(i / 2), `c${i % 2}`),
    );
    await store.writeDetections(written);
    expect(await store.readDetections(host, { from: T0, to: T0 + 2500 })).toEqual(written);
    expect(await store.readDetections(host, { from: T0 + 10, to: T0 + 12 })).toEqual(written.slice(20, 24));
  });

  it('refuses a detection that is no number, for good', async () => {
    const row = { ...detectionOf(newHost(), T0, 'a'), seen: Number.POSITIVE_INFINITY };
    await expect(store.writeDetections([row])).rejects.toMatchObject({
      name: 'ExchangeError',
      retry: false,
    });
  });

  it('gives back what was expected, in order; a later write replaces', async () => {
    const list = fc.uniqueArray(expectedArbitrary(fc.constant('')), {
      maxLength: 8,
      selector: row => JSON.stringify([row.start, row.container, row.rule, row.direction, row.metric]),
    });
    await fc.assert(
      fc.asyncProperty(list, hostileText, async (bare, suffix) => {
        const host = newHost(suffix);
        const written = bare.map(row => ({ ...row, host }));
        await store.writeExpected(written.map(row => ({ ...row, low: 1 })));
        await store.writeExpected(written);
        expect(await store.readExpected(host, ALL)).toEqual(written.toSorted(compareExpected));
      }),
      { numRuns: 30 },
    );
  });

  it('reads what was expected in a half-open range, however many rows are of one container and time', async () => {
    const host = newHost();
    const written = Array.from({ length: 5000 }, (_, i) =>
      expectedOf(host, T0 + Math.floor(i / 5), `rule${i % 5}`),
    );
    await store.writeExpected(written);
    expect(await store.readExpected(host, { from: T0, to: T0 + 1000 })).toEqual(written);
    expect(await store.readExpected(host, { from: T0 + 10, to: T0 + 12 })).toEqual(written.slice(50, 60));
    expect(await store.readExpected(newHost(), ALL)).toEqual([]);
  });

  it('refuses what was expected when it is no number, for good', async () => {
    const row = { ...expectedOf(newHost(), T0, 'rule'), high: Number.POSITIVE_INFINITY };
    await expect(store.writeExpected([row])).rejects.toMatchObject({ name: 'ExchangeError', retry: false });
  });

  it('gives back annotations as they were written', async () => {
    const list = fc.uniqueArray(annotationArbitrary(fc.constant('')), {
      maxLength: 5,
      selector: a => a.id,
    });
    await fc.assert(
      fc.asyncProperty(list, hostileText, async (bare, suffix) => {
        const host = newHost(suffix);
        const written = bare.map(annotation => ({ ...annotation, host, id: `${host} ${annotation.id}` }));
        await store.writeAnnotations(written);
        expect(await store.readAnnotations(ALL, host)).toEqual(byStartAndId(written));
      }),
      { numRuns: 30 },
    );
  });

  it('grows and resolves an annotation, whatever the order of writes', async () => {
    const opening = annotationOf(newHost(), 'i', T0, 5000);
    const growth = { ...opening, end: T0 + 10_000, severity: 'critical' as const, title: 'grown' };
    const resolution = { ...growth, state: 'resolved' as const, title: 'over' };
    const orders = [
      [opening, growth, resolution],
      [opening, resolution, growth],
      [resolution, opening, growth, opening],
      [growth, resolution, resolution, opening],
    ];
    for (const order of orders) {
      const host = newHost();
      const id = `id of ${host}`;
      for (const version of order) await store.writeAnnotations([{ ...version, host, id }]);
      expect(await store.readAnnotations(ALL, host)).toEqual([{ ...resolution, host, id }]);
    }
  });

  it('merges versions of one annotation in one call', async () => {
    const opening = annotationOf(newHost(), 'once', T0, 5000);
    await store.writeAnnotations([{ ...opening, state: 'resolved' }, opening]);
    expect(await store.readAnnotations(ALL, opening.host)).toEqual([{ ...opening, state: 'resolved' }]);
  });

  it('finds annotations whose region touches the range, of one host or all', async () => {
    const host = newHost();
    const long = annotationOf(host, `${host} long`, T0 - 86_400_000, 86_400_000 + 5000);
    const late = annotationOf(host, `${host} late`, T0 + 10_000, 5000);
    const moment = annotationOf(newHost(), `${host} moment`, T0 + 3000, 0);
    await store.writeAnnotations([late, long, moment]);
    const ids = async (from: number, to: number, of?: string) =>
      (await store.readAnnotations({ from: T0 + from, to: T0 + to }, of))
        .map(annotation => annotation.id)
        .filter(id => id.startsWith(`${host} `));
    expect(await ids(0, 5000)).toEqual([long.id, moment.id]);
    expect(await ids(0, 5000, host)).toEqual([long.id]);
    expect(await ids(3000, 10_000)).toEqual([long.id, moment.id]);
    expect(await ids(5000, 10_000)).toEqual([]);
    expect(await ids(14_999, 20_000)).toEqual([late.id]);
  });
});

function byStartAndId(list: readonly Annotation[]): Annotation[] {
  return list.toSorted((a, b) => a.start - b.start || (a.id < b.id ? -1 : 1));
}

function detectionOf(host: string, start: number, container: string): Detection {
  const scores = { burst: 2, level: 0.5 };
  return { host, service: 's', container, start, score: 2, scores, seen: 10, expected: 5, open: true };
}

function expectedOf(host: string, start: number, rule: string): ExpectedRange {
  const quantity = { direction: 'send', metric: 'bytes', low: 0, high: 4096.5 } as const;
  return { host, service: 's', container: 'c', start, rule, ...quantity };
}

function annotationOf(host: string, id: string, start: number, length: number): Annotation {
  const what = { severity: 'warning', state: 'firing', title: 'title', text: 'text' } as const;
  return { id, host, service: 's', container: 'c', start, end: start + length, ...what };
}
