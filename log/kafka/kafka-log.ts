import { VedetteError } from '../../model/errors.ts';
import type { EventLog, GroupPosition, LogEntry } from '../event-log.ts';
import type { BoundsRefresh } from './bounds.ts';
import type { Connections } from './connections.ts';
import type { KafkaCounters } from './counters.ts';
import type { BatchRecord } from './encode-batch.ts';
import { describeCluster, type KafkaDescription } from './describe.ts';
import type { Fetcher } from './fetcher.ts';
import type { GroupCommits } from './group-commits.ts';
import type { PartitionState } from './partition-state.ts';
import type { PositionMirror } from './position-mirror.ts';
import type { PartitionProducer } from './producer.ts';
import { readEntries, readRanges } from './reading.ts';
import type { RecordRange } from './record-cursor.ts';

export interface KafkaLogParts {
  readonly connections: Connections;
  /** By the topic's own name, then by partition. */
  readonly topics: ReadonlyMap<string, readonly KafkaPartition[]>;
  readonly fetcher: Fetcher;
  readonly bounds: BoundsRefresh;
  readonly groups: GroupCommits;
  readonly mirror: PositionMirror | undefined;
  readonly counters: KafkaCounters;
  readonly kafkaNames: readonly string[];
}

export interface KafkaPartition {
  readonly state: PartitionState;
  readonly producer: PartitionProducer;
}

/** How long closing waits for appends that are on their way. */
const CLOSE_MS = 10_000;

/**
 * The event log on Kafka. Beyond the port: while a broker is away, reads wait, and appends wait up to a limit
 * (LOG_UNAVAILABLE); a record that was appended by others shows in `bounds` within a second, or when it is read; an append
 * of more than a topic's `max.message.bytes` is stored as several batches, between which another writer's may lie.
 * Errors beside the port's: UNAUTHORIZED, NOT_FOUND (also of a topic that was deleted meanwhile).
 */
export class KafkaLog implements EventLog {
  readonly #parts: KafkaLogParts;
  #isClosed = false;

  constructor(parts: KafkaLogParts) {
    this.#parts = parts;
  }

  partitions(topic: string): number {
    return this.#topic(topic).length;
  }

  /** Records may have keys, for others who read the topic: our own readers don't see them. */
  async append(topic: string, partition: number, records: readonly BatchRecord[]): Promise<number> {
    const { producer, state } = this.#open(topic, partition);
    if (records.length === 0) return state.bounds.end;
    return producer.append(records);
  }

  async read(topic: string, partition: number, offset: number, limit: { maxBytes: number }): Promise<LogEntry[]> {
    const { state } = this.#open(topic, partition);
    return readEntries({ state, fetcher: this.#parts.fetcher, offset, maxBytes: limit.maxBytes });
  }

  /**
   * The same records as ranges of bytes, a batch each, for a reader that makes no object of a record (`RecordCursor`).
   * The first batch may begin before `offset`; go on at the last one's `nextOffset`.
   */
  async readBatches(
    topic: string,
    partition: number,
    offset: number,
    limit: { maxBytes: number },
  ): Promise<RecordRange[]> {
    const { state } = this.#open(topic, partition);
    return readRanges({ state, fetcher: this.#parts.fetcher, offset, maxBytes: limit.maxBytes });
  }

  /** Also resolves when the log is closed. */
  async wait(topic: string, partition: number, offset: number, signal: AbortSignal): Promise<void> {
    const { state } = this.#open(topic, partition);
    const from = state.behindGap(offset);
    if (from < state.bounds.end) return;
    state.moveReader(offset, from);
    const waiting = state.wait(from, signal);
    this.#parts.fetcher.poke();
    await waiting;
  }

  bounds(topic: string, partition: number): { earliest: number; end: number } {
    const { state } = this.#partition(topic, partition);
    state.lookedAtMs = Date.now();
    return state.bounds;
  }

  /**
   * Where reading can go on after it has thrown LOG_CORRUPT for `offset`: behind the whole batch, since its checksum is
   * the batch's. Readers get the same answer every time.
   */
  async skipDamaged(topic: string, partition: number, offset: number): Promise<number> {
    const { state } = this.#open(topic, partition);
    const next = state.window.find(offset)?.batch.nextOffset ?? offset + 1;
    this.#parts.counters.skippedDamaged += next - offset;
    return next;
  }

  /** Takes a partition over for a group: gives where to go on. Whoever held it is refused from now on (LOCKED). */
  async claim(group: string, topic: string, partition: number): Promise<GroupPosition | undefined> {
    this.#open(topic, partition);
    return (await this.#parts.groups.claim({ group, topic, partition })).position;
  }

  /** Forgets the claim, which itself stays valid until somebody else claims. */
  release(group: string, topic: string, partition: number): void {
    this.#parts.groups.release({ group, topic, partition });
  }

  async commit(group: string, topic: string, partition: number, position: GroupPosition): Promise<void> {
    this.#open(topic, partition);
    return this.#parts.groups.commit({ group, topic, partition }, position);
  }

  async committed(group: string, topic: string, partition: number): Promise<GroupPosition | undefined> {
    this.#partition(topic, partition);
    return this.#parts.groups.committed({ group, topic, partition });
  }

  stats(): Readonly<KafkaCounters> {
    return { ...this.#parts.counters };
  }

  /** What Kafka says of itself and of the topics, for people. Errors: LOG_UNAVAILABLE, UNAUTHORIZED. */
  describe(): Promise<KafkaDescription> {
    const states = [...this.#parts.topics.values()].flat().map(({ state }) => state);
    return describeCluster(this.#parts.connections, { topics: this.#parts.kafkaNames, states });
  }

  /** Waits for appends that are on their way, for ten seconds at most; those that are left are rejected. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const { topics, fetcher, bounds, mirror, connections } = this.#parts;
    const partitions = [...topics.values()].flat();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, CLOSE_MS)));
    await Promise.race([Promise.all([...partitions.map(({ producer }) => producer.idle()), mirror?.flush()]), late]);
    clearTimeout(timer);
    bounds.close();
    mirror?.close();
    fetcher.close();
    for (const { producer } of partitions) producer.close();
    connections.close();
    for (const { state } of partitions) state.close();
  }

  #open(topic: string, partition: number): KafkaPartition {
    if (this.#isClosed) throw new VedetteError('LOG_UNAVAILABLE', 'the log is closed');
    return this.#partition(topic, partition);
  }

  #partition(topic: string, partition: number): KafkaPartition {
    const found = this.#topic(topic)[partition];
    if (!found) throw new VedetteError('NOT_FOUND', `the topic ${topic} has no partition ${partition}`);
    return found;
  }

  #topic(topic: string): readonly KafkaPartition[] {
    const found = this.#parts.topics.get(topic);
    if (!found) throw new VedetteError('NOT_FOUND', `there is no topic ${topic}`);
    return found;
  }
}
