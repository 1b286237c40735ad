import { z } from 'zod';
import { cassandraSchema } from './cassandra.ts';
import { clickhouseSchema } from './clickhouse.ts';
import { jobsSchema } from './jobs.ts';
import { kafkaSchema } from './kafka.ts';
import { pulsarSchema } from './pulsar.ts';
import { redisSchema } from './redis.ts';

const GIB = 1024 ** 3;

const retention = (days: number, what: string) =>
  z
    .union([z.int().min(1).max(36_500), z.literal('forever')])
    .default(days)
    .describe(`${what}: days since a row was stored, or "forever"`);

const cidrs = z.array(z.string()).describe('networks as CIDR, IPv4 or IPv6');

const csvMapping = z.strictObject({
  name: z.string().describe('name of the mapping, as in `--format`'),
  match: z.string().describe('glob on the path of a file, such as `**/plant/*.csv`'),
  delimiter: z.string().default(',').describe('one character'),
  time: z.string().describe('column of the time; empty where timeFormat counts rows'),
  timeFormat: z
    .string()
    .default('iso')
    .describe('`iso`, `unix`, `unix_ms`, a pattern such as `DD/MM/YY HH`, or `index:INTERVAL_MS:START_ISO`'),
  device: z.string().describe('fixed name, or a text with `{stem}` (file name without ending) or `{column:NAME}`'),
  values: z
    .union([z.literal('*'), z.array(z.string())])
    .default('*')
    .describe('columns that hold readings; `*`: all others'),
  ignore: z.array(z.string()).default([]).describe('columns that are no readings'),
  metric: z.string().optional().describe('name of the metric where there is one column of another name'),
  disorderMs: z.int().min(0).optional().describe('how far lines may be out of order, ms; default as for readings'),
  units: z.record(z.string(), z.string()).default({}).describe('unit by column'),
});

/** Everything that can be configured but the detectors' own keys, which each detector's schema declares. */
export const configSchema = z.strictObject({
  site: z.string().max(64).default('').describe('name of the site, stored with every event'),
  internal: cidrs
    .default(['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'])
    .describe('the internal networks (RFC 1918 and RFC 4193 unless said otherwise)'),
  groups: z
    .array(z.strictObject({ name: z.string().min(1).max(64), networks: cidrs }))
    .default([])
    .describe('host groups; detectors may have limits for each; the first that holds an address counts'),
  devices: z
    .strictObject({
      roster: z.array(z.string()).default([]).describe('devices that must exist: watched for silence early'),
    })
    .prefault({}),
  http: z
    .strictObject({
      host: z.string().default('127.0.0.1').describe('loopback only until keys exist'),
      port: z.int().min(0).max(65_535).default(8470).describe('0: any free port'),
    })
    .prefault({}),
  sources: z
    .strictObject({
      follow: z
        .array(z.strictObject({ path: z.string(), format: z.string().optional() }))
        .default([])
        .describe('files and folders to follow across rotation'),
      idleMs: z.int().min(1000).default(30_000).describe('a source quiet for so long no longer holds back time, ms'),
      csv: z.array(csvMapping).default([]).describe('how wide CSV files become readings'),
    })
    .prefault({}),
  log: z
    .strictObject({
      partitions: z
        .int()
        .min(1)
        .max(1024)
        .default(1)
        .describe('of events and of partials; fixed when the data folder is made'),
      maxBytes: z
        .int()
        .min(64 * 1024 ** 2)
        .default(10 * GIB)
        .describe('cap on disk for the event log, bytes'),
      retentionHours: z.number().positive().default(72).describe('how long the log keeps what is processed'),
      segmentBytes: z
        .int()
        .min(1024 ** 2)
        .default(128 * 1024 ** 2)
        .describe('size of a segment file, bytes'),
    })
    .prefault({}),
  stream: z
    .strictObject({
      checkpointMs: z.int().min(100).default(30_000).describe('time between checkpoints, ms'),
      maxHosts: z
        .int()
        .min(1)
        .default(1_000_000)
        .describe('hosts with state, in all partitions together; over it the longest unseen go'),
      maxTargets: z.int().min(1).default(1_000_000).describe('targets with state, in all'),
      newHostsPerMinute: z
        .int()
        .min(1)
        .default(100_000)
        .describe('hosts that may appear in a minute, in all; the rest is counted'),
      maxPairs: z
        .int()
        .min(1)
        .default(2_000_000)
        .describe(
          'pairs of host and peer remembered for seven days, in all, about 32 bytes each; as many of host and port',
        ),
      blockRows: z.int().min(1).max(65_535).default(8192).describe('events in a block of the log'),
    })
    .prefault({}),
  olap: z
    .strictObject({
      memoryBytes: z
        .int()
        .min(256 * 1024 ** 2)
        .default(900 * 1024 ** 2)
        .describe('limit of the ClickHouse child'),
      retentionDays: z
        .strictObject({
          events: retention(30, 'raw events'),
          minutes: retention(90, 'statistics and features of one minute'),
          fiveMinutes: retention(365, 'statistics and features of five minutes'),
          hours: retention(1095, 'statistics and features of one hour'),
          panes: retention(7, 'target features of each pane'),
          alerts: retention(1095, 'history of alerts'),
        })
        .prefault({})
        .describe('days that raw events and statistics are kept'),
    })
    .prefault({}),
  deadLetters: z
    .strictObject({
      maxBytes: z
        .int()
        .min(1024 ** 2)
        .default(256 * 1024 ** 2)
        .describe('kept on disk; the oldest go'),
    })
    .prefault({}),
  alerts: z
    .strictObject({
      quietMinutes: z
        .strictObject({
          'denial-of-service': z.number().positive().default(10),
          'data-loss': z.number().positive().default(75),
          'data-corruption': z.number().positive().default(60),
        })
        .prefault({})
        .describe('an episode closes after so long without a finding, minutes of event time'),
      webhooks: z
        .array(z.record(z.string(), z.unknown()))
        .default([])
        .describe('where alerts are posted to; keys as in the page on webhooks'),
    })
    .prefault({}),
  kafka: kafkaSchema.prefault({}).describe('the event log of the cluster form'),
  pulsar: pulsarSchema.prefault({}).describe('raw logs of the cluster form'),
  cassandra: cassandraSchema.prefault({}).describe('state of the cluster form'),
  redis: redisSchema.prefault({}).describe('jobs of the cluster form'),
  jobs: jobsSchema.prefault({}).describe('jobs: replays, and whatever else is done later'),
  clickhouse: clickhouseSchema.prefault({}).describe('store of the cluster form'),
  detectors: z
    .record(z.string(), z.unknown())
    .default({})
    .describe("by a detector's name its own keys; see the detectors' page"),
});

export type Config = z.output<typeof configSchema>;
