import { afterEach, describe, expect, it } from '@jest/globals';
import { systemClock } from '../../core/clock.ts';
import type { Check, Metric } from '../../http/contract.ts';
import { type Listener, startListener } from '../../http/listener.ts';
import { createRegistry, latencyMetric } from '../../http/registry.ts';
import { timed } from '../../http/timed.ts';

const HOSTILE = 'a"b\\c\nd\u2028{}=,';

describe('the listener', () => {
  const open: Listener[] = [];
  afterEach(async () => {
    for (const listener of open.splice(0)) await listener.close();
  });

  async function serve(metrics: readonly Metric[], checks: readonly Check[] = [], port = 0) {
    const registry = createRegistry(metrics);
    const listener = await startListener({ host: '127.0.0.1', port, registry, checks, api: null });
    open.push(listener);
    const get = async (path: string) => {
      const answer = await fetch(listener.url + path);
      return { status: answer.status, text: await answer.text(), type: answer.headers.get('content-type') };
    };
    return { listener, registry, get };
  }

  const gauge = (read: Metric['read'], labels: readonly string[] = []): Metric => ({
    name: 'tidegauge_test',
    help: 'Help with a \\ and\na newline.',
    type: 'gauge',
    labels,
    read,
  });

  it('reads every value when it is asked, forgets labels that are gone, and leaves out what is not known', async () => {
    let samples = [{ value: 1, labels: { of: 'a' } }];
    const { get } = await serve([
      gauge(() => samples, ['of']),
      { name: 'tidegauge_unknown', help: 'x', type: 'gauge', labels: [], read: () => [] },
      { name: 'tidegauge_unknown_total', help: 'x', type: 'counter', labels: [], read: () => [] },
      {
        name: 'tidegauge_known_total',
        help: 'x',
        type: 'counter',
        labels: [],
        read: async () => [{ value: 7 }],
      },
    ]);
    expect((await get('/metrics')).text).toContain('tidegauge_test{of="a"} 1\n');
    samples = [{ value: 2, labels: { of: 'b' } }];
    const { text, type } = await get('/metrics');
    expect(type).toMatch(/^text\/plain; version=0\.0\.4/);
    expect(text).toContain('tidegauge_test{of="b"} 2\n');
    expect(text).not.toMatch(/of="a"/);
    expect(text).not.toMatch(/^tidegauge_unknown/m);
    // Read twice, counted once.
    expect(text).toMatch(/^tidegauge_known_total 7$/m);
  });

  it('escapes label values, so that no name can add a line', async () => {
    const { get } = await serve([gauge(() => [{ value: 1, labels: { of: HOSTILE } }], ['of'])]);
    const { text } = await get('/metrics');
    expect(text).toContain('tidegauge_test{of="a\\"b\\\\c\\nd\u2028{}=,"} 1\n');
    expect(text.split('\n').filter(line => line !== '' && !line.startsWith('#'))).toHaveLength(1);
  });

  it('is alive while it turns and ready only when nothing fails', async () => {
    let reason: string | null = 'no answer';
    const { get } = await serve([], [{ name: 'store', failing: () => reason }]);
    expect(await get('/healthz')).toMatchObject({ status: 200, text: 'ok\n' });
    expect(await get('/readyz')).toMatchObject({ status: 503, text: 'store: no answer\n' });
    reason = null;
    expect(await get('/readyz')).toMatchObject({ status: 200, text: 'ready\n' });
    expect((await get('/nothing')).status).toBe(404);
  });

  it('says which address is taken and what to do', async () => {
    const { listener } = await serve([]);
    const port = Number(new URL(listener.url).port);
    await expect(serve([], [], port)).rejects.toMatchObject({
      name: 'TidegaugeError',
      exitCode: 2,
      problem: {
        place: `http.listen 127.0.0.1:${port}`,
        found: 'the port is in use',
        remedy: expect.stringContaining('http.listen'),
      },
    });
  });

  it('two registries share nothing', async () => {
    const [one, two] = [
      await serve([gauge(() => [{ value: 1 }])]),
      await serve([gauge(() => [{ value: 2 }])]),
    ];
    expect((await one.get('/metrics')).text).toMatch(/^tidegauge_test 1$/m);
    expect((await two.get('/metrics')).text).toMatch(/^tidegauge_test 2$/m);
  });

  it('times what succeeds and what fails, and changes neither', async () => {
    const { registry, get } = await serve([]);
    const observe = latencyMetric(registry, { name: 'tidegauge_store_duration_seconds', help: 'Writes.' });
    class Part {
      readonly #answer = 'written';
      get answer() {
        return this.#answer;
      }
      async write(ok: boolean) {
        if (!ok) throw new Error('away');
        return this.#answer;
      }
      async read() {
        return this.#answer;
      }
    }
    const part = timed(new Part(), { write: 'frames' }, { clock: systemClock, observe });
    expect(await part.write(true)).toBe('written');
    expect([part.answer, await part.read()]).toEqual(['written', 'written']);
    await expect(part.write(false)).rejects.toThrow('away');
    const { text } = await get('/metrics');
    expect(text).toContain('tidegauge_store_duration_seconds_count{operation="frames",outcome="ok"} 1\n');
    expect(text).toContain('tidegauge_store_duration_seconds_count{operation="frames",outcome="error"} 1\n');
  });
});
