/** Totals since the log was opened. */
export interface KafkaCounters {
  appendedRecords: number;
  appendedBytes: number;
  /** Batches that were acknowledged; several appends may be in one. */
  batches: number;
  /** Batches that were sent again: the answer was lost, or a broker could not take them then. */
  resends: number;
  /** Of these, records that may be in the log twice: the producer's number was lost between two sends. */
  possibleDuplicates: number;
  fetchedBytes: number;
  fetchFailures: number;
  /** Damaged records that readers went past. */
  skippedDamaged: number;
  /** Positions that were not told to Kafka's own group; they are kept in the position store all the same. */
  mirrorFailures: number;
}

export function zeroCounters(): KafkaCounters {
  return {
    appendedRecords: 0,
    appendedBytes: 0,
    batches: 0,
    resends: 0,
    possibleDuplicates: 0,
    fetchedBytes: 0,
    fetchFailures: 0,
    skippedDamaged: 0,
    mirrorFailures: 0,
  };
}
