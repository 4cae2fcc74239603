/**
 * Imports run one way (CONTRIBUTING.md, "Layout"): core <- roles <- cli/wire. A role may use another role's
 * contract (types); implementations meet only in cli/wire.ts.
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
  'http',
];
/** What several roles share of one third party; knows no role. */
const shared = ['redis', 'docker', 'sqlite'];
const product = ['core', ...shared, ...roles, 'demo', 'cli'];

/** What each role may import of ours besides core and itself; of `contracts` only contract.ts, which holds types. */
const allowed = {
  bpf: { code: [], contracts: [] },
  collector: { code: ['bpf'], contracts: ['store', 'queue'] },
  store: { code: [], contracts: [] },
  queue: { code: [], contracts: [] },
  state: { code: [], contracts: [] },
  detector: { code: [], contracts: [] },
  alert: { code: [], contracts: ['detector', 'state', 'store'] },
  notify: { code: [], contracts: [] },
  worker: { code: ['detector', 'alert'], contracts: ['store', 'queue', 'state', 'notify'] },
  review: { code: ['detector', 'alert'], contracts: ['store'] },
  http: { code: [], contracts: [] },
};

const any = list => `^(${list.join('|')})/`;

const roleRules = roles.flatMap(role => {
  const { code, contracts } = allowed[role];
  const closed = roles.filter(r => r !== role && !code.includes(r) && !contracts.includes(r));
  const rules = [
    {
      name: `${role}-closed`,
      severity: 'error',
      from: { path: `^${role}/` },
      to: { path: any([...closed, 'cli']) },
    },
  ];
  if (contracts.length > 0) {
    rules.push({
      name: `${role}-contracts-only`,
      severity: 'error',
      from: { path: `^${role}/` },
      to: { path: any(contracts), pathNot: '/contract\\.ts$' },
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

/** A shared folder is for those who share it. */
const sharedBy = (folder, homes) => ({
  name: `${folder}-shared`,
  severity: 'error',
  from: { path: any(product), pathNot: homes },
  to: { path: `^${folder}/` },
});

module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'core-alone',
      severity: 'error',
      from: { path: '^core/' },
      to: { path: any([...shared, ...roles, 'demo', 'cli']) },
    },
    {
      name: 'demo-closed',
      severity: 'error',
      from: { path: '^demo/' },
      to: { path: any([...roles, 'cli']) },
    },
    ...shared.map(folder => ({
      name: `${folder}-closed`,
      severity: 'error',
      from: { path: `^${folder}/` },
      to: { path: any([...shared.filter(other => other !== folder), ...roles, 'demo', 'cli']) },
    })),
    sharedBy('redis', '^(queue|state|redis)/'),
    sharedBy('docker', '^(collector|demo|docker)/'),
    sharedBy('sqlite', '^(store|state|sqlite)/'),
    ...roleRules,
    {
      name: 'only-wire-assembles',
      severity: 'error',
      from: { path: '^cli/', pathNot: '^cli/wire\\.ts$' },
      to: { path: '^(store|queue|state|notify)/', pathNot: '/contract\\.ts$' },
    },
    fence('influx', 'node_modules/@influxdata', '^store/influx'),
    fence('redis', 'node_modules/(bullmq|ioredis)', '^(queue|state|redis)/'),
    fence('docker', 'node_modules/dockerode', '^(collector|demo|docker)/'),
    fence('http', 'node_modules/(fastify|prom-client)', '^http/'),
    fence('children', '^(node:)?child_process$', '^(collector|demo|cli)/|^notify/exec'),
    fence('sqlite', '^(node:)?sqlite$', '^(store|state)/sqlite|^sqlite/'),
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
