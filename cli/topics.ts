import type { Config } from '../config/schema.ts';
import type { TopicSpec } from '../log/event-log.ts';
import { alertCodec } from '../olap/alert-codec.ts';
import { eventCodec } from '../olap/event-codec.ts';
import { STORE_DATABASE } from '../olap/schema/databases.ts';
import { plainNativeCodec } from '../olap/sink-batch.ts';
import type { SinkRoute } from '../olap/sink-options.ts';
import { VedetteError } from '../model/errors.ts';
import { FEATURE_TABLES } from '../model/feature-tables.ts';
import { EVENTS_TOPIC, PARTIALS_TOPIC } from '../stream/stage-workers.ts';

export const ALERTS_TOPIC = 'alerts';

const HOUR_MS = 3_600_000;

/** The topics of the event log. */
export function topics(config: Config): TopicSpec[] {
  const retentionMs = config.log.retentionHours * HOUR_MS;
  const { partitions } = config.log;
  return [
    { name: EVENTS_TOPIC, partitions, retentionMs },
    { name: PARTIALS_TOPIC, partitions, retentionMs },
    ...FEATURE_TABLES.map(({ name }) => ({ name, partitions: 1, retentionMs })),
    { name: ALERTS_TOPIC, partitions: 1, retentionMs },
  ];
}

/** Alerts' changes as plain OCSF findings, one JSON object a record, for others who read the cluster's log. */
export const FINDINGS_TOPIC = 'findings';

/** The same, and what the cluster's log has for others. Errors: CONFIG_INVALID where the mirror has the name of another. */
export function clusterTopics(config: Config): TopicSpec[] {
  const retentionMs = config.log.retentionHours * HOUR_MS;
  const own = [...topics(config), { name: FINDINGS_TOPIC, partitions: 1, retentionMs }];
  const { enabled, topic } = config.kafka.mirror;
  if (!enabled) return own;
  if (own.some(({ name }) => name === topic))
    throw new VedetteError('CONFIG_INVALID', `kafka.mirror.topic: "${topic}" is a topic of the log itself`);
  return [...own, { name: topic, partitions: config.log.partitions, retentionMs }];
}

/** Which topics the sink stores, and where. */
export const SINK_ROUTES: readonly SinkRoute[] = [
  { topic: EVENTS_TOPIC, table: `${STORE_DATABASE}.events`, codec: eventCodec },
  ...FEATURE_TABLES.map(({ name }) => ({ topic: name, table: `${STORE_DATABASE}.${name}`, codec: plainNativeCodec })),
  { topic: ALERTS_TOPIC, table: `${STORE_DATABASE}.alerts`, codec: alertCodec },
];
