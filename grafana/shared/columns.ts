import type { DataTransformerConfig, DynamicConfigValue } from '@grafana/grafana-foundation-sdk/dashboard';

/** What tables do with the columns of an answer, in the browser. */

/** Columns in this order under these names; all others are left out. */
export function columns(names: Readonly<Record<string, string>>): DataTransformerConfig[] {
  const kept = Object.keys(names);
  return [
    { id: 'filterFieldsByName', options: { include: { names: kept } } },
    {
      id: 'organize',
      options: {
        indexByName: Object.fromEntries(kept.map((name, i) => [name, i])),
        renameByName: names,
        excludeByName: {},
      },
    },
  ];
}

/** Rows in which a column has no value, such as incidents without a resolution. */
export const without = (column: string): DataTransformerConfig => ({
  id: 'filterByValue',
  options: {
    type: 'include',
    match: 'all',
    filters: [{ fieldName: column, config: { id: 'isNull', options: {} } }],
  },
});

/** Several answers of the same columns as one. */
export const merged: DataTransformerConfig = { id: 'merge', options: {} };

const ofTwo = (operator: '+' | '-', alias: string, left: string, right: string): DataTransformerConfig => ({
  id: 'calculateField',
  options: { mode: 'binary', alias, binary: { left, operator, right }, replaceFields: false },
});

/** `name` = a + b. */
export const sum = (name: string, a: string, b: string) => ofTwo('+', name, a, b);

/** `name` = a - b. */
export const difference = (name: string, a: string, b: string) => ofTwo('-', name, a, b);

/** `|name|`, so that rows can be sorted by how much, whichever way. */
export const absolute = (name: string): DataTransformerConfig => ({
  id: 'calculateField',
  options: {
    mode: 'unary',
    alias: `|${name}|`,
    unary: { operator: 'abs', fieldName: name },
    replaceFields: false,
  },
});

/** The number of each row, from 0 on. */
export const numbered = (name: string): DataTransformerConfig => ({
  id: 'calculateField',
  options: { mode: 'index', alias: name, index: { asPercentile: false }, replaceFields: false },
});

/** Rows by the values of a column, greatest first; rows with the same value keep their order. */
export const descending = (column: string): DataTransformerConfig => ({
  id: 'sortBy',
  options: { sort: [{ field: column, desc: true }] },
});

/** The `count` rows with the greatest values of a column. */
export const greatest = (column: string, count: number): DataTransformerConfig[] => [
  descending(column),
  { id: 'limit', options: { limitField: count } },
];

export const unit = (name: string): DynamicConfigValue => ({ id: 'unit', value: name });
export const width = (pixels: number): DynamicConfigValue => ({ id: 'custom.width', value: pixels });
/** At least so wide, also where the table then has to be scrolled; it takes what others leave. */
export const atLeast = (pixels: number): DynamicConfigValue => ({ id: 'custom.minWidth', value: pixels });
/** Long texts are read without the mouse. */
export const WRAPPED: DynamicConfigValue = {
  id: 'custom.cellOptions',
  value: { type: 'auto', wrapText: true },
};
/** An empty name is stored as `%`: what concerns a service or host as a whole is of no container. */
export const NO_NAME: DynamicConfigValue = {
  id: 'mappings',
  value: [{ type: 'value', options: { '%': { text: '–', index: 0 } } }],
};
/** Links of each cell; of several, a click opens a menu. Those that leave Grafana open beside it. */
export const links = (all: readonly (readonly [title: string, url: string])[]): DynamicConfigValue => ({
  id: 'links',
  value: all.map(([title, url]) => ({ title, url, targetBlank: !url.startsWith('/') })),
});

/** Severities in colour. */
export const SEVERITY_COLUMN: DynamicConfigValue[] = [
  width(90),
  { id: 'custom.cellOptions', value: { type: 'color-text' } },
  {
    id: 'mappings',
    value: [
      {
        type: 'value',
        options: {
          critical: { color: 'red', index: 0 },
          warning: { color: 'orange', index: 1 },
          info: { color: 'blue', index: 2 },
        },
      },
    ],
  },
];
