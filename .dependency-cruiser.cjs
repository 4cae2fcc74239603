/**
 * Imports run one way (docs/architecture.md): core <- backends <- roles <- app <- cli, and qa and test above all.
 * A role may use another role's contract (types); implementations meet only in app/wire.ts and app/wire-data.ts.
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
/** Clients that several roles share, and who they are; a client knows no role. */
const backends = {
  redis: ['queue', 'state'],
  docker: ['collector', 'demo'],
  sqlite: ['store', 'state'],
  files: ['collector', 'app', 'cli', 'backends/sqlite'],
};
const above = ['app', 'cli', 'qa'];
const product = ['core', 'backends', ...roles, 'demo', 'app', 'cli'];

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
  http: { code: [], contracts: ['store', 'state'] },
};

/** What each folder of the collector may import of its neighbours; contract.ts and limits.ts are for all. */
const insideCollector = {
  decode: [],
  identity: ['decode'],
  frames: ['decode', 'identity'],
  ship: [],
  recording: ['decode', 'frames'],
  capture: ['decode', 'identity', 'frames', 'recording'],
  privsep: ['decode', 'identity', 'capture'],
};

const any = list => `^(${list.join('|')})/`;
const rule = (name, from, to) => ({ name, severity: 'error', from, to });
const othersThan = (all, ...kept) => all.filter(one => !kept.includes(one));

const roleRules = roles.flatMap(role => {
  const { code, contracts } = allowed[role];
  const closed = othersThan([...roles, 'demo', ...above], role, ...code, ...contracts);
  const rules = [rule(`${role}-closed`, { path: `^${role}/` }, { path: any(closed) })];
  if (contracts.length > 0) {
    const to = { path: any(contracts), pathNot: '/contract\\.ts$' };
    rules.push(rule(`${role}-contracts-only`, { path: `^${role}/` }, to));
  }
  return rules;
});

const collectorRules = Object.entries(insideCollector).map(([folder, open]) => {
  const closed = othersThan(Object.keys(insideCollector), folder, ...open);
  return rule(
    `collector-${folder}`,
    { path: `^collector/${folder}/` },
    { path: `^collector/(${closed.join('|')})/` },
  );
});

const backendRules = Object.entries(backends).flatMap(([backend, users]) => {
  const open = Object.keys(backends).filter(other => backends[other].includes(`backends/${backend}`));
  const others = othersThan(Object.keys(backends), backend, ...open).map(other => `backends/${other}`);
  return [
    rule(
      `${backend}-closed`,
      { path: `^backends/${backend}/` },
      { path: any([...others, ...roles, 'demo', ...above]) },
    ),
    rule(
      `${backend}-users`,
      { path: any(product), pathNot: any([...users, `backends/${backend}`]) },
      { path: `^backends/${backend}/` },
    ),
  ];
});

/** A third party stays behind its fence. */
const fence = (name, modules, homes) =>
  rule(`fence-${name}`, { path: any(product), pathNot: homes }, { path: modules });

module.exports = {
  forbidden: [
    rule('no-cycles', {}, { circular: true }),
    rule('core-alone', { path: '^core/' }, { path: any(['backends', ...roles, 'demo', ...above]) }),
    rule('demo-closed', { path: '^demo/' }, { path: any([...roles, ...above]) }),
    ...backendRules,
    ...roleRules,
    ...collectorRules,
    rule('app-below-cli', { path: '^app/' }, { path: any(['cli', 'qa', 'demo']) }),
    rule('product-without-proofs', { path: any(product) }, { path: '^(qa|test)/' }),
    rule(
      'only-wire-assembles',
      { path: '^(app|cli)/', pathNot: '^app/wire(-data)?\\.ts$' },
      { path: '^(store|queue|state|notify)/', pathNot: '/contract\\.ts$' },
    ),
    rule('commands-apart', { path: '^cli/(config|screen)/' }, { path: '^cli/commands/' }),
    fence('influx', 'node_modules/@influxdata', '^store/influx/'),
    fence('redis', 'node_modules/(bullmq|ioredis)', '^(queue|state|backends/redis)/'),
    fence('docker', 'node_modules/dockerode', '^(collector|demo|backends/docker)/'),
    fence('http', 'node_modules/(@fastify|fastify|prom-client)', '^http/'),
    fence('expressions', 'node_modules/re2js', '^core/incident/matcher'),
    fence('calendar', 'node_modules/croner', '^core/(config|incident)/maintenance'),
    fence('mail', 'node_modules/nodemailer', '^notify/email'),
    fence('children', '^(node:)?child_process$', '^(collector|demo|app|cli)/|^notify/exec'),
    fence('sqlite', '^(node:)?sqlite$', '^(store|state)/sqlite|^backends/sqlite/'),
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
