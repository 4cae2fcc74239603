import { spawnSync } from 'node:child_process';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { parse, stringify } from 'yaml';
import { containerRows } from '../../app/metrics/containers.ts';
import { ContainerTotals } from '../../collector/frames/container-totals.ts';
import { type Listener, startListener } from '../../http/listener.ts';
import { createRegistry } from '../../http/registry.ts';
import { describeWith } from '../parts/need.ts';
import { Child, freePort, temporaryFolder, until } from '../parts/process.ts';

const EXAMPLES = join(import.meta.dirname, '../../examples/prometheus');
/** What a container may be called, and what would end a label of the text format. */
const HOSTILE = 'a"b\\c\nd{}=,<script>\u202e';

describeWith(['prometheus'], 'containers in /metrics, read by a real Prometheus', () => {
  const folder = temporaryFolder();
  const totals = new ContainerTotals(1);
  let listener: Listener;
  let prometheus: Child;
  let url: string;

  /** One interval: a named container and one too many send a thousand messages of 100 bytes each. */
  function pass(): void {
    const names = [HOSTILE, 'more'];
    totals.add(
      {
        containers: names.map(name => ({
          ...{ name, kind: 'container', service: 'shop', replica: '1', image: '', id: '' },
        })),
        windows: names.map(container => ({
          ...{ container, direction: 'send', messages: 1000, bytes: 100_000, sizes: [[64, 1000]] },
        })),
      },
      0,
    );
  }

  /** Labels and value of each series that a query finds. */
  async function ask(query: string): Promise<{ metric: Record<string, string>; value: number }[]> {
    const answer = await fetch(`${url}/api/v1/query?${new URLSearchParams({ query })}`);
    const { data } = (await answer.json()) as {
      data: { result: { metric: Record<string, string>; value: [number, string] }[] };
    };
    return data.result.map(({ metric, value }) => ({ metric, value: Number(value[1]) }));
  }

  beforeAll(async () => {
    const collector = { totals } as never;
    const registry = createRegistry(containerRows({ collector: () => collector }));
    listener = await startListener({ host: '127.0.0.1', port: 0, registry, checks: [], api: null });
    copyFileSync(join(EXAMPLES, 'rules.yml'), join(folder.path, 'rules.yml'));
    const config = parse(readFileSync(join(EXAMPLES, 'prometheus.yml'), 'utf8'));
    config.global = { scrape_interval: '500ms', evaluation_interval: '500ms' };
    config.scrape_configs[0].static_configs = [{ targets: [new URL(listener.url).host] }];
    writeFileSync(join(folder.path, 'prometheus.yml'), stringify(config));
    const port = await freePort();
    url = `http://127.0.0.1:${port}`;
    prometheus = new Child(
      'prometheus',
      ['--config.file=prometheus.yml', '--storage.tsdb.path=data', `--web.listen-address=127.0.0.1:${port}`],
      { cwd: folder.path },
    );
    const answers = async () => (await fetch(`${url}/-/ready`).catch(() => null))?.ok === true;
    await prometheus.until('Prometheus to answer', answers);
  });

  afterAll(async () => {
    await prometheus?.stop();
    await listener?.close();
    folder.remove();
  });

  it('the example configuration and its rules are right', () => {
    const { status, stderr } = spawnSync('promtool', ['check', 'config', 'prometheus.yml'], {
      cwd: EXAMPLES,
      encoding: 'utf8',
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });

  it('the text is as Prometheus wants it, names and help included', async () => {
    pass();
    const input = await (await fetch(`${listener.url}/metrics`)).text();
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], {
      input,
      encoding: 'utf8',
    });
    expect({ status, said: `${stdout}${stderr}` }).toEqual({ status: 0, said: '' });
  });

  it('has every container under its own name, the rest as other, to the byte', async () => {
    const sent = 'tidegauge_container_bytes_total{direction="send"}';
    const found = await prometheus.until('both series', async () => {
      const series = await ask(sent);
      return series.length === 2 && series;
    });
    expect(Object.fromEntries(found.map(({ metric, value }) => [metric.container, value]))).toEqual({
      [HOSTILE]: 100_000,
      other: 100_000,
    });
    const name = 'tidegauge_container_message_size_bytes';
    const below = async (le: string) =>
      (await ask(`${name}_bucket{le="${le}",service="shop",direction="send"}`))[0]?.value;
    expect([await below('63'), await below('127'), await below('+Inf')]).toEqual([0, 1000, 1000]);
    expect((await ask(`${name}_sum{service="shop",direction="send"}`))[0]?.value).toBe(100_000);
  });

  it('the recording rules give rates and sizes', async () => {
    const rules = (
      parse(readFileSync(join(EXAMPLES, 'rules.yml'), 'utf8')) as {
        groups: { rules: { record?: string }[] }[];
      }
    ).groups.flatMap(({ rules }) => rules.flatMap(({ record }) => record ?? []));
    expect(rules.length).toBeGreaterThan(3);
    for (const record of rules)
      await until(`${record} to be recorded`, async () => {
        pass();
        return (await ask(`${record}{service="shop",direction="send"} > 0`)).length > 0;
      });
    const [p90] = await ask(
      'instance_container_direction:tidegauge_container_message_size_bytes:p90_5m{service="shop",direction="send"}',
    );
    expect(p90?.value).toBeGreaterThan(63);
    expect(p90?.value).toBeLessThanOrEqual(127);
  });
});
