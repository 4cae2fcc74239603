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
import { type HostOutput, stepOver } from '../alert/host.ts';
import { makeApi, openListener } from '../app/http.ts';
import { makeFold, makeState, makeStore } from '../app/wire.ts';
import { load } from '../cli/context.ts';
import { systemClock } from '../core/clock.ts';
import type { Config } from '../core/config/config.ts';
import type { Incident } from '../core/incident/incident.ts';
import type { Log } from '../core/log.ts';
import { type Frame, frameEnd } from '../core/traffic/frame.ts';
import { NOTHING_RAISED } from '../detector/fold/marks.ts';
import { createRegistry } from '../http/registry.ts';
import { readRecording } from '../qa/lab/recording.ts';

const HOST = 'shop-1';
const SCREEN = { width: 1200, height: 800 };
const PHONE = { width: 390, height: 844 };
/** Frames and rows of one write. */
const BATCH = 200;
const IGNORE: Log = { debug: ignore, info: ignore, warn: ignore, error: ignore };
function ignore(): void {}

/** The recording, as if its last frame had ended now, on a host with another name. */
function framesUntilNow(): Frame[] {
  const { frames } = readRecording(join(import.meta.dirname, '../qa/lab/fixtures'));
  const [last] = frames.slice(-1);
  const shift = last ? Math.floor(systemClock.now() - frameEnd(last)) : 0;
  return frames.map(frame => ({
    ...frame,
    host: HOST,
    start: frame.start + shift,
    previous: frame.previous === null ? null : frame.previous + shift,
  }));
}

/** Stores the frames and what the default rules make of them, as a worker does. */
async function fill(config: Config, frames: readonly Frame[]): Promise<void> {
  const store = makeStore(config, IGNORE);
  await store.open();
  for (let i = 0; i < frames.length; i += BATCH) await store.writeFrames(frames.slice(i, i + BATCH));
  const state = makeState(config, systemClock, IGNORE);
  await state.open();
  const fold = makeFold(config);
  const outputs: HostOutput[] = [];
  const incidents = new Map<string, Incident>();
  let known = fold.init();
  for (const frame of frames) {
    const step = stepOver(fold, known, frame, NOTHING_RAISED, error => {
      throw error;
    });
    if (!step) continue;
    known = step.state;
    outputs.push(step);
    for (const incident of step.incidents) incidents.set(incident.id, incident);
  }
  await store.writeDetections(outputs.flatMap(({ detections }) => detections));
  await store.writeAnnotations(outputs.flatMap(({ annotations }) => annotations));
  const lease = await state.acquire('lane-0', 'pictures', 60_000);
  if (!lease) throw new Error('the lease of the lane is not free');
  await state.commit(lease, { incidents: [...incidents.values()], notifications: [] });
  const last = frames.at(-1)?.start ?? 0;
  await state.saveCheckpoint(lease, {
    ...{ host: HOST, last, fingerprint: fold.fingerprint },
    data: fold.encode(known),
  });
  await state.close();
  await store.close();
}

/** Takes pictures of the page, served from the data of a folder. */
async function shootPage(config: Config, browser: Browser, target: string): Promise<void> {
  const store = makeStore(config, IGNORE, { readOnly: true });
  const state = makeState(config, systemClock, IGNORE);
  await store.open();
  await state.open();
  const context = { config, clock: systemClock, log: IGNORE, signal: new AbortController().signal };
  const api = makeApi(context as never, '127.0.0.1', { store, state });
  const options = { host: '127.0.0.1', port: 0, registry: createRegistry(), checks: [] };
  const listener = await openListener(options, api);
  const page = await browser.newPage({ viewport: SCREEN });
  const shoot = async (name: string, query: string) => {
    await page.goto(`${listener.url}/?${query}`);
    await settled(page);
    await page.screenshot({ path: join(target, `${name}.png`) });
  };
  await shoot('page', '');
  await shoot('page-map', 'view=map');
  await shoot('page-container', 'container=lab-db-1');
  await page.emulateMedia({ colorScheme: 'dark' });
  await shoot('page-dark', '');
  await shoot('page-map-dark', 'view=map');
  await shoot('page-container-dark', 'container=lab-db-1');
  await page.setViewportSize(PHONE);
  await shoot('page-phone', '');
  await shoot('page-map-phone', 'view=map');
  await shoot('page-container-phone', 'container=lab-db-1');
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
  await fill(config, framesUntilNow());
  await shootPage(config, browser, target);
  await shootReport(folder, browser, target);
} finally {
  await browser.close();
  rmSync(folder, { recursive: true, force: true });
}
