/**
 * Pictures of the page and of a report for the documentation: `node scripts/pictures.ts [FOLDER]`. They show what the
 * laboratory has recorded of real containers (qa/lab/fixtures), moved to now. Needs Chromium.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { pino } from 'pino';
import { type Browser, chromium } from 'playwright-core';
import { makeApi, openListener } from '../app/http.ts';
import { makeState, makeStore } from '../app/wire.ts';
import { load } from '../cli/context.ts';
import { isoTime, systemClock } from '../core/clock.ts';
import type { Config } from '../core/config/config.ts';
import type { Frame } from '../core/traffic/frame.ts';
import { createRegistry } from '../http/registry.ts';
import { endingAt, install, NO_LOG } from '../qa/lab/install.ts';
import { readRecording } from '../qa/lab/recording.ts';

const HOST = 'shop-1';
const SCREEN = { width: 1000, height: 640 };
/** So long after the beginning of the recording the first incidents are over, ms. */
const SHOWN_MS = 26 * 60_000;

/** The recording, as if its last frame had ended now, on a host with another name. */
function framesUntilNow(): Frame[] {
  const { frames } = readRecording(join(import.meta.dirname, '../qa/lab/fixtures'));
  return endingAt(frames, systemClock.now()).map(frame => ({ ...frame, host: HOST }));
}

/** Takes pictures of the page: an hour in which much happened, and its map. */
async function shootPage(config: Config, browser: Browser, until: number): Promise<void> {
  const store = makeStore(config, NO_LOG, { readOnly: true });
  const state = makeState(config, systemClock, NO_LOG);
  await store.open();
  await state.open();
  const context = {
    config,
    clock: systemClock,
    log: pino({ enabled: false }),
    signal: new AbortController().signal,
  };
  const api = makeApi(context, '127.0.0.1', { store, state });
  const options = { host: '127.0.0.1', port: 0, registry: createRegistry(), checks: [] };
  const listener = await openListener(options, api);
  const page = await browser.newPage({ viewport: SCREEN });
  const open = async (query: string) => {
    await page.goto(`${listener.url}/?range=1h&until=${isoTime(until)}&${query}`);
    await page.locator('#content[aria-busy=false]').waitFor();
    await page.getByText(/^live/).waitFor();
  };
  await open('');
  await page.screenshot({ path: join(target, 'page.png') });
  await open('view=map');
  await page.getByRole('region', { name: /^Drawing/ }).screenshot({ path: join(target, 'map.png') });
  await listener.close();
  await state.close();
  await store.close();
}

/** Takes a picture of the worst incident of a report. */
async function shootReport(folder: string, browser: Browser): Promise<void> {
  const report = join(folder, 'report.html');
  const { status, stderr } = spawnSync(
    process.execPath,
    ['cli/main.ts', 'review', '-c', join(folder, 'tidegauge.yaml'), '--from', '2h', '--html', report],
    { encoding: 'utf8', cwd: join(import.meta.dirname, '..') },
  );
  if (status !== 0) throw new Error(`review failed: ${stderr}`);
  const page = await browser.newPage({ viewport: SCREEN });
  await page.goto(pathToFileURL(report).href);
  const worst = page.locator('article.incident', { has: page.locator('.severity.critical') }).first();
  // Its charts: tables are better read where they are.
  const box = await worst.boundingBox();
  if (!box) throw new Error('the report has no critical incident');
  const clip = { ...box, height: Math.min(box.height, SCREEN.height) };
  await page.screenshot({ path: join(target, 'review.png'), clip, fullPage: true });
}

const target = process.argv[2] ?? join(import.meta.dirname, '../docs');
const folder = mkdtempSync(join(tmpdir(), 'tidegauge-pictures-'));
const file = join(folder, 'tidegauge.yaml');
writeFileSync(file, `host: ${HOST}\ndata: ${folder}\n`);
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
try {
  const { config } = load({ config: file });
  const frames = framesUntilNow();
  await install(config, frames);
  await shootPage(config, browser, (frames[0]?.start ?? 0) + SHOWN_MS);
  await shootReport(folder, browser);
} finally {
  await browser.close();
  rmSync(folder, { recursive: true, force: true });
}
