/**
 * The direction of imports: what each folder may import, apart from itself, packages and Node.
 *
 * An entry is a regular expression on the start of a path. A folder that is named as `folder/[^/]+$` lends only the
 * files at its top level, where its ports are; its adapters stand in folders below.
 */
const LAYERS = {
  model: [],
  config: ['model/'],
  // The session on Cassandra, that the adapters of several folders stand on.
  cassandra: ['model/', 'config/'],
  log: ['model/', 'config/', 'cassandra/[^/]+$'],
  ingest: ['model/', 'log/', 'config/', 'cassandra/[^/]+$'],
  // Stage 2 makes episodes of findings: the way of the data goes on into alerts, never back.
  stream: ['model/', 'log/', 'config/', 'featurestore/[^/]+$', 'alerts/[^/]+$'],
  // Events for others who read the cluster's log.
  mirror: ['model/', 'log/[^/]+$'],
  alerts: ['model/', 'log/', 'config/', 'cassandra/[^/]+$'],
  olap: ['model/', 'log/', 'config/'],
  // The store keeps what alerts declares: the shape of a port, see featurestore-takes-types-of-alerts-only.
  featurestore: ['model/', 'config/', 'alerts/[^/]+$', 'cassandra/[^/]+$'],
  batch: ['model/', 'config/', 'ingest/', 'olap/', 'alerts/[^/]+$'],
  sample: ['model/'],
  // The servers of a cluster on this machine, for tests and people without containers; ClickHouse's library is olap's.
  services: ['model/', 'olap/child-host[.]ts$'],
  console: [
    ...['model/', 'config/', 'log/', 'ingest/', 'stream/', 'alerts/', 'olap/', 'featurestore/', 'sample/'],
    'batch/[^/]+$',
    'batch/jobs/',
  ],
};

/** Loaded by the composition root alone, so that an installation loads only the adapters that it uses. */
const ADAPTERS =
  '^(log/(?:segments|kafka|cassandra)|featurestore/(?:files|cassandra)|alerts/(?:lmdb|cassandra)|' +
  'ingest/(?:lmdb|cassandra|pulsar)|batch/(?:redis|pglite)|olap/child-server)(/|[.]ts$)';
/** What the doctor and the topology look at is the servers themselves, one file a server. */
const COMPOSITION_ROOT = '^cli/(compose[^/]*|doctor/[^/]+-checks|topology/[^/]+)[.]ts$';

/** Packages that stand behind one port: another importer would be a second place to replace them. */
const PACKAGES = [
  { package: 'kafkajs', only: '^log/kafka/' },
  { package: 'cassandra-driver', only: '^(cassandra|(log|featurestore|alerts|ingest)/cassandra|cli/doctor)/' },
  { package: 'bullmq', only: '^batch/' },
  { package: 'ioredis', only: '^(batch/redis|cli/doctor)/' },
  { package: '@electric-sql/pglite', only: '^batch/pglite/' },
  { package: 'ws', only: '^ingest/pulsar/' },
  { package: 'lmdb', only: '^(alerts|ingest)/lmdb(/|[.]ts$)' },
  { package: '@clickhouse/client', only: '^olap/' },
  { package: 'chdb', only: '^olap/' },
  { package: 'ffi-rs', only: '^(olap/|cli/allocator[.]ts$)' },
  { package: 'commander', only: '^cli/' },
  { package: 'fastify', only: '^console/' },
  { package: 'playwright-core', only: '^(test|bench)/' },
];

/** Nothing imports these: they are started, or found by their name. */
const ENTRY_POINTS = ['^cli/main[.]ts$', '^bench/[^/]+[.]ts$', '[.]test[.]ts$'];

const layerRules = Object.entries(LAYERS).map(([folder, allowed]) => ({
  name: `direction-${folder}`,
  comment: `${folder}/ imports from ${[folder, ...allowed].join(', ')} and from packages; what it needs besides is handed to it.`,
  severity: 'error',
  from: { path: `^${folder}/` },
  to: {
    path: `^(${[...Object.keys(LAYERS), 'cli', 'bench', 'test'].join('|')})/`,
    pathNot: [folder + '/', ...allowed].map((start) => `^${start}`),
  },
}));

const packageRules = PACKAGES.map((entry) => ({
  name: `package-${entry.package}`,
  comment: `${entry.package} stands behind a port: import that.`,
  severity: 'error',
  from: { pathNot: [entry.only, '^(test|bench)/'] },
  to: { path: `^node_modules/${entry.package}/` },
}));

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    ...layerRules,
    ...packageRules,
    {
      name: 'featurestore-takes-types-of-alerts-only',
      comment: "An adapter implements alerts' port; it doesn't call alerts.",
      severity: 'error',
      from: { path: '^featurestore/' },
      to: { path: '^alerts/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'detectors-are-pure',
      comment: 'A detector sees the model, the contract and the state layout; no log, store, clock, file or network.',
      severity: 'error',
      from: { path: '^stream/detectors/' },
      to: {
        pathNot: [
          '^model/',
          '^stream/detectors/',
          '^stream/state/',
          '^stream/(detector|time)[.]ts$',
          '^node_modules/zod/',
        ],
      },
    },
    {
      name: 'adapters-only-from-the-composition-root',
      comment: 'Import the port, and let cli/compose hand the adapter over.',
      severity: 'error',
      from: { pathNot: [ADAPTERS, COMPOSITION_ROOT, '^(test|bench)/'] },
      to: { path: ADAPTERS },
    },
    {
      name: 'adapters-never-meet',
      comment: "What adapters share is a file at the port's level.",
      severity: 'error',
      from: { path: ADAPTERS },
      to: { path: ADAPTERS, pathNot: '^$1' },
    },
    {
      name: 'the-program-does-not-import-tests-or-benchmarks',
      severity: 'error',
      from: { pathNot: '^(test|bench)/' },
      to: { path: '^(test|bench)/' },
    },
    {
      name: 'no-import-of-the-command-line',
      comment: 'The command line is on top: what it has and others need moves down.',
      severity: 'error',
      from: { pathNot: '^(cli|test|bench)/' },
      to: { path: '^cli/' },
    },
    {
      name: 'no-cycles',
      comment: 'Two files that need each other are one, or miss a third that both import.',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'no-orphans',
      comment: 'Nothing imports it and it imports nothing.',
      severity: 'error',
      from: { orphan: true, pathNot: ENTRY_POINTS },
      to: {},
    },
    {
      name: 'no-unresolved',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'no-development-packages-in-the-program',
      comment: 'It is missing where the package is installed for use.',
      severity: 'error',
      from: { pathNot: '^(test|bench)/' },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'], pathNot: '^node_modules/@types/' },
    },
  ],
  options: {
    doNotFollow: { path: '^node_modules' },
    exclude: { path: '^(dist|var|coverage)/' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { conditionNames: ['import', 'node', 'default', 'types'], exportsFields: ['exports'] },
  },
};
