import { beforeAll, expect, it } from '@jest/globals';
import type { Store } from '../../store/contract.ts';
import { describeStores } from './conformance.ts';
import { namedFrame, T0 } from './named-frame.ts';
import { ALL, collect } from './stores.ts';

describeStores('administration', of => {
  let store: Store;
  beforeAll(() => {
    store = of();
  });

  it('says what it is and where', async () => {
    const info = await store.open();
    expect(info.product).toMatch(/^(SQLite|InfluxDB) v?\d+\.\d+/);
    expect(info.location).not.toBe('');
  });

  it('is set up twice without harm, and says that it is', async () => {
    const first = await store.init();
    expect(first.at(-1) ?? '').not.toBe('');
    expect(await store.init()).toEqual(first);
  });

  it('keeps everything when it is closed and opened again', async () => {
    const host = 'kept';
    const frame = namedFrame(host, T0, ['a']);
    await store.writeFrames([frame]);
    await store.close();
    await expect(store.writeFrames([frame])).rejects.toMatchObject({ retry: false });
    await store.open();
    expect(await collect(store.readFrames(host, ALL))).toEqual([frame]);
  });
});
