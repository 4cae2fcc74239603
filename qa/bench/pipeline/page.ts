/**
 * What the page costs: how soon a browser shows something and how soon it shows all of it, and what the process that
 * answers it needs while somebody looks on and a frame is stored every 5 s. An hour of containers that all have traffic.
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Browser, chromium } from 'playwright-core';
import { systemClock } from '../../../core/clock.ts';
import type { Frame } from '../../../core/traffic/frame.ts';
import { SqliteStore } from '../../../store/sqlite/store.ts';
import { busyParts } from '../../../test/data/frames.ts';
import { freePort, temporaryFolder } from '../../../test/parts/process.ts';
import { tidegauge, writeConfig } from '../../../test/parts/tidegauge.ts';
import type { BenchTable } from '../measure.ts';
import { costOf } from '../process-cost.ts';

const CONTAINERS = [200, 1000];
const MINUTE_MS = 60_000;
const FRAME_MS = 5000;
/** The last of the hour is stored as it is captured, what is before that in frames of a minute. */
const FINE_MS = 5 * MINUTE_MS;
const HOUR_MS = 60 * MINUTE_MS;
/** How long somebody looks on, ms. */
const WATCHED_MS = 120_000;

export async function pageBench(): Promise<BenchTable[]> {
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
  try {
    const rows: BenchTable['rows'][number][] = [];
    for (const count of CONTAINERS) rows.push(...(await rowsOf(count, browser)));
    return [{ title: 'The page, the last hour', rows }];
  } finally {
    await browser.close();
  }
}

async function rowsOf(count: number, browser: Browser): Promise<BenchTable['rows'][number][]> {
  const folder = temporaryFolder();
  const port = await freePort();
  writeConfig(folder.path, { host: 'web-1', data: folder.path, http: { listen: `127.0.0.1:${port}` } });
  const store = new SqliteStore(join(folder.path, 'tidegauge.db'));
  await store.open();
  const hour = new Hour(store, count);
  await hour.fill();
  const child = tidegauge(['serve'], { cwd: folder.path });
  try {
    await child.until('the page', output => output.includes(`127.0.0.1:${port}`));
    const page = await browser.newPage();
    const begin = systemClock.monotonic();
    await page.goto(`http://127.0.0.1:${port}/`);
    await page.locator('.row').first().waitFor();
    const whole = systemClock.monotonic() - begin;
    const first = await page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime");
    const before = costOf(child.process.pid)?.cpuMs ?? Number.NaN;
    for (let watched = 0; watched < WATCHED_MS; watched += FRAME_MS) {
      await hour.addFrame();
      await hour.rollUp();
      await sleep(FRAME_MS);
    }
    const cost = (costOf(child.process.pid)?.cpuMs ?? Number.NaN) - before;
    await page.close();
    const row = (name: string, value: string) => ({
      name: `${count} containers: ${name}`,
      value,
      ratio: '',
      spread: '',
    });
    return [
      row('first paint', `${Math.round(Number(first))} ms`),
      row('all of it, the first time', `${Math.round(whole)} ms`),
      row('server, while somebody looks', `${((1000 * cost) / WATCHED_MS).toFixed(1)} ms/s`),
    ];
  } finally {
    await child.stop();
    await store.close();
    folder.remove();
  }
}

/** Stored frames of a host, up to now. */
class Hour {
  readonly #store: SqliteStore;
  readonly #parts: ReturnType<typeof busyParts>;
  #previous: number | null = null;
  readonly #begin: number;
  #end: number;

  constructor(store: SqliteStore, containers: number) {
    this.#store = store;
    this.#parts = busyParts(containers);
    this.#begin = systemClock.now() - HOUR_MS;
    this.#end = this.#begin;
  }

  async fill(): Promise<void> {
    const fineFrom = this.#begin + HOUR_MS - FINE_MS;
    while (this.#end < fineFrom) await this.#store.writeFrames([this.#next(MINUTE_MS)]);
    while (this.#end < systemClock.now()) await this.addFrame();
    await this.rollUp();
  }

  /** As the process that detects does. */
  rollUp = (): Promise<number> =>
    this.#store.rollUp('web-1', { from: this.#begin - MINUTE_MS, to: this.#end });

  addFrame = (): Promise<void> => this.#store.writeFrames([this.#next(FRAME_MS)]);

  #next(durationMs: number): Frame {
    const [start, previous] = [this.#end, this.#previous];
    this.#previous = start;
    this.#end += durationMs;
    const nothing = { faults: [], lost: 0, occupancy: 0, started: [], ended: [], flows: [], connections: [] };
    return { host: 'web-1', start, durationMs, previous, ...nothing, ...this.#parts };
  }
}
