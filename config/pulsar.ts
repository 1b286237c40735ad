import { z } from 'zod';

/** As Pulsar takes them, and as they may stand in a source's id. */
const NAME = /^[A-Za-z0-9_.=-]{1,100}$/;

const url = (protocols: string, example: string, what: string) =>
  z
    .string()
    .regex(new RegExp(`^(${protocols})://[^/?#]+/?$`), `a URL such as ${example}`)
    .default(example)
    .describe(what);

const topicSchema = z.strictObject({
  name: z.string().regex(NAME).describe('source type, such as `zeek`: the topic is `raw-` and this'),
  partitions: z.int().min(1).max(1024).default(4).describe('partitions; fixed when the topic is made'),
  format: z
    .string()
    .optional()
    .describe('format or mapping of messages that name none; without it they are known by content'),
});

/** Raw logs in Pulsar. */
export const pulsarSchema = z.strictObject({
  transport: z
    .enum(['websocket', 'native'])
    .default('websocket')
    .describe('`websocket` works everywhere; `native` needs the npm package pulsar-client'),
  webSocketUrl: url('wss?', 'ws://127.0.0.1:8080', 'WebSocket service'),
  adminUrl: url('https?', 'http://127.0.0.1:8080', 'admin service: topics are looked up and made there'),
  serviceUrl: url('pulsar(?:\\+ssl)?', 'pulsar://127.0.0.1:6650', 'binary service, for the transport `native`'),
  tenant: z.string().regex(NAME).default('public').describe('tenant of the topics'),
  namespace: z.string().regex(NAME).default('vedette').describe('namespace of the topics'),
  createTopics: z
    .boolean()
    .default(true)
    .describe('make missing topics, and their tenant and namespace; needs a token that may'),
  topics: z
    .array(topicSchema)
    .default([
      { name: 'zeek', partitions: 4 },
      { name: 'readings', partitions: 4 },
    ])
    .describe('topics that are read, one a source type'),
  deadLetters: z
    .strictObject({
      publish: z.boolean().default(true).describe('publish dead letters to a topic as well'),
      topic: z.string().regex(NAME).default('dead-letters').describe('its name, without a prefix'),
      partitions: z.int().min(1).max(1024).default(1).describe('its partitions'),
    })
    .prefault({}),
  subscription: z.string().regex(NAME).default('vedette-ingest').describe('name under which ingest reads the topics'),
  token: z
    .string()
    .optional()
    .describe('token (JWT) that is sent with everything; rather in `tokenEnv` or `tokenFile`'),
  tokenEnv: z.string().optional().describe('environment variable that holds the token'),
  tokenFile: z.string().optional().describe('file that holds the token; read again for each connection'),
  publish: z
    .strictObject({
      listeners: z
        .boolean()
        .default(true)
        .describe('HTTP requests go to Pulsar first, and are answered once it has them'),
      files: z.boolean().default(true).describe('followed files go to Pulsar first'),
      topic: z.string().regex(NAME).default('zeek').describe('topic of what listeners and files bring in'),
      topicByFormat: z
        .record(z.string(), z.string().regex(NAME))
        .default({ 'readings-ndjson': 'readings', 'readings-csv': 'readings' })
        .describe('another topic, by format or mapping'),
      compression: z.enum(['none', 'gzip']).default('gzip').describe('of payloads; `gzip` spares network and disk'),
      batchBytes: z
        .int()
        .min(4096)
        .max(4 << 20)
        .default(256 << 10)
        .describe('lines are put together into messages of about so many bytes'),
      timeoutMs: z
        .int()
        .min(100)
        .default(8000)
        .describe('a message that Pulsar does not store within this time is given up: the client gets 503, ms'),
    })
    .prefault({}),
  maxMessageBytes: z
    .int()
    .min(4096)
    .max(5 << 20)
    .default(750_000)
    .describe(
      "largest payload, bytes; in base64 it must fit in the server's `webSocketMaxTextFrameSize` (1 MiB unless set otherwise)",
    ),
  windowBytes: z
    .int()
    .min(4096)
    .default(4 << 20)
    .describe('bytes that may be on their way to a partition without an answer'),
  maxPendingBytes: z
    .int()
    .min(4096)
    .default(32 << 20)
    .describe('bytes that may wait for a partition; beyond it publishers are told to come back'),
  permits: z
    .int()
    .min(1)
    .max(1000)
    .default(32)
    .describe('messages of a partition that may be in work; no more come until some are in the event log'),
  commitMs: z
    .int()
    .min(1)
    .max(10_000)
    .default(200)
    .describe("time between two writings of a partition's watermark, before which nothing is acknowledged, ms"),
  lingerMs: z
    .int()
    .min(0)
    .max(1000)
    .default(50)
    .describe('while messages keep coming, blocks of events are closed so often, ms: fewer and larger ones cost less'),
  handshakeMs: z.int().min(100).default(10_000).describe('time for a connection or an admin request, ms'),
});

export type PulsarConfig = z.output<typeof pulsarSchema>;
