import { z } from 'zod';

/** What a cluster, a database's prefix or a macro may be called: they stand in statements as they are. */
const identifier = z.string().regex(/^[A-Za-z][A-Za-z0-9_]{0,47}$/, 'letters, digits and _, at most 48');

const limit = z.int().min(0);

/** Quotas of analysts, counted for each user; 0: no limit. */
const quotaSchema = z.strictObject({
  intervalSeconds: z.int().min(60).max(2_678_400).default(3600).describe('time over which is counted, s'),
  queries: limit.default(2000).describe('queries in that time'),
  readRows: limit.default(20_000_000_000).describe('rows read in that time'),
  executionSeconds: limit.default(1800).describe('time of execution in that time, s'),
});

/** Who may read the views, and how much one query may take. The same limits as the console's own SQL has. */
const analystsSchema = z.strictObject({
  role: identifier.default('vedette_analyst').describe('role that may read the views and nothing else'),
  profile: identifier.default('vedette_analyst_limits').describe('settings profile of the role'),
  quotaName: identifier.default('vedette_analyst_quota').describe('quota of the role'),
  users: z
    .array(
      z.strictObject({
        name: identifier.describe('name of the user'),
        passwordSha256: z
          .string()
          .regex(/^[0-9a-f]{64}$/, 'the SHA-256 of the password, 64 lower-case hexadecimal digits')
          .describe('SHA-256 of the password, in hexadecimal; the password itself is nowhere'),
        networks: z
          .array(z.string().regex(/^[0-9a-fA-F:.]+(\/\d{1,3})?$/, 'an address or CIDR'))
          .default([])
          .describe('CIDR networks it may come from; empty: any'),
      }),
    )
    .default([])
    .describe('users of the role; further ones are made by hand and granted the role'),
  maxSeconds: limit.default(60).describe('execution time of a query, s'),
  maxMemoryBytes: limit.default(2_000_000_000).describe('memory of a query, bytes'),
  maxRowsToRead: limit.default(2_000_000_000).describe('rows that a query may read'),
  maxResultRows: limit.default(1_000_000).describe('rows of an answer'),
  maxConcurrentQueries: limit.default(8).describe('queries of a user at a time'),
  maxThreads: limit.default(4).describe('threads of a query'),
  quota: quotaSchema.prefault({}),
});

/** A ClickHouse server of one's own, or a cluster of them, in the place of the embedded child. */
export const clickhouseSchema = z
  .strictObject({
    url: z
      .string()
      .regex(/^https?:\/\/[^/?#@]+(\/[^?#]*)?$/, 'a URL such as http://127.0.0.1:8123, without user or password')
      .default('http://127.0.0.1:8123')
      .describe('HTTP interface of the server, or of a balancer before several'),
    username: z.string().min(1).default('default').describe('user that owns the databases of the store'),
    passwordFile: z.string().min(1).optional().describe('file whose first line is the password'),
    passwordEnv: z.string().min(1).optional().describe('environment variable that holds the password'),
    tls: z
      .strictObject({
        caFile: z
          .string()
          .min(1)
          .optional()
          .describe('certificates that are trusted, PEM; otherwise those of the system'),
        certFile: z.string().min(1).optional().describe('certificate of this client, PEM'),
        keyFile: z.string().min(1).optional().describe('key of that certificate, PEM'),
      })
      .prefault({})
      .describe('used where the URL begins with https'),
    databasePrefix: z
      .string()
      .regex(/^([a-z][a-z0-9_]{0,39})?$/, 'small letters, digits and _, at most 40, beginning with a letter')
      .default('')
      .describe(
        'beginning of the names of both databases, `vedette_store` and `vedette`; installations that share a server have one each',
      ),
    cluster: identifier
      .optional()
      .describe('name of the cluster in the servers’ `remote_servers`: statements run ON CLUSTER; absent: one server'),
    replicated: z
      .boolean()
      .default(false)
      .describe('tables are kept on every replica of a shard (Replicated* engines; needs Keeper and `cluster`)'),
    sharded: z
      .boolean()
      .default(false)
      .describe('rows are spread over the shards of the cluster through Distributed tables (needs `cluster`)'),
    replicaPath: z
      .string()
      .regex(/^\/[\w/{}.-]*\{uuid\}[\w/{}.-]*$/, 'a path in Keeper that contains {uuid}')
      .default('/clickhouse/tables/{uuid}/{shard}')
      .describe('path of a replicated table in Keeper; macros as the servers define them'),
    replicaName: z.string().min(1).default('{replica}').describe('name of a replica in that path'),
    deduplicationWindow: z
      .int()
      .min(100)
      .max(100_000)
      .default(10_000)
      .describe('inserts that a replicated table remembers by their token'),
    deduplicationSeconds: z
      .int()
      .min(3600)
      .max(31_536_000)
      .default(604_800)
      .describe('how long it remembers them, s; a sink that was away for longer may store its last block twice'),
    maxConnections: z.int().min(1).max(256).default(8).describe('connections of a process'),
    connectTimeoutMs: z
      .int()
      .min(100)
      .max(120_000)
      .default(5_000)
      .describe('for the first answer of the server at the start, ms'),
    requestTimeoutMs: z.int().min(1_000).max(3_600_000).default(60_000).describe('for one request, ms'),
    analysts: analystsSchema.prefault({}),
  })
  .refine(({ passwordFile, passwordEnv }) => passwordFile === undefined || passwordEnv === undefined, {
    message: 'give one of passwordFile and passwordEnv',
    path: ['passwordFile'],
  })
  .refine(({ cluster, replicated, sharded }) => (cluster !== undefined) === (replicated || sharded), {
    message: 'replicated and sharded need the name of a cluster, and a cluster one of them',
    path: ['cluster'],
  })
  .refine(({ replicated, sharded, replicaPath }) => !(replicated && sharded) || replicaPath.includes('{shard}'), {
    message: 'with several shards it needs {shard}, or all of them would be replicas of one',
    path: ['replicaPath'],
  });

export type ClickhouseConfig = z.output<typeof clickhouseSchema>;
