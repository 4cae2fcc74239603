/**
 * Imports run one way (CONTRIBUTING.md, "Layout"): core <- roles <- cli/wire. A role may use another role's
 * contract as a type; implementations meet only in cli/wire.ts.
 */
const roles = [
  'bpf',
  'collector',
  'store',
  'queue',
  'state',
  'detector',
  'alert',
  'notify',
  'worker',
  'review',
];
const product = ['core', ...roles, 'cli'];

/** What each role may import of ours besides core and itself; `types` only as `import type`. */
const allowed = {
  bpf: { code: [], types: [] },
  collector: { code: ['bpf'], types: ['store', 'queue'] },
  store: { code: [], types: [] },
  queue: { code: [], types: [] },
  state: { code: [], types: [] },
  detector: { code: [], types: [] },
  alert: { code: [], types: ['detector', 'state', 'store'] },
  notify: { code: [], types: [] },
  worker: { code: ['detector', 'alert'], types: ['store', 'queue', 'state', 'notify'] },
  review: { code: ['detector', 'alert'], types: ['store'] },
};

const any = list => `^(${list.join('|')})/`;

const roleRules = roles.flatMap(role => {
  const { code, types } = allowed[role];
  const closed = roles.filter(r => r !== role && !code.includes(r) && !types.includes(r));
  const rules = [
    {
      name: `${role}-closed`,
      severity: 'error',
      from: { path: `^${role}/` },
      to: { path: any([...closed, 'cli']) },
    },
  ];
  if (types.length > 0) {
    rules.push({
      name: `${role}-types-only`,
      severity: 'error',
      from: { path: `^${role}/` },
      to: { path: any(types), dependencyTypesNot: ['type-only'] },
    });
  }
  return rules;
});

/** A third party stays behind its fence. */
const fence = (name, modules, homes) => ({
  name: `fence-${name}`,
  severity: 'error',
  from: { path: any(product), pathNot: homes },
  to: { path: modules },
});

module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    { name: 'core-alone', severity: 'error', from: { path: '^core/' }, to: { path: any([...roles, 'cli']) } },
    ...roleRules,
    {
      name: 'only-wire-assembles',
      severity: 'error',
      from: { path: '^cli/', pathNot: '^cli/wire\\.ts$' },
      to: { path: '^(store|queue|state|notify)/', dependencyTypesNot: ['type-only'] },
    },
    fence('influx', 'node_modules/@influxdata', '^store/influx'),
    fence('redis', 'node_modules/(bullmq|ioredis)', '^(queue|state)/'),
    fence('docker', 'node_modules/dockerode', '^collector/'),
    fence('children', '^(node:)?child_process$', '^(collector|notify/exec|cli/)'),
    fence('sqlite', '^(node:)?sqlite$', '^(store|state)/sqlite'),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^node_modules' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      extensions: ['.ts', '.js', '.mjs'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
    },
  },
};
