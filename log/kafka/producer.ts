import { setTimeout as sleep } from 'node:timers/promises';
import { VedetteError } from '../../model/errors.ts';
import type { Codec } from './codecs.ts';
import type { KafkaCounters } from './counters.ts';
import { type BatchRecord, encodeBatch, recordBytes, stampBatch } from './encode-batch.ts';
import { errorName } from './kafkajs.ts';
import type { Leaders } from './leaders.ts';
import type { PartitionState } from './partition-state.ts';
import type { ProduceLanes } from './produce-lanes.ts';
import type { ProducerIds } from './producer-ids.ts';
import { KAFKA_ERROR } from './protocol-types.ts';

export interface ProducerParts {
  readonly leaders: Leaders;
  readonly lanes: ProduceLanes;
  readonly ids: ProducerIds;
  readonly counters: KafkaCounters;
  readonly limits: ProducerLimits;
}

export interface ProducerLimits {
  readonly codec: Codec;
  /** Largest batch that the topics take, compressed, bytes. */
  readonly maxBatchBytes: number;
  /** Appends that wait for each other go out together up to so many bytes. */
  readonly mergeBytes: number;
  /** An append that could not be stored for so long is given up, ms. */
  readonly giveUpMs: number;
}

interface Append {
  readonly records: readonly BatchRecord[];
  readonly resolve: (offset: number) => void;
  readonly reject: (error: unknown) => void;
}

const BACKOFF_MS = { first: 20, most: 1000 };
const SEQUENCE_MODULO = 2 ** 31;
/** What a record takes beside its key and value, at most. */
const RECORD_OVERHEAD_BYTES = 24;

/**
 * Appends to one partition, one batch at a time, in the order of the calls. A batch is sent until a broker names this
 * partition with an offset for it: nothing else counts as stored. It keeps its number when it is sent again, by which the
 * brokers know it and store it once. Where they have lost that number (they say so), the batch gets a new one, and may be
 * in the log twice: `possibleDuplicates`.
 */
export class PartitionProducer {
  readonly #state: PartitionState;
  readonly #parts: ProducerParts;
  readonly #queue: Append[] = [];
  #draining: Promise<void> | undefined;
  #identity: { readonly producerId: bigint; readonly epoch: number } | undefined;
  #sequence = 0;
  #isClosed = false;

  constructor(state: PartitionState, parts: ProducerParts) {
    this.#state = state;
    this.#parts = parts;
  }

  append(records: readonly BatchRecord[]): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ records, resolve, reject });
      this.#draining ??= this.#drain().finally(() => (this.#draining = undefined));
    });
  }

  /** Resolves once nothing is on its way. */
  async idle(): Promise<void> {
    await this.#draining;
  }

  /** What is on its way is given up. */
  close(): void {
    this.#isClosed = true;
  }

  async #drain(): Promise<void> {
    // Calls of one turn of the event loop go together.
    await Promise.resolve();
    for (let group = this.#take(); group.length > 0; group = this.#take()) {
      try {
        let offset = await this.#store(group.flatMap(({ records }) => records));
        for (const append of group) {
          append.resolve(offset);
          offset += append.records.length;
        }
      } catch (error) {
        // Those behind it must not be stored before it.
        const failed = isRefusal(error) ? group : [...group, ...this.#queue.splice(0)];
        for (const append of failed) append.reject(error);
      }
    }
  }

  /** The first append, and those behind it that fit in with it. */
  #take(): Append[] {
    const { mergeBytes } = this.#parts.limits;
    let bytes = 0;
    let count = 0;
    for (const { records } of this.#queue) {
      bytes += sizeOf(records);
      if (count > 0 && bytes > mergeBytes) break;
      count++;
    }
    return this.#queue.splice(0, count);
  }

  /** Stores records in as many batches as they need; gives the first one's offset. */
  async #store(records: readonly BatchRecord[]): Promise<number> {
    const { codec, maxBatchBytes } = this.#parts.limits;
    const batch = await encodeBatch(records, { codec, timeMs: Date.now() });
    const offset = batch.length > maxBatchBytes ? 'too large' : await this.#send(batch, records.length);
    if (offset !== 'too large') {
      this.#state.raise({ end: offset + records.length });
      this.#parts.counters.appendedRecords += records.length;
      this.#parts.counters.appendedBytes += sizeOf(records);
      this.#parts.counters.batches++;
      return offset;
    }
    if (records.length === 1) {
      throw new VedetteError(
        'BAD_REQUEST',
        `a record of ${recordBytes(records[0]!)} bytes is more than ${this.#state.kafkaTopic} takes (max.message.bytes)`,
      );
    }
    const half = Math.ceil(records.length / 2);
    const first = await this.#store(records.slice(0, half));
    await this.#store(records.slice(half));
    return first;
  }

  async #send(batch: Buffer, count: number): Promise<number | 'too large'> {
    const { lanes, leaders, counters, limits } = this.#parts;
    const { kafkaTopic: topic, partition } = this.#state;
    const giveUpAt = Date.now() + limits.giveUpMs;
    let mayBeStored = false;
    let failure = 'it was not tried';
    for (let attempt = 0; ; attempt++) {
      if (attempt > 0) {
        counters.resends++;
        if (Date.now() > giveUpAt || this.#isClosed) break;
        await sleep(Math.min(BACKOFF_MS.most, BACKOFF_MS.first * 2 ** Math.min(attempt - 1, 10)));
      }
      try {
        if (attempt > 0 || leaders.of(topic, partition) < 0) await leaders.refresh();
        const leader = leaders.of(topic, partition);
        if (leader < 0) {
          failure = 'the partition has no leader';
          continue;
        }
        this.#identity ??= await this.#parts.ids.get();
        stampBatch(batch, { ...this.#identity, sequence: this.#identity.producerId < 0n ? -1 : this.#sequence });
        const part = await lanes.send(leader, { topic, partition, batch });
        if (part.errorCode === KAFKA_ERROR.none && part.baseOffset >= 0) {
          this.#sequence = (this.#sequence + count) % SEQUENCE_MODULO;
          return part.baseOffset;
        }
        failure = `Kafka answered ${errorName(part.errorCode)}`;
        const next = this.#judge(part.errorCode);
        if (next === 'too large') return next;
        if (next === 'new number') {
          if (mayBeStored || part.errorCode === KAFKA_ERROR.duplicateSequence) counters.possibleDuplicates += count;
          this.#forgetNumber();
        }
        mayBeStored ||= part.errorCode === KAFKA_ERROR.requestTimedOut || part.errorCode === NOT_ENOUGH_AFTER;
      } catch (error) {
        if (!(error instanceof VedetteError) || !error.retry) throw error;
        failure = error.message;
        mayBeStored = true;
      }
    }
    // It may still come into the log: what is sent next must not be taken for it.
    this.#forgetNumber();
    const seconds = Math.round(limits.giveUpMs / 1000);
    throw new VedetteError(
      'LOG_UNAVAILABLE',
      `${topic}/${partition} could not be appended to for ${seconds} s: ${failure}`,
    );
  }

  #judge(errorCode: number): 'again' | 'too large' | 'new number' {
    const { kafkaTopic } = this.#state;
    switch (errorCode) {
      case KAFKA_ERROR.messageTooLarge:
      case KAFKA_ERROR.recordListTooLarge:
        return 'too large';
      case KAFKA_ERROR.outOfOrderSequence:
      case KAFKA_ERROR.duplicateSequence:
      case KAFKA_ERROR.invalidProducerEpoch:
      case KAFKA_ERROR.invalidProducerIdMapping:
      case KAFKA_ERROR.unknownProducerId:
        return 'new number';
      case KAFKA_ERROR.topicUnauthorized:
      case KAFKA_ERROR.clusterUnauthorized:
        throw new VedetteError('UNAUTHORIZED', `Kafka does not let this user write to ${kafkaTopic}`);
      default: {
        const missingSince = this.#parts.leaders.missingSince(kafkaTopic);
        if (missingSince !== undefined && Date.now() - missingSince > MISSING_MS) {
          throw new VedetteError('NOT_FOUND', `the topic ${kafkaTopic} does not exist in Kafka any more`);
        }
        return 'again';
      }
    }
  }

  #forgetNumber(): void {
    if (this.#identity) this.#parts.ids.renew(this.#identity);
    this.#identity = undefined;
    this.#sequence = 0;
  }
}

const NOT_ENOUGH_AFTER = KAFKA_ERROR.notEnoughReplicasAfterAppend;
const MISSING_MS = 10_000;

function sizeOf(records: readonly BatchRecord[]): number {
  return records.reduce((sum, record) => sum + recordBytes(record) + RECORD_OVERHEAD_BYTES, 0);
}

/** The record itself is at fault, and those behind it are not. */
function isRefusal(error: unknown): boolean {
  return error instanceof VedetteError && error.code === 'BAD_REQUEST';
}
