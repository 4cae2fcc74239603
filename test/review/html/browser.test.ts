import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { type Browser, chromium, type Page } from 'playwright-core';
import { seriousFaults } from '../../parts/axe.ts';
import { describeWith } from '../../parts/need.ts';
import { temporaryFolder } from '../../parts/process.ts';
import { hostileReport } from './pages.ts';

describeWith(['chromium'], 'a report in a browser', () => {
  const folder = temporaryFolder();
  const file = join(folder.path, 'report.html');
  let browser: Browser;
  beforeAll(async () => {
    writeFileSync(file, hostileReport());
    browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
  });
  afterAll(async () => {
    await browser?.close();
    folder.remove();
  });

  /** Opens it; `said`: what the console and the network had to say beside the file. */
  async function open(
    options: { colorScheme?: 'dark' | 'light'; width?: number } = {},
  ): Promise<{ page: Page; said: string[] }> {
    const { colorScheme = 'light', width = 1200 } = options;
    // The policy of the page allows no script: neither does it ours, which looks for faults.
    const context = await browser.newContext({
      colorScheme,
      viewport: { width, height: 900 },
      bypassCSP: true,
    });
    const page = await context.newPage();
    const said: string[] = [];
    page.on('console', message => said.push(message.text()));
    page.on('pageerror', error => said.push(String(error)));
    page.on('dialog', dialog => said.push(`dialog ${dialog.message()}`));
    page.on('request', request => {
      if (request.url() !== pathToFileURL(file).href) said.push(request.url());
    });
    await page.goto(pathToFileURL(file).href);
    return { page, said };
  }

  it.each([
    ['light', 1200],
    ['dark', 1200],
    ['light', 390],
    ['dark', 390],
  ] as const)(
    'in %s colours, %d px wide, has no serious fault of access, asks for nothing, and is no wider',
    async (colorScheme, width) => {
      const { page, said } = await open({ colorScheme, width });
      for (const details of await page.locator('details').all())
        await details.evaluate(one => one.setAttribute('open', ''));
      expect(await seriousFaults(page)).toEqual([]);
      expect(said).toEqual([]);
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
      await page.context().close();
    },
  );

  it('is read by keyboard: past the top, to an incident, into a table that scrolls', async () => {
    const { page } = await open({ width: 390 });
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    expect(new URL(page.url()).hash).toBe('#main');
    const link = page.locator('ul.rows a').first();
    await link.focus();
    await page.keyboard.press('Enter');
    expect(new URL(page.url()).hash).toMatch(/^#i-[0-9a-f]{16}$/);
    const table = page.locator('article .scroll').first();
    await table.focus();
    const summary = page.locator('summary').last();
    await summary.focus();
    await page.keyboard.press('Enter');
    expect(await page.locator('details').last().getAttribute('open')).toBe('');
    await page.context().close();
  });

  it('with its own policy in force is styled, and runs no script', async () => {
    const context = await browser.newContext();
    const page = await context.newPage();
    const said: string[] = [];
    page.on('console', message => said.push(message.text()));
    await page.goto(pathToFileURL(file).href);
    expect(said).toEqual([]);
    const width = await page.evaluate("getComputedStyle(document.querySelector('main')).maxWidth");
    expect(width).toBe('1080px');
    await context.close();
  });
});
