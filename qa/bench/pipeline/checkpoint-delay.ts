import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { HostFold } from '../../../alert/host.ts';
import { systemClock } from '../../../core/clock.ts';
import { createSqliteState } from '../../../state/sqlite/state.ts';
import { busyParts, frameOf } from '../../../test/data/frames.ts';
import { type BenchTable, inTurn, median, spread } from '../measure.ts';

const ROUNDS = 3;
const CONTAINERS = 10_000;
/** Frames of the other host come so often, ms. */
const EVERY_MS = 10;

/**
 * How long a frame of another host waits while a checkpoint of a large one is made and stored in SQLite: in pieces as
 * workers do it, and as one text of JSON at once.
 */
export async function checkpointDelay(newFold: () => HostFold): Promise<BenchTable> {
  const fold = newFold();
  const large = busyParts(CONTAINERS);
  const small = busyParts(20);
  let state = fold.init();
  for (let n = 0; n < 60; n++) state = fold.step(state, frameOf('large', n, large)).state;
  const folder = mkdtempSync(join(tmpdir(), 'tidegauge-bench-'));
  const saved = createSqliteState({ file: join(folder, 'state.db'), clock: systemClock });
  try {
    await saved.open();
    const lease = await saved.acquire('lane-0', 'bench', 3_600_000);
    if (!lease) throw new Error('the lease is held');
    let last = 0;
    const save = async (data: Promise<string> | string) => {
      const checkpoint = { host: 'large', last: last++, fingerprint: fold.fingerprint, data: await data };
      await saved.saveCheckpoint(lease, checkpoint);
    };
    const other = newFold();
    let known = other.init();
    let n = 0;
    const judge = () => {
      known = other.step(known, frameOf('small', n++, small)).state;
    };
    const longest = async (action: () => Promise<void>) => {
      const delays: number[] = [];
      let isDone = false;
      const frames = (async () => {
        while (!isDone) {
          const due = performance.now() + EVERY_MS;
          await sleep(EVERY_MS);
          judge();
          delays.push(performance.now() - due);
        }
      })();
      await action();
      isDone = true;
      await frames;
      return Math.max(...delays);
    };
    const times = await inTurn(ROUNDS, {
      none: () => longest(() => sleep(1000)),
      once: () => longest(() => save(JSON.stringify(state))),
      pieces: () => longest(() => save(fold.save(state))),
    });
    const row = (name: string, own: readonly number[]) => {
      const ratios = own.map((ms, i) => ms / (times.once[i] ?? Number.NaN));
      return {
        name,
        value: `${median(own).toFixed(0)} ms`,
        ratio: median(ratios).toFixed(2),
        spread: spread(ratios),
      };
    };
    return {
      title: 'Longest delay of a frame of another host beside a checkpoint of 10,000 containers, SQLite',
      rows: [
        row('made and stored at once', times.once),
        row('in pieces, packed', times.pieces),
        row('no checkpoint', times.none),
      ],
    };
  } finally {
    await saved.close();
    rmSync(folder, { recursive: true });
  }
}
