import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../../config/schema.ts';
import type { Server } from '../../config/server-sections.ts';
import { PulsarAdmin } from '../../ingest/pulsar/admin.ts';
import { VedetteError } from '../../model/errors.ts';
import { tokenOf } from '../compose-cluster.ts';
import { CassandraLook } from './cassandra-look.ts';
import { type Look, type Problem, type RawTopicFacts, sharedRoles, type TopologyFacts } from './facts.ts';
import { KafkaLook } from './kafka-look.ts';

/** Of a request to a server that is not told otherwise, ms. */
const ADMIN_MS = 5000;

/**
 * Asks Kafka, Cassandra and Pulsar; twice for how far things are, `overMs` apart. A server that does not tell is a
 * problem among the facts, and no error. Errors: the signal's reason.
 */
export async function gatherTopology(
  config: Config,
  { overMs, signal }: { readonly overMs: number; readonly signal: AbortSignal },
): Promise<TopologyFacts> {
  const problems = new Problems();
  const [kafka, cassandra] = await Promise.all([
    problems.ask('kafka', () => KafkaLook.open(config.kafka)),
    problems.ask('cassandra', () => CassandraLook.open(config.cassandra)),
  ]);
  const roles = sharedRoles(config);
  const topics = [...new Set(roles.flatMap((role) => role.topics))];
  const look = async (): Promise<Look> => {
    const [bounds, positions] = await Promise.all([
      kafka && problems.ask('kafka', () => kafka.bounds(topics)),
      cassandra && problems.ask('cassandra', () => cassandra.positions()),
    ]);
    return { bounds, positions };
  };
  try {
    const first = await look();
    const firstMs = performance.now();
    const canCompare = overMs > 0 && first.bounds !== undefined && first.positions !== undefined;
    const [groups, checkpoints, raw] = await Promise.all([
      kafka && problems.ask('kafka', () => kafka.groups(roles.map(({ workers }) => workers))),
      cassandra && problems.ask('cassandra', () => cassandra.checkpoints()),
      problems.ask('pulsar', () => rawTopics(config.pulsar)),
    ]);
    if (canCompare) await waitUntil(firstMs + overMs, signal);
    signal.throwIfAborted();
    const last = canCompare ? await look() : first;
    const facts = { roles, first, last, groups, checkpoints, raw, problems: problems.list };
    return { atMs: Date.now(), overMs: canCompare ? Math.round(performance.now() - firstMs) : 0, ...facts };
  } finally {
    kafka?.close();
    await cassandra?.close();
  }
}

async function rawTopics(config: Config['pulsar']): Promise<RawTopicFacts[]> {
  const { adminUrl, tenant, namespace, topics, subscription, handshakeMs } = config;
  const timeoutMs = Math.min(handshakeMs, ADMIN_MS);
  const admin = new PulsarAdmin({ adminUrl, tenant, namespace, token: () => tokenOf(config), timeoutMs });
  return Promise.all(
    topics.map(async (topic) => {
      const name = `raw-${topic.name}`;
      const partitions = await admin.backlog(name, subscription);
      return { name, ...(partitions && { partitions }) };
    }),
  );
}

async function waitUntil(atMs: number, signal: AbortSignal): Promise<void> {
  const waitMs = atMs - performance.now();
  // The reason is thrown by who asked for the wait.
  if (waitMs > 0) await sleep(waitMs, undefined, { signal }).catch(() => undefined);
}

/** Servers that did not tell, each reason once. */
class Problems {
  readonly list: Problem[] = [];

  async ask<T>(server: Server, work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof VedetteError)) throw error;
      const { code, message } = error;
      const isKnown = this.list.some((problem) => problem.server === server && problem.message === message);
      if (!isKnown) this.list.push({ server, code, message });
      return undefined;
    }
  }
}
