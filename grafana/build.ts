import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { TRAFFIC_DASHBOARD } from './dashboard.ts';

/** Writes dashboards/*.json: `node grafana/build.ts`. A test checks that what is committed is current. */

/** File name -> content of each dashboard. */
export function renderDashboards(): Map<string, string> {
  return new Map([['traffic.json', `${JSON.stringify(TRAFFIC_DASHBOARD, null, 2)}\n`]]);
}

if (import.meta.main) {
  const folder = join(import.meta.dirname, 'dashboards');
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of renderDashboards()) writeFileSync(join(folder, name), text);
}
