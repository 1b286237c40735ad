/** Requests that kafkajs encodes, by its names for them, with the parts of their answers that are used here. */
export interface ApiCalls {
  Metadata: {
    args: { readonly topics: readonly string[]; readonly allowAutoTopicCreation: false };
    answer: {
      readonly brokers: readonly { readonly nodeId: number; readonly host: string; readonly port: number }[];
      readonly clusterId: string | null;
      readonly controllerId: number;
      readonly topicMetadata: readonly TopicMetadata[];
    };
  };
  ListOffsets: {
    args: {
      readonly isolationLevel: number;
      readonly topics: readonly {
        readonly topic: string;
        readonly partitions: readonly { readonly partition: number; readonly timestamp: number }[];
      }[];
    };
    answer: {
      readonly responses: readonly {
        readonly topic: string;
        readonly partitions: readonly {
          readonly partition: number;
          readonly errorCode: number;
          readonly offset: string;
        }[];
      }[];
    };
  };
  CreateTopics: {
    args: {
      readonly topics: readonly {
        readonly topic: string;
        readonly numPartitions: number;
        readonly replicationFactor: number;
        readonly configEntries: readonly TopicSetting[];
      }[];
      readonly timeout: number;
    };
    answer: {
      readonly topicErrors: readonly {
        readonly topic: string;
        readonly errorCode: number;
        readonly errorMessage: string | null;
      }[];
    };
  };
  DescribeConfigs: {
    args: {
      readonly resources: readonly { readonly type: 2; readonly name: string; readonly configNames: string[] }[];
    };
    answer: {
      readonly resources: readonly {
        readonly errorCode: number;
        readonly resourceName: string;
        readonly configEntries: readonly { readonly configName: string; readonly configValue: string | null }[];
      }[];
    };
  };
  InitProducerId: {
    args: Readonly<Record<string, never>>;
    answer: { readonly errorCode: number; readonly producerId: string; readonly producerEpoch: number };
  };
  GroupCoordinator: {
    args: { readonly groupId: string; readonly coordinatorType: 0 };
    answer: {
      readonly errorCode: number;
      readonly coordinator: { readonly nodeId: number; readonly host: string; readonly port: number };
    };
  };
  OffsetCommit: {
    args: {
      readonly groupId: string;
      readonly groupGenerationId: number;
      readonly memberId: string;
      readonly topics: readonly {
        readonly topic: string;
        readonly partitions: readonly {
          readonly partition: number;
          readonly offset: string;
          readonly metadata: string;
        }[];
      }[];
    };
    answer: {
      readonly responses: readonly {
        readonly topic: string;
        readonly partitions: readonly { readonly partition: number; readonly errorCode: number }[];
      }[];
    };
  };
  JoinGroup: {
    args: {
      readonly groupId: string;
      readonly sessionTimeout: number;
      readonly rebalanceTimeout: number;
      readonly memberId: string;
      readonly protocolType: 'consumer';
      readonly groupProtocols: readonly { readonly name: string; readonly metadata: Buffer }[];
    };
    answer: {
      readonly errorCode: number;
      readonly generationId: number;
      readonly leaderId: string;
      readonly memberId: string;
      readonly members: readonly { readonly memberId: string; readonly memberMetadata: Buffer }[];
    };
  };
  SyncGroup: {
    args: {
      readonly groupId: string;
      readonly generationId: number;
      readonly memberId: string;
      readonly groupAssignment: readonly { readonly memberId: string; readonly memberAssignment: Buffer }[];
    };
    answer: { readonly errorCode: number; readonly memberAssignment: Buffer };
  };
  Heartbeat: {
    args: { readonly groupId: string; readonly groupGenerationId: number; readonly memberId: string };
    answer: { readonly errorCode: number };
  };
  LeaveGroup: {
    args: { readonly groupId: string; readonly memberId: string };
    answer: { readonly errorCode: number };
  };
  DescribeGroups: {
    args: { readonly groupIds: readonly string[] };
    answer: {
      readonly groups: readonly {
        readonly errorCode: number;
        readonly groupId: string;
        readonly state: string;
        readonly members: readonly {
          readonly memberId: string;
          readonly clientId: string;
          readonly clientHost: string;
          readonly memberAssignment: Buffer;
        }[];
      }[];
    };
  };
}

export interface TopicSetting {
  readonly name: string;
  readonly value: string;
}

export interface TopicMetadata {
  readonly topicErrorCode: number;
  readonly topic: string;
  readonly partitionMetadata: readonly {
    readonly partitionErrorCode: number;
    readonly partitionId: number;
    /** −1: none now. */
    readonly leader: number;
    readonly replicas: readonly number[];
    readonly isr: readonly number[];
  }[];
}

/** Numbers of the protocol's errors that decide what is done next. */
export const KAFKA_ERROR = {
  none: 0,
  offsetOutOfRange: 1,
  corruptMessage: 2,
  unknownTopicOrPartition: 3,
  leaderNotAvailable: 5,
  notLeader: 6,
  requestTimedOut: 7,
  messageTooLarge: 10,
  coordinatorLoading: 14,
  coordinatorNotAvailable: 15,
  notCoordinator: 16,
  recordListTooLarge: 18,
  notEnoughReplicas: 19,
  notEnoughReplicasAfterAppend: 20,
  illegalGeneration: 22,
  unknownMember: 25,
  rebalanceInProgress: 27,
  topicUnauthorized: 29,
  groupUnauthorized: 30,
  clusterUnauthorized: 31,
  outOfOrderSequence: 45,
  duplicateSequence: 46,
  invalidProducerEpoch: 47,
  invalidProducerIdMapping: 49,
  unknownProducerId: 59,
  topicAlreadyExists: 36,
  notController: 41,
  memberIdRequired: 79,
  fencedInstance: 82,
} as const;
