import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { dashboards, renderedFiles } from '../../grafana/build.ts';
import { rules } from '../../grafana/rules.ts';
import { DATASOURCE } from '../../grafana/shared/influx.ts';
import { panelsOf } from './panels.ts';

const FOLDER = join(import.meta.dirname, '../../grafana');
const provisioned = (file: string) => parse(readFileSync(join(FOLDER, 'provisioning', file), 'utf8'));
const named = [...dashboards()];
const byUid = new Map(named.map(([, json]) => [json.uid, json]));

describe('dashboards and alert rules', () => {
  it('are committed as the script writes them (node grafana/build.ts)', () => {
    for (const [name, text] of renderedFiles()) {
      expect([name, readFileSync(join(FOLDER, name), 'utf8')]).toEqual([name, text]);
    }
    const files = named.map(([name]) => `${name}.json`);
    expect(readdirSync(join(FOLDER, 'dashboards')).sort()).toEqual(files.sort());
  });
});

describe.each(named)('the dashboard %s', (name, json) => {
  const panels = panelsOf(name);

  it('has a uid of its own, a schema that Grafana 11 knows, and no panel id twice', () => {
    expect(json.uid).toMatch(/^[a-z-]{1,40}$/);
    expect(byUid.size).toBe(named.length);
    expect(json.schemaVersion).toBeLessThanOrEqual(39);
    expect(panels.filter(panel => !Number.isInteger(panel.id))).toEqual([]);
    expect(new Set(panels.map(panel => panel.id)).size).toBe(panels.length);
  });

  it('has panels that lie within the grid and do not cover each other', () => {
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

  it('asks no query letter twice in a panel', () => {
    for (const { targets = [] } of panels) {
      expect(new Set(targets.map(target => target.refId)).size).toBe(targets.length);
    }
  });

  it('shows its links beside its variables, not in a menu', () => {
    expect(JSON.stringify(json)).not.toContain('inControlsMenu');
  });

  it('links to dashboards that are there, by variables that they have', () => {
    for (const [, uid = '', query = ''] of JSON.stringify(json).matchAll(/\/d\/([a-z-]+)\?([^"]*)/g)) {
      const variables = byUid.get(uid)?.templating.list?.map(variable => variable.name);
      expect([uid, variables !== undefined]).toEqual([uid, true]);
      for (const [, variable] of query.matchAll(/var-(\w+)=/g)) expect(variables).toContain(variable);
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

  it('sends alerts to a contact point that is there', () => {
    const contacts = provisioned('alerting/contact-points.yaml').contactPoints;
    const [policy] = provisioned('alerting/policies.yaml').policies;
    expect(contacts.map((contact: { name: string }) => contact.name)).toContain(policy.receiver);
  });
});

describe.each(
  rules()
    .groups.flatMap(group => group.rules)
    .map(rule => [rule.uid, rule] as const),
)('the alert rule %s', (uid, rule) => {
  it('never reads missing data or errors as all is well', () => {
    expect(uid).toMatch(/^[a-z-]{1,40}$/);
    // One rule tells that nothing can be read; the others keep what they know.
    const isBlind = uid === 'tidegauge-blind';
    expect([rule.noDataState, rule.execErrState]).toEqual(
      isBlind ? ['Alerting', 'Alerting'] : ['KeepLast', 'KeepLast'],
    );
  });

  it('leads to a panel and to a section of the runbook that are there', () => {
    const [name = ''] = named.find(([, json]) => json.uid === rule.dashboardUid) ?? [];
    expect(panelsOf(name).map(panel => panel.id)).toContain(rule.panelId);
    expect(rule.annotations.__dashboardUid__).toBe(rule.dashboardUid);
    expect(rule.annotations.__panelId__).toBe(String(rule.panelId));
    const [, section] =
      /\{\{ externalURL \}\}d\/tidegauge-runbook\?viewPanel=(\d+)$/.exec(rule.annotations.runbook_url) ?? [];
    const { title } = panelsOf('runbook').find(panel => panel.id === Number(section)) ?? {};
    expect(title).toBe(rule.title);
  });

  it('reduces before it compares, and asks for what it shows', () => {
    const model = (refId: string | undefined) => rule.data.find(entry => entry.refId === refId)?.model;
    const threshold = model(rule.condition);
    expect(threshold?.type).toBe('threshold');
    const reduce = model(threshold?.expression);
    expect(reduce?.type).toBe('reduce');
    expect(model(reduce?.expression)?.query).toMatch(/FROM "(detections|host_frames)"/);
    for (const { refId, datasourceUid, model } of rule.data) {
      expect(model.refId).toBe(refId);
      expect([DATASOURCE.uid, '__expr__']).toContain(datasourceUid);
    }
    for (const [, refId = ''] of JSON.stringify(rule).matchAll(/\$values\.([A-Z])/g)) {
      expect(model(refId)?.type).toBe('reduce');
    }
  });

  it('has labels that stay while it lasts, but for a severity that rises: a changed label reads as all is well', () => {
    const changing = Object.entries<string>(rule.labels).filter(([, text]) => text.includes('values'));
    expect(changing.map(([name]) => name)).toEqual(uid === 'tidegauge-incident' ? ['severity'] : []);
  });

  it('keeps the dollar signs of its labels, which Grafana takes for variables of its environment', () => {
    for (const text of Object.values<string>(rule.labels))
      expect(text.replaceAll('$$', '')).not.toContain('$');
  });
});
