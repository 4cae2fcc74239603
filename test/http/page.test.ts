import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { type Browser, chromium, type Page } from 'playwright-core';
import { incidentOf, resolved } from '../data/incidents.ts';
import { describeWith } from '../parts/need.ts';
import type { temporaryFolder } from '../parts/process.ts';
import { FIRING, filledFolder, HOSTILE, OVER, type Served, serve } from './api/fixture.ts';

const UNTIL = '&range=1h&until=2023-11-14T22:30:00.000Z';

describeWith(['chromium'], 'the page in a browser', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let served: Served;
  let browser: Browser;
  let page: Page;
  const said: string[] = [];
  const asked: string[] = [];

  beforeAll(async () => {
    folder = await filledFolder();
    served = await serve(folder.path);
    browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
    page = await browser.newPage();
    page.setDefaultTimeout(120_000);
    page.on('console', message => message.type() === 'error' && said.push(message.text()));
    page.on('pageerror', error => said.push(String(error)));
    page.on('request', request => asked.push(request.url()));
  }, 240_000);
  afterAll(async () => {
    await browser?.close();
    await served.close();
    folder.remove();
  });

  const open = async (query: string) => {
    await page.goto(`${served.listener.url}/?${query}${UNTIL}`);
    await page.locator('main h2, main h1').first().waitFor();
  };
  /** Nothing is wider than the screen. */
  const fits = () => page.evaluate('document.documentElement.scrollWidth <= window.innerWidth');
  /** For whoever wants to look: TIDEGAUGE_TEST_SHOTS names a folder. */
  const shoot = async (name: string) => {
    const shots = process.env.TIDEGAUGE_TEST_SHOTS;
    if (shots) await page.screenshot({ path: `${shots}/${name}.png`, fullPage: true });
  };

  it('shows incidents and containers, names as they are, in light, in dark and on a phone', async () => {
    await open('');
    await page.locator('.incident').first().waitFor();
    const text = await page.locator('main').textContent();
    expect(text).toContain(HOSTILE);
    expect(text).toContain(FIRING.title);
    expect(await page.locator('main script').count()).toBe(0);
    await page.locator('.row').first().waitFor();
    await shoot('light');
    await page.emulateMedia({ colorScheme: 'dark' });
    await shoot('dark');
    await page.setViewportSize({ width: 390, height: 844 });
    expect(await fits()).toBe(true);
    await shoot('phone');
    await page.setViewportSize({ width: 1280, height: 800 });
    await page.emulateMedia({ colorScheme: 'light' });
  }, 240_000);

  it('is there before the first answer, and says that it is not connected only when that failed', async () => {
    const opened = await browser.newPage();
    opened.setDefaultTimeout(120_000);
    const held = Promise.withResolvers<'continue' | 'abort'>();
    await opened.route('**/api/v1/**', async route => route[await held.promise]());
    await opened.goto(`${served.listener.url}/`, { waitUntil: 'load' });
    expect(await opened.locator('#live').textContent()).toBe('connecting…');
    expect(await opened.locator('#content').getAttribute('aria-busy')).toBe('true');
    // One at first, then one for each part of the view.
    expect(await opened.locator('.skeleton').first().isVisible()).toBe(true);
    expect(await opened.locator('#views a').count()).toBeGreaterThan(1);
    held.resolve('abort');
    await opened.getByText(/^not connected/).waitFor();
    await opened.close();
  }, 240_000);

  it('shows, by the link in a message, whom the incident is about, at its time', async () => {
    await page.goto(`${served.listener.url}/?incident=${OVER.id}`);
    await page.getByRole('heading', { level: 1, name: OVER.container }).waitFor();
    const { searchParams } = new URL(page.url());
    expect(Object.fromEntries(searchParams)).toEqual({
      ...{ host: OVER.host, container: OVER.container, range: '1h', incident: OVER.id },
      until: new Date(OVER.end + 600_000).toISOString(),
    });
    await page.locator(`#incident-${OVER.id}`).waitFor();

    // One that is forgotten is said, and does not stay in the way. The browser complains of the answer by itself.
    await page.goto(`${served.listener.url}/?incident=0123456789abcdef`);
    await page.locator('main').getByRole('alert').waitFor();
    await page.getByRole('link', { name: 'Containers' }).click();
    await page.getByRole('heading', { level: 2, name: 'Containers' }).waitFor();
    expect(new URL(page.url()).search).toBe('?view=containers');
    expect(said.splice(0).every(text => text.includes('404'))).toBe(true);
  }, 240_000);

  it('leads by keyboard to one container, whose address can be kept', async () => {
    await open('view=containers');
    await page.locator('.row a').first().focus();
    await page.keyboard.press('ArrowDown');
    const name = await page.evaluate('document.activeElement.textContent');
    await page.keyboard.press('Enter');
    await page.locator('main h1').waitFor();
    expect(await page.locator('main h1').textContent()).toBe(name);
    const address = page.url();
    await page.goto('about:blank');
    await page.goto(address);
    await page.locator('main h1').waitFor();
    expect(await page.locator('main h1').textContent()).toBe(name);
    await page.locator('svg.chart').waitFor();
    await shoot('container');
  }, 240_000);

  it('shows who talked to whom, what fails first', async () => {
    await open('view=map');
    await page.locator('tbody tr').first().waitFor();
    const first = await page.locator('tbody tr').first().textContent();
    expect(first).toContain(HOSTILE);
    expect(first).toMatch(/\d+ of \d+ failed/);
    expect(await page.locator('svg.map').textContent()).toContain(HOSTILE);
    const failing = page.locator('svg.map .edge.failing title');
    expect(await failing.textContent()).toMatch(/tcp 5432: .*, \d+ connections failed$/);
    await shoot('map');
    await page.locator('svg.map a').first().focus();
    await page.keyboard.press('Enter');
    await page.locator('main h1').waitFor();
    await page.locator('svg.map a').nth(1).waitFor();
  }, 240_000);

  it('shows what a silence would keep back before it is there, and ends it again', async () => {
    await open('view=incidents');
    const card = page.locator('.incident', { has: page.locator('.firing') });
    await card.getByRole('button', { name: `Silence…: ${FIRING.title}` }).click();
    const plan = card.getByRole('group', { name: `Silence: ${FIRING.title}` });
    await plan.getByText(/nobody is told\. It keeps back this incident and no other/).waitFor();
    expect(await plan.textContent()).toContain(`Container ${HOSTILE} on web-1`);
    expect(await served.state.silences(0)).toEqual([]);
    // Nobody silences for eight hours what was only seen for two.
    const isKnown = Promise.withResolvers<void>();
    await page.route('**/api/v1/silences', async route => {
      if (route.request().method() === 'POST') await isKnown.promise;
      await route.continue();
    });
    await plan.getByRole('combobox').selectOption('8h');
    expect(await plan.getByRole('button', { name: /^Silence now/ }).isDisabled()).toBe(true);
    isKnown.resolve();
    await plan.getByRole('button', { name: `Silence now: ${FIRING.title}`, disabled: false }).waitFor();
    await page.unrouteAll();
    expect(await plan.getByRole('combobox').inputValue()).toBe('8h');
    await shoot('silence');
    await plan.getByRole('button', { name: `Silence now: ${FIRING.title}` }).click();
    await card.getByRole('button', { name: `End silence: ${FIRING.title}` }).waitFor();
    const [silence] = await served.state.silences(0);
    expect(silence).toMatchObject({ match: { host: 'web-1', container: HOSTILE }, owner: 'the page' });
    expect((silence?.until ?? 0) - (silence?.from ?? 0)).toBe(8 * 3_600_000);

    await page.getByRole('heading', { level: 2, name: 'Silences' }).waitFor();
    expect(await card.getByRole('button', { name: /^Silence…/ }).count()).toBe(0);
    await card.getByRole('button', { name: `End silence: ${FIRING.title}` }).click();
    await card.getByRole('button', { name: /^Silence…/ }).waitFor();
    expect(await served.state.silences(Date.now())).toEqual([]);
  }, 240_000);

  it('offers to silence or acknowledge only what is firing', async () => {
    await open('view=incidents');
    const over = page.locator('.incident', { has: page.locator(`#incident-${OVER.id}`) });
    expect(await over.locator('.state').textContent()).toBe('over');
    expect(await over.getByRole('button', { name: /^(Silence|Acknowledge)/ }).count()).toBe(0);
    expect(await over.getByRole('button', { name: /^False alarm/ }).count()).toBe(1);
  }, 240_000);

  it('acknowledges and marks an incident, and takes it back', async () => {
    await open('view=incidents');
    const card = page.locator('.incident', { has: page.locator('.firing') });
    const button = (label: string) => card.getByRole('button', { name: `${label}: ${FIRING.title}` });
    await button('Acknowledge').click();
    await button('Undo acknowledgement').waitFor();
    expect(await served.state.acks()).toMatchObject([{ incident: FIRING.id, by: 'the page' }]);
    await button('Undo acknowledgement').click();
    await button('Acknowledge').waitFor();
    await button('False alarm').click();
    await button('Undo mark').waitFor();
    expect(await served.state.marks(null)).toMatchObject([
      { incident: FIRING.id, kind: 'false-alarm', by: 'the page' },
    ]);
    await button('Undo mark').click();
    await button('False alarm').waitFor();
  }, 240_000);

  it('says for a while what was done, and until the next click what went wrong', async () => {
    const opened = await browser.newPage();
    opened.setDefaultTimeout(120_000);
    await opened.clock.install();
    await opened.goto(`${served.listener.url}/?view=incidents${UNTIL}`);
    const card = opened.locator(`#card-${FIRING.id}`);
    const button = (label: string) => card.getByRole('button', { name: `${label}: ${FIRING.title}` });
    await button('Expected').waitFor();
    // From here on time passes only as it is told to.
    await opened.clock.pauseAt(Date.now() + 3_600_000);
    await button('Expected').click();
    const saying = opened.locator('#said');
    await saying.getByText(/^Marked/).waitFor();
    await opened.clock.runFor(16_000);
    expect(await saying.textContent()).toBe('');
    await button('Undo mark').click();
    await saying.getByText('Mark taken back.').waitFor();

    await opened.route('**/mark', route => route.abort());
    await button('Expected').click();
    await saying.getByText(/^tidegauge does not answer/).waitFor();
    await opened.clock.runFor(16_000);
    expect(await saying.textContent()).toMatch(/^tidegauge does not answer/);
    await opened.getByRole('heading', { level: 2, name: 'Incidents' }).click();
    expect(await saying.textContent()).toBe('');
    await opened.close();
  }, 240_000);

  it('asks again what a planned silence would keep back, when others begin to fire', async () => {
    await open('view=incidents');
    const card = page.locator(`#card-${FIRING.id}`);
    await card.getByRole('button', { name: /^Silence…/ }).click();
    await card.getByText(/It keeps back this incident and no other/).waitFor();
    const lease = await served.state.acquire('lane-1', 'test', 60_000);
    if (!lease) throw new Error('no lease');
    const { container, service } = FIRING;
    const other = incidentOf(FIRING.start + 60_000, { container, service });
    await served.state.commit(lease, { incidents: [other], notifications: [] });
    await card.getByText(/It keeps back this incident and 1 other incident that fires/).waitFor();
    await card.getByRole('button', { name: /^Cancel/ }).click();
    await card.getByRole('button', { name: /^Silence…/ }).waitFor();
    await served.state.commit(lease, { incidents: [resolved(other)], notifications: [] });
  }, 240_000);

  it('asks for a token where one is needed, and says of who is refused why', async () => {
    const token = 'w'.repeat(20);
    const other = await serve(folder.path, { tokens: [{ name: 'ops', scope: 'write', token }] });
    const opened = await browser.newPage();
    opened.setDefaultTimeout(120_000);
    const isFollowed = opened.waitForResponse(answer => answer.url().endsWith('/events'));
    await opened.goto(other.listener.url);
    await opened.getByLabel('Token').fill(token);
    expect((await isFollowed).status()).toBe(401);
    await opened.getByText('not connected').waitFor();
    expect(await opened.locator('#trouble').textContent()).toBe('');
    await opened.getByRole('button', { name: 'Show' }).click();
    await opened.getByText(/^No frames of web-1 for/).waitFor();

    const detail = 'found too many are listening. Try again later.';
    await opened.route('**/events', route => route.fulfill({ status: 503, json: { detail } }));
    await opened.reload();
    await opened
      .locator('#trouble')
      .getByText(/^Not live: tidegauge has told this page no news/)
      .waitFor();
    expect(await opened.locator('#trouble').textContent()).toContain('too many are listening');
    await opened.close();
    await other.close();
  }, 240_000);

  it('says loudly that no frames come, and since when nothing is known', async () => {
    await open('');
    const trouble = page.locator('#trouble');
    await trouble.getByText(/^No frames of web-1 for .*, since 2023-11-14 .* is not known/).waitFor();
    await page.waitForFunction("document.title.startsWith('(!)')");
  }, 240_000);

  it('takes a time as it writes it, and says what is none', async () => {
    await open('');
    const until = page.getByRole('textbox', { name: 'until' });
    await until.fill('tomorrow');
    await until.press('Enter');
    await page.getByText(/^“tomorrow” is no time\. Write it as/).waitFor();
    expect(await until.getAttribute('aria-invalid')).toBe('true');
    await until.fill('2023-11-14 22:20');
    await until.press('Enter');
    await page.waitForURL(/until=2023-11-14T/);
    await page.getByText(/^times: /).waitFor();
  }, 240_000);

  it('says that nobody answers when the process is gone', async () => {
    const other = await serve(folder.path);
    const opened = await browser.newPage();
    opened.setDefaultTimeout(120_000);
    await opened.goto(other.listener.url);
    await opened.getByText(/^No frames of web-1 for/).waitFor();
    await other.close();
    await opened.getByText(/^Not live: tidegauge has not answered since/).waitFor();
    expect(await opened.locator('#live').textContent()).toBe('not connected');
    await opened.close();
  }, 240_000);

  it('asks nobody but this address, and has nothing to complain of', () => {
    for (const url of asked) expect(url).toMatch(/^(http:\/\/127\.0\.0\.1:\d+\/|about:|data:)/);
    expect(said).toEqual([]);
  });
});
