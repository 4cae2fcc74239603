/**
 * Pictures of the page and of a report for the documentation: `node scripts/pictures.ts [FOLDER]`. They show what the
 * laboratory has recorded of real containers (qa/lab/fixtures), moved to now. Needs Chromium.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';
import { makeApi, openListener } from '../app/http.ts';
import { makeState, makeStore } from '../app/wire.ts';
import { load } from '../cli/context.ts';
import { systemClock } from '../core/clock.ts';
import type { Config } from '../core/config/config.ts';
import type { Frame } from '../core/traffic/frame.ts';
import { createRegistry } from '../http/registry.ts';
import { endingAt, install, NO_LOG } from '../qa/lab/install.ts';
import { readRecording } from '../qa/lab/recording.ts';

const HOST = 'shop-1';
/** Whom most happened to in the recording. */
const CULPRIT = 'container=lab-db-1';
const SCREEN = { width: 1200, height: 800 };
const PHONE = { width: 390, height: 844 };
/** The recording, as if its last frame had ended now, on a host with another name. */
function framesUntilNow(): Frame[] {
  const { frames } = readRecording(join(import.meta.dirname, '../qa/lab/fixtures'));
  return endingAt(frames, systemClock.now()).map(frame => ({ ...frame, host: HOST }));
}

/** Takes pictures of the page, served from the data of a folder. */
async function shootPage(config: Config, browser: Browser, target: string): Promise<void> {
  const store = makeStore(config, NO_LOG, { readOnly: true });
  const state = makeState(config, systemClock, NO_LOG);
  await store.open();
  await state.open();
  const context = { config, clock: systemClock, log: NO_LOG, signal: new AbortController().signal };
  const api = makeApi(context as never, '127.0.0.1', { store, state });
  const options = { host: '127.0.0.1', port: 0, registry: createRegistry(), checks: [] };
  const listener = await openListener(options, api);
  const page = await browser.newPage({ viewport: SCREEN });
  const shoot = async (name: string, query: string, fullPage = false) => {
    await page.goto(`${listener.url}/?${query}`);
    await settled(page);
    await page.screenshot({ path: join(target, `${name}.png`), fullPage });
  };
  await shoot('page', '');
  await shoot('page-map', 'view=map');
  await shoot('page-container', CULPRIT, true);
  await page.emulateMedia({ colorScheme: 'dark' });
  await shoot('page-dark', '');
  await shoot('page-map-dark', 'view=map');
  await shoot('page-container-dark', CULPRIT, true);
  await page.setViewportSize(PHONE);
  await shoot('page-phone', '');
  await shoot('page-map-phone', 'view=map');
  await shoot('page-container-phone', CULPRIT, true);
  await listener.close();
  await state.close();
  await store.close();
}

/** Everything that was asked for is there, and the page is connected. */
const settled = async (page: Page): Promise<void> => {
  await page.locator('#content[aria-busy=false]').waitFor();
  await page.getByText(/^live/).waitFor();
};

/** Takes a picture of a report of all of it: its map. */
async function shootReport(folder: string, browser: Browser, target: string): Promise<void> {
  const file = join(folder, 'report.html');
  const { status, stderr } = spawnSync(
    process.execPath,
    ['cli/main.ts', 'review', '-c', join(folder, 'tidegauge.yaml'), '--from', '2h', '--html', file],
    { encoding: 'utf8', cwd: join(import.meta.dirname, '..') },
  );
  if (status !== 0) throw new Error(`review failed: ${stderr}`);
  const page = await browser.newPage({ viewport: SCREEN });
  await page.goto(pathToFileURL(file).href);
  await page.screenshot({ path: join(target, 'report.png') });
  await page.locator('#map').screenshot({ path: join(target, 'report-map.png') });
}

const target = process.argv[2] ?? join(import.meta.dirname, '../docs');
const folder = mkdtempSync(join(tmpdir(), 'tidegauge-pictures-'));
const file = join(folder, 'tidegauge.yaml');
writeFileSync(file, `host: ${HOST}\ndata: ${folder}\n`);
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
try {
  const { config } = load({ config: file });
  await install(config, framesUntilNow());
  await shootPage(config, browser, target);
  await shootReport(folder, browser, target);
} finally {
  await browser.close();
  rmSync(folder, { recursive: true, force: true });
}
