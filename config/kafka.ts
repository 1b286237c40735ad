import { z } from 'zod';
import { EVENT_COLUMNS } from '../model/event-columns.ts';

const MIB = 1024 ** 2;

/** All but those by which a reader knows an event again. */
const MIRRORED_COLUMNS = EVENT_COLUMNS.map(({ name }) => name).filter(
  (name) => !['time', '_src', '_pos'].includes(name),
);

const hostPort = z
  .string()
  .regex(/^(\[[0-9a-fA-F:.]+\]|[^\s:/[\]]+):\d{1,5}$/, 'write host:port')
  .describe('host:port; IPv6 in brackets');

const file = z.string().min(1).optional();

const sasl = z
  .strictObject({
    mechanism: z.enum(['plain', 'scram-sha-256', 'scram-sha-512']).describe('how the password is shown to the broker'),
    username: z.string().min(1).describe('user'),
    password: z.string().min(1).optional().describe('the password itself; better one of the next two'),
    passwordFile: file.describe('file that holds the password and nothing else'),
    passwordEnv: file.describe('environment variable that holds the password'),
  })
  .refine(
    ({ password, passwordFile, passwordEnv }) =>
      [password, passwordFile, passwordEnv].filter((source) => source !== undefined).length === 1,
    'give one of password, passwordFile and passwordEnv',
  );

/** Where Kafka answers, and how the event log is kept in it. */
export const kafkaSchema = z
  .strictObject({
    brokers: z.array(hostPort).min(1).default(['127.0.0.1:9092']).describe('some of the brokers; they name the others'),
    clientId: z.string().min(1).max(255).default('vedette').describe('name in the brokers’ logs and quotas'),
    prefix: z
      .string()
      .regex(/^[A-Za-z0-9._-]{1,100}$/, 'letters, digits, `.`, `_` and `-`, at most 100')
      .default('vedette')
      .describe('stands before the name of each topic and group, with a dot. Another one is another installation'),
    tls: z
      .strictObject({
        caFile: file.describe('certificates that are trusted, PEM; otherwise those of Node'),
        certFile: file.describe('certificate of this client, PEM, where the brokers ask for one'),
        keyFile: file.describe('key of that certificate, PEM'),
        serverName: file.describe('name that the brokers’ certificates must bear, instead of their address'),
        verify: z.boolean().default(true).describe('whether the brokers’ certificates are checked'),
      })
      .optional()
      .describe('connections are encrypted where this is given, even as {}'),
    sasl: sasl.optional().describe('credentials, where the brokers ask for them'),
    replicationFactor: z
      .int()
      .min(1)
      .max(32)
      .default(1)
      .describe('replicas of a topic that is made; 3 wherever a lost broker may lose nothing'),
    minInsyncReplicas: z
      .int()
      .min(1)
      .max(32)
      .default(1)
      .describe('replicas that must have a record before it counts as stored; 2 of 3'),
    compression: z
      .enum(['none', 'gzip', 'snappy', 'lz4', 'zstd'])
      .default('lz4')
      .describe('codec of what is appended; all of them can be read'),
    maxMessageBytes: z
      .int()
      .min(MIB)
      .max(64 * MIB)
      .default(8 * MIB)
      .describe('largest batch that a topic takes (`max.message.bytes` of topics that are made), compressed, bytes'),
    mergeBytes: z
      .int()
      .min(0)
      .default(MIB)
      .describe('appends to one partition that wait for each other go out as one batch of up to so many bytes'),
    appendTimeoutMs: z
      .int()
      .min(1000)
      .default(120_000)
      .describe('an append that cannot be stored for so long is given up, ms; whoever sent it is told'),
    openTimeoutMs: z
      .int()
      .min(0)
      .default(60_000)
      .describe('how long the start waits for brokers that do not answer, ms; refused credentials end it at once'),
    connectTimeoutMs: z.int().min(100).default(3000).describe('time to connect to a broker, ms'),
    requestTimeoutMs: z
      .int()
      .min(1000)
      .default(10_000)
      .describe('how long a broker may take for an answer, and replicas for a record, ms'),
    fetch: z
      .strictObject({
        maxWaitMs: z
          .int()
          .min(1)
          .max(5000)
          .default(100)
          .describe('how long a broker holds a request back until there is a record, ms; closing waits so long'),
        maxBytes: z
          .int()
          .min(64 * 1024)
          .default(4 * MIB)
          .describe('size of one answer of a broker, bytes; one batch that is larger comes all the same'),
        partitionBytes: z
          .int()
          .min(64 * 1024)
          .default(MIB)
          .describe('read ahead of each partition, bytes; memory is up to three times that a partition'),
      })
      .prefault({}),
    boundsMs: z
      .int()
      .min(100)
      .default(1000)
      .describe('how often first and last offsets are asked for, ms: so old may a lag be'),
    mirrorPositions: z
      .boolean()
      .default(true)
      .describe('tell Kafka’s own groups where ours are, once a second, so that its tools show lag'),
    mirror: z
      .strictObject({
        enabled: z
          .boolean()
          .default(false)
          .describe('whether the role `mirror` writes every event as JSON into a topic for others'),
        topic: z
          .string()
          .regex(/^[A-Za-z0-9._-]{1,100}$/, 'letters, digits, `.`, `_` and `-`, at most 100')
          .default('events-json')
          .describe('name of that topic, behind the prefix; it has the partitions and the retention of the events'),
        leaveOut: z
          .array(z.enum(MIRRORED_COLUMNS))
          .default(['raw'])
          .describe('columns of events that are not written there; `raw` is the line as it was received'),
      })
      .prefault({}),
    group: z
      .strictObject({
        sessionTimeoutMs: z
          .int()
          .min(1000)
          .max(1_800_000)
          .default(6000)
          .describe(
            'a worker that was not heard of for so long loses its partitions, ms; brokers have limits (6 s to 30 min)',
          ),
        heartbeatMs: z.int().min(100).default(1000).describe('how often a worker is heard of, ms'),
        rebalanceTimeoutMs: z
          .int()
          .min(1000)
          .default(20_000)
          .describe('how long the others wait for a worker when partitions are dealt out, ms'),
      })
      .prefault({})
      .refine(({ sessionTimeoutMs, heartbeatMs }) => heartbeatMs * 3 <= sessionTimeoutMs, {
        path: ['heartbeatMs'],
        message: 'at most a third of sessionTimeoutMs',
      }),
  })
  .refine(({ replicationFactor, minInsyncReplicas }) => minInsyncReplicas <= replicationFactor, {
    path: ['minInsyncReplicas'],
    message: 'at most replicationFactor: more replicas than there are can never be in sync',
  });

export type KafkaConfig = z.output<typeof kafkaSchema>;
