/**
 * What a review of a store is compared with: reads all frames of the configured host from an InfluxDB and does nothing with
 * them. Its argument is the configuration as JSON.
 */
import { keepHeapSmall, widenYoungGeneration } from '../../../app/heap.ts';

keepHeapSmall();
const { makeStore, SCHEMA } = await import('../../../app/wire.ts');
const { NO_LOG } = await import('../../lab/install.ts');
widenYoungGeneration();
const config = SCHEMA.parse(JSON.parse(process.argv[2] ?? ''));
const store = makeStore(config, NO_LOG, { readOnly: true });
await store.open();
let windows = 0;
for await (const frame of store.readFrames(config.host, { from: 0, to: Number.MAX_SAFE_INTEGER }))
  windows += frame.windows.length;
await store.close();
if (windows === 0) throw new Error('nothing was read');
