import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { type Browser, chromium, type Page } from 'playwright-core';
import { load } from '../../cli/context.ts';
import { isoTime, systemClock } from '../../core/clock.ts';
import { endingAt, install } from '../../qa/lab/install.ts';
import { readRecording } from '../../qa/lab/recording.ts';
import { seriousFaults } from '../parts/axe.ts';
import { describeWith } from '../parts/need.ts';
import { temporaryFolder } from '../parts/process.ts';
import { writeConfig } from '../parts/tidegauge.ts';
import { type Served, serve } from './api/fixture.ts';

/** Of what the laboratory has recorded: 20 minutes in which all is well, then its database sends far too much. */
const FRAMES = 300;
const CULPRIT = 'lab-db-1';

describeWith(['chromium'], 'the page of one container', () => {
  const folder = temporaryFolder();
  const recorded = readRecording(join(import.meta.dirname, '../../qa/lab/fixtures')).frames;
  const frames = endingAt(recorded.slice(0, FRAMES), systemClock.now());
  let served: Served;
  let browser: Browser;
  let page: Page;
  beforeAll(async () => {
    writeConfig(folder.path, { data: folder.path, host: 'lab' });
    await install(load({ config: join(folder.path, 'tidegauge.yaml') }).config, frames);
    served = await serve(folder.path);
    browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
    page = await browser.newPage({ bypassCSP: true });
    page.setDefaultTimeout(120_000);
    await page.goto(`${served.listener.url}/?container=${CULPRIT}`);
    await page.locator('#content[aria-busy=false]').waitFor();
  }, 240_000);
  afterAll(async () => {
    await browser?.close();
    await served?.close();
    folder.remove();
  });

  /** All parts of what is shown are there. */
  const settled = () => page.locator('#content[aria-busy=false]').waitFor();

  it('says what is normal there, by what its rule has learnt', async () => {
    const { json } = await served.ask('GET', `/containers/${CULPRIT}/normal`);
    const [rule] = json.rules;
    expect(rule.rule).toBe('traffic');
    for (const { now, side } of rule.quantities) expect(now.limit > now.usual ? 'high' : 'low').toBe(side);
    expect(rule.quantities.filter(({ side }: { side: string }) => side === 'low')).toHaveLength(1);
    const rows = page.getByRole('region', { name: 'Table: what is normal here' }).locator('tbody tr');
    expect(await rows.count()).toBe(4);
    expect(await rows.last().textContent()).toMatch(
      /^messages, both waysat least .* msg\/s(below .* msg\/s|never)/,
    );
    // Whether a half-hour is known yet depends on when in one the recording ends.
    const known = rule.quantities.filter((one: { by_half_hour: unknown[] }) =>
      one.by_half_hour.some(Boolean),
    );
    expect(await page.locator('svg.day').count()).toBe(known.length);
    const unknown = rows.getByRole('cell', { name: 'nothing yet', exact: true });
    expect(await unknown.count()).toBe(rule.quantities.length - known.length);
    // Whether its limit fits into the chart depends on when in a half-hour the recording ends.
    await page.goto(`${served.listener.url}/?container=lab-api-1`);
    await settled();
    expect(await page.locator('svg.chart .limit').count()).toBe(1);
    expect(await page.locator('main figcaption').first().textContent()).toMatch(
      /from .*\/s sent on .* it is an incident$/,
    );
    await page.goto(`${served.listener.url}/?container=${CULPRIT}`);
    await page.locator('#content[aria-busy=false]').waitFor();
  }, 240_000);

  it('says of a container that is new until when it is learned, and calls nothing an incident before', async () => {
    // Two minutes of it, of which its rule needs more.
    const folder = temporaryFolder();
    writeConfig(folder.path, { data: folder.path, host: 'lab' });
    await install(
      load({ config: join(folder.path, 'tidegauge.yaml') }).config,
      endingAt(recorded.slice(0, 24), systemClock.now()),
    );
    const young = await serve(folder.path);
    try {
      const { json } = await young.ask('GET', `/containers/${CULPRIT}/normal`);
      const traffic = json.learning.find(({ rule }: { rule: string }) => rule === 'traffic');
      expect(Date.parse(traffic.until)).toBeGreaterThan(Date.parse(json.at));
      const opened = await browser.newPage();
      opened.setDefaultTimeout(120_000);
      await opened.goto(`${young.listener.url}/?container=${CULPRIT}`);
      await opened.getByText(/^traffic is still learning it, until \d\d.*, for another/).waitFor();
      const cells = opened.getByRole('region', { name: 'Table: what is normal here' }).locator('td');
      const texts = await cells.allTextContents();
      expect(texts).toContain('none yet');
      for (const text of texts) expect(text).not.toMatch(/^-?$|^(from|below) /);
      await opened.close();
    } finally {
      await young.close();
      folder.remove();
    }
  }, 240_000);

  it('has no serious fault of access, nor has the map, in light and in dark', async () => {
    expect(await seriousFaults(page)).toEqual([]);
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.goto(`${served.listener.url}/?view=map`);
    await settled();
    expect(await seriousFaults(page)).toEqual([]);
    await page.goto(`${served.listener.url}/?container=${CULPRIT}`);
    await settled();
    expect(await seriousFaults(page)).toEqual([]);
  }, 240_000);

  it('shows its incident, and whom it talked to', async () => {
    expect(await page.locator('.incident h3').first().textContent()).toContain(CULPRIT);
    expect(await page.locator('svg.map').textContent()).toContain('lab/web');
    for (const row of await page.locator('main tbody tr:has(td a)').all())
      expect(await row.textContent()).toContain(CULPRIT);
  }, 240_000);

  it('leads from any time to the other incidents of it', async () => {
    const calm = isoTime((frames[0]?.start ?? 0) + 600_000);
    await page.goto(`${served.listener.url}/?container=${CULPRIT}&until=${calm}`);
    await page.getByText('No incidents in this range.').waitFor();
    await page.locator('.others a').first().click();
    await page.locator('.incident.led-to').waitFor();
    await settled();
    expect(await page.locator('.incident h3').first().textContent()).toContain(CULPRIT);
    expect(await page.locator('svg.chart .shade').count()).toBeGreaterThan(0);
  }, 240_000);
});
