import { openPulsarWebSocket } from '../../ingest/pulsar/websocket/index.ts';
import type { RawLog, RawTopic } from '../../ingest/raw-log.ts';
import type { Config } from '../../config/schema.ts';
import { LINES, SENT } from './publisher.ts';
import { nowMs, Reporter, untilTold } from './worker-link.ts';

export interface BareInput {
  readonly config: Config;
  readonly topic: string;
  readonly partitions: number;
}

export interface BareResult {
  /** Of each message from the begin of its round until it was here, ms. */
  readonly latenciesMs: readonly number[];
}

/** Pulsar's WebSocket service as ingest uses it. */
export function openRaw(config: Config): RawLog {
  const { pulsar } = config;
  return openPulsarWebSocket({
    ...pulsar,
    token: () => undefined,
    mayCreate: pulsar.createTopics,
    publishTimeoutMs: pulsar.publish.timeoutMs,
    onNotice: (level, message) => console.error(`pulsar: ${level}: ${message}`),
  });
}

/** The peer: the same messages out of Pulsar, acknowledged and dropped. */
export async function runBare({ config, topic, partitions }: BareInput): Promise<BareResult> {
  const stopped = untilTold('stop');
  const rawLog = openRaw(config);
  const opened: RawTopic = await rawLog.open({ name: topic, partitions });
  let events = 0;
  const latenciesMs: number[] = [];
  let fail: (error: Error) => void = () => undefined;
  const failed = new Promise<never>((_, reject) => (fail = reject));
  for (let partition = 0; partition < partitions; partition++) {
    const consumer = rawLog.consume({
      topic: opened.name,
      partition,
      subscription: 'bare',
      permits: config.pulsar.permits,
      onMessage: (message) => {
        latenciesMs.push(nowMs() - Number(message.properties[SENT]));
        events += Number(message.properties[LINES]);
        consumer.ack([message]);
      },
      onReset: () => undefined,
      onFailed: fail,
    });
  }
  const reporter = new Reporter(() => ({ events, evaluations: 0 }));
  reporter.report();
  const timer = setInterval(() => reporter.report(), 25);
  try {
    await Promise.race([stopped, failed]);
  } finally {
    clearInterval(timer);
    await rawLog.close();
  }
  return { latenciesMs };
}
