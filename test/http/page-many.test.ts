import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { type Browser, chromium, type Page } from 'playwright-core';
import { SqliteStore } from '../../store/sqlite/store.ts';
import { busyParts, frameOf } from '../data/frames.ts';
import { describeWith } from '../parts/need.ts';
import { temporaryFolder } from '../parts/process.ts';
import { writeConfig } from '../parts/tidegauge.ts';
import { type Served, serve } from './api/fixture.ts';

const MANY = 1000;
const WHEN = 'range=1h&until=2023-11-14T22:30:00.000Z';

describeWith(['chromium'], 'the page of a host with a thousand containers', () => {
  const folder = temporaryFolder();
  let served: Served;
  let browser: Browser;
  let page: Page;
  beforeAll(async () => {
    writeConfig(folder.path, { data: folder.path, host: 'web-1' });
    const store = new SqliteStore(join(folder.path, 'tidegauge.db'));
    await store.open();
    await store.writeFrames([0, 1, 2].map(n => frameOf('web-1', n, busyParts(MANY))));
    await store.close();
    served = await serve(folder.path);
    browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
    page = await browser.newPage();
    page.setDefaultTimeout(120_000);
    await page.goto(`${served.listener.url}/?view=containers&${WHEN}`);
    await page.locator('.row').first().waitFor();
  }, 240_000);
  afterAll(async () => {
    await browser?.close();
    await served?.close();
    folder.remove();
  });

  const find = () => page.getByRole('searchbox', { name: 'Find a container or service' });

  it('makes only the rows that are seen, and says how many there are', async () => {
    expect(await page.locator('.row').count()).toBeLessThan(60);
    expect(await page.locator('.row').first().getAttribute('aria-setsize')).toBe(`${MANY}`);
    await page.locator('.list').evaluate(list => list.scrollTo(0, list.scrollHeight));
    await page.locator(`.row[aria-posinset="${MANY}"]`).waitFor();
    expect(await page.locator('.row').count()).toBeLessThan(60);
  }, 240_000);

  it('finds one by a part of its name, in an address that can be kept', async () => {
    await find().fill('C0999');
    await page.getByText(`1 of ${MANY}`).waitFor();
    expect(await page.locator('.row').count()).toBe(1);
    const address = page.url();
    await page.goto('about:blank');
    await page.goto(address);
    await page.getByText(`1 of ${MANY}`).waitFor();
    expect(await find().inputValue()).toBe('C0999');
    await find().fill('nobody');
    await page.getByText(`0 of ${MANY}`).waitFor();
    await find().fill('');
    await page.getByText(`${MANY}, the busiest first`).waitFor();
  }, 240_000);

  it('does not read all of them again with every change', async () => {
    const asked: string[] = [];
    page.on('request', request => asked.push(new URL(request.url()).pathname));
    await page.getByRole('link', { name: 'Overview' }).click();
    await page.getByText('No incidents in this range.').waitFor();
    expect(asked).toContain('/api/v1/incidents');
    expect(asked).not.toContain('/api/v1/containers');
  }, 240_000);
});
