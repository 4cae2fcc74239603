import { dashboards } from '../../grafana/build.ts';
import type { InfluxTarget } from '../../grafana/shared/influx.ts';

/** A panel as the JSON has it. */
export interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly (InfluxTarget & { readonly expr?: string })[];
  readonly panels?: readonly Panel[];
  readonly maxDataPoints?: number;
  /** Of its queries at least, such as `5m`. */
  readonly interval?: string;
}

/** All panels of a dashboard, those in folded rows too. */
export const panelsOf = (name: string): Panel[] => {
  const top = (dashboards().get(name)?.panels ?? []) as unknown as Panel[];
  return top.flatMap(panel => [panel, ...(panel.panels ?? [])]);
};

/** The InfluxQL texts of a panel. */
export const queriesOf = (name: string, title: string): string[] => {
  const panel = panelsOf(name).find(one => one.title === title);
  if (!panel?.targets) throw new Error(`no panel ${title} with queries on ${name}`);
  return panel.targets.map(target => target.query);
};

/** Every panel that asks InfluxDB something. */
export const influxPanels = (): (readonly [name: string, title: string, queries: readonly string[]])[] =>
  [...dashboards().keys()].flatMap(name =>
    panelsOf(name)
      .filter(panel => panel.targets?.every(target => target.query !== undefined))
      .map(panel => [name, panel.title, queriesOf(name, panel.title)] as const),
  );
