import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { renderDashboards } from '../../grafana/build.ts';
import { TRAFFIC_DASHBOARD } from '../../grafana/dashboard.ts';
import { DATASOURCE, type Panel } from '../../grafana/panels.ts';

const FOLDER = join(import.meta.dirname, '../../grafana');
const provisioned = (file: string) => parse(readFileSync(join(FOLDER, 'provisioning', file), 'utf8'));

describe('dashboards', () => {
  const panels: readonly Panel[] = TRAFFIC_DASHBOARD.panels.flatMap(panel => [
    panel,
    ...(panel.panels ?? []),
  ]);

  it('are committed as the script writes them (node grafana/build.ts)', () => {
    const dashboards = renderDashboards();
    expect(readdirSync(join(FOLDER, 'dashboards')).sort()).toEqual([...dashboards.keys()].sort());
    for (const [name, text] of dashboards) {
      expect(readFileSync(join(FOLDER, 'dashboards', name), 'utf8')).toBe(text);
    }
  });

  it('have a fixed uid, the last schema of version 1 at most, and panel ids that are not used twice', () => {
    expect(TRAFFIC_DASHBOARD.uid).toMatch(/^[a-z-]{1,40}$/);
    expect(TRAFFIC_DASHBOARD.schemaVersion).toBeLessThanOrEqual(42);
    expect(new Set(panels.map(panel => panel.id)).size).toBe(panels.length);
  });

  it('have panels that fill the grid without covering each other', () => {
    const cells = new Set<string>();
    for (const { gridPos, title } of panels) {
      expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect(`${title} ${cells.has(`${x},${y}`)}`).toBe(`${title} false`);
          cells.add(`${x},${y}`);
        }
      }
    }
  });
});

describe('provisioning', () => {
  it('names the data source that dashboards and rules use', () => {
    const { datasources } = provisioned('datasources/tidegauge.yaml');
    expect(datasources).toHaveLength(1);
    expect(datasources[0]).toMatchObject(DATASOURCE);
  });

  it('has a folder for plugins, whose absence Grafana reports as an error', () => {
    expect(provisioned('plugins/none.yaml')).toEqual({ apiVersion: 1, apps: [] });
  });

  it('has rules that reduce before they compare, in ids and states that Grafana takes', () => {
    const contacts = provisioned('alerting/contact-points.yaml').contactPoints;
    const [policy] = provisioned('alerting/policies.yaml').policies;
    expect(contacts.map((contact: { name: string }) => contact.name)).toContain(policy.receiver);
    const { rules } = provisioned('alerting/rules.yaml').groups[0];
    for (const rule of rules) {
      expect(rule.uid).toMatch(/^[a-z-]{1,40}$/);
      // One rule tells that nothing can be read; the others keep what they know.
      expect(rule.execErrState).toBe(rule.uid === 'tidegauge-blind' ? 'Alerting' : 'KeepLast');
      expect(['OK', 'NoData', 'Alerting', 'KeepLast']).toContain(rule.noDataState);
      expect(rule.dashboardUid).toBe(TRAFFIC_DASHBOARD.uid);
      expect(TRAFFIC_DASHBOARD.panels.map(panel => panel.id)).toContain(rule.panelId);
      // What links an alert to its panel.
      expect(rule.annotations.__dashboardUid__).toBe(rule.dashboardUid);
      expect(rule.annotations.__panelId__).toBe(String(rule.panelId));
      const model = (refId: string) =>
        rule.data.find((entry: { refId: string }) => entry.refId === refId)?.model;
      const threshold = model(rule.condition);
      expect(threshold.type).toBe('threshold');
      const reduce = model(threshold.expression);
      expect(reduce.type).toBe('reduce');
      expect(model(reduce.expression).query).toMatch(/FROM "(detections|host_frames)"/);
      for (const { refId, datasourceUid, model } of rule.data) {
        expect(model.refId).toBe(refId);
        expect([DATASOURCE.uid, '__expr__']).toContain(datasourceUid);
      }
    }
  });
});
