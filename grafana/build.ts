import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Dashboard, DashboardBuilder } from '@grafana/grafana-foundation-sdk/dashboard';
import { stringify } from 'yaml';
import { container } from './container.ts';
import { map } from './map.ts';
import { overview } from './overview.ts';
import { pipeline } from './pipeline.ts';
import { rules } from './rules.ts';
import { runbook } from './runbook.ts';
import { jsonOf } from './shared/board.ts';
import type { DashboardName } from './shared/links.ts';

/** Writes dashboards/*.json and the alert rules: `node grafana/build.ts`. A test checks that what is committed is current. */

const DASHBOARDS: Readonly<Record<DashboardName, () => DashboardBuilder>> = {
  overview,
  container,
  map,
  pipeline,
  runbook,
};

/** All dashboards by name. */
export const dashboards = (): Map<string, Dashboard> =>
  new Map(Object.entries(DASHBOARDS).map(([name, builder]) => [name, jsonOf(builder())]));

const RULES_HEAD = '# Made by `node grafana/build.ts` from grafana/rules.ts; edit there.\n';

/** Content of each file that is made, by its path in this folder. */
export const renderedFiles = (): Map<string, string> =>
  new Map([
    ...[...dashboards()].map(
      ([name, json]) => [`dashboards/${name}.json`, `${JSON.stringify(json, null, 2)}\n`] as const,
    ),
    ['provisioning/alerting/rules.yaml', `${RULES_HEAD}${stringify(rules(), { lineWidth: 0 })}`],
  ]);

if (import.meta.main) {
  for (const [name, text] of renderedFiles()) {
    const file = join(import.meta.dirname, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
}
