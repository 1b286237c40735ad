import type { TopicSpec } from '../event-log.ts';
import type { PositionStore } from '../position-store.ts';
import type { Codec } from './codecs.ts';

/** How the brokers are reached. The keys are those of the configuration's section `kafka`. */
export interface KafkaAccess {
  /** `host:port` of some of them. */
  readonly brokers: readonly string[];
  readonly clientId: string;
  readonly tls?: KafkaTls | undefined;
  readonly sasl?: KafkaSasl | undefined;
  readonly connectTimeoutMs: number;
  /** How long a broker may take to answer, beyond what it was told to wait. */
  readonly requestTimeoutMs: number;
}

/** Paths of PEM files. */
export interface KafkaTls {
  readonly caFile?: string | undefined;
  readonly certFile?: string | undefined;
  readonly keyFile?: string | undefined;
  readonly serverName?: string | undefined;
  readonly verify: boolean;
}

export interface KafkaSasl {
  readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
  readonly username: string;
  /** One of these three says the password. */
  readonly password?: string | undefined;
  readonly passwordFile?: string | undefined;
  readonly passwordEnv?: string | undefined;
}

export interface KafkaSettings extends KafkaAccess {
  /** Stands before the name of each topic and group, with a dot. */
  readonly prefix: string;
  readonly replicationFactor: number;
  readonly minInsyncReplicas: number;
  readonly compression: Codec;
  readonly maxMessageBytes: number;
  readonly mergeBytes: number;
  readonly appendTimeoutMs: number;
  readonly openTimeoutMs: number;
  readonly fetch: {
    readonly maxWaitMs: number;
    readonly maxBytes: number;
    readonly partitionBytes: number;
  };
  readonly boundsMs: number;
  /** Whether positions are also told to Kafka's own groups, so that its tools show lag. */
  readonly mirrorPositions: boolean;
}

export interface KafkaTopic extends TopicSpec {
  /** Default `delete`. */
  readonly cleanup?: 'delete' | 'compact';
}

export interface KafkaLogOptions {
  readonly kafka: KafkaSettings;
  readonly topics: readonly KafkaTopic[];
  /** Where groups go on. The log doesn't close it. */
  readonly positions: PositionStore;
  /** What an operator should hear of, in words. */
  readonly onWarning?: (message: string) => void;
}
