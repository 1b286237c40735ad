import { z } from 'zod';

/** What a keyspace or a data centre may be called: it stands in statements as it is. */
const identifier = z.string().regex(/^[a-z][a-z0-9_]{0,47}$/, 'lower-case letters, digits and _, at most 48');

const factor = z.int().min(1).max(11);

/** Where Cassandra answers, and how it keeps what is written to it. */
export const cassandraSchema = z.strictObject({
  contactPoints: z
    .array(z.string().min(1))
    .min(1)
    .default(['127.0.0.1:9042'])
    .describe('servers to ask for the others, as `host:port`, `host` or `[IPv6]:port`; port 9042 where none is given'),
  localDataCenter: z
    .string()
    .min(1)
    .default('datacenter1')
    .describe('data centre of the servers that are asked; local consistency levels count in it'),
  keyspace: identifier
    .default('vedette')
    .describe('keyspace; made where it is missing. Another one is another installation'),
  replication: z
    .strictObject({
      strategy: z
        .enum(['NetworkTopologyStrategy', 'SimpleStrategy'])
        .default('NetworkTopologyStrategy')
        .describe('how copies are placed; SimpleStrategy knows no data centres'),
      factor: factor.default(1).describe('copies in the local data centre; 3 wherever a lost server may lose nothing'),
      dataCenters: z
        .record(z.string().regex(/^[\w.-]{1,64}$/), factor)
        .default({})
        .describe('copies by further data centre, with NetworkTopologyStrategy'),
    })
    .prefault({})
    .describe('used when the keyspace is made; a keyspace that is there is not changed, and a difference is told'),
  username: z.string().min(1).optional().describe('user, where the servers ask for one'),
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
      serverName: z
        .string()
        .min(1)
        .optional()
        .describe('name that the servers’ certificates must bear, instead of their address'),
      verify: z.boolean().default(true).describe('whether the servers’ certificates are checked'),
    })
    .optional()
    .describe('connections are encrypted where this is given'),
  consistency: z
    .enum(['LOCAL_QUORUM', 'QUORUM', 'ALL', 'LOCAL_ONE', 'ONE'])
    .default('LOCAL_QUORUM')
    .describe('of reads and writes; under a quorum a lost server may lose what was acknowledged'),
  serialConsistency: z
    .enum(['SERIAL', 'LOCAL_SERIAL'])
    .default('SERIAL')
    .describe('of compare-and-set; LOCAL_SERIAL only where all workers use one data centre'),
  connectTimeoutMs: z.int().min(100).max(120_000).default(5_000).describe('for opening a connection, ms'),
  requestTimeoutMs: z.int().min(100).max(600_000).default(12_000).describe('for one request to one server, ms'),
  patienceMs: z
    .int()
    .min(0)
    .max(600_000)
    .default(15_000)
    .describe('how long statements that may be repeated are repeated while servers are away, ms; then an error'),
  speculativeMs: z
    .int()
    .min(0)
    .max(60_000)
    .default(500)
    .describe('a read without an answer for so long is asked of a second server too, ms; 0: never'),
  pageRows: z.int().min(10).max(10_000).default(1_000).describe('rows fetched at a time'),
});

export type CassandraConfig = z.output<typeof cassandraSchema>;
