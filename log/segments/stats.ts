/** Where a test may stop the process: a batch written, and synced; a segment begun; positions written, and synced. */
export type LogPoint =
  'log:written' | 'log:synced' | 'log:rolled' | 'positions:written' | 'positions:synced' | 'positions:compacted';

/** Totals since the log was opened. */
export interface LogCounters {
  /** Batches of records that were written and synced together. */
  batches: number;
  appendedRecords: number;
  appendedBytes: number;
  /** Batches of group positions, and positions in them. */
  positionBatches: number;
  positions: number;
  droppedSegments: number;
  droppedRecords: number;
  /** Dropped for the disk cap before every holding group had committed them: lost. */
  droppedUnread: number;
  /** Bytes cut off a torn or damaged end at open. */
  tornBytes: number;
  /** Damaged or missing records that readers went past. */
  skippedDamaged: number;
}

export interface LogStats extends LogCounters {
  /** Bytes of all segments on disk. */
  readonly diskBytes: number;
  readonly maxBytes: number;
  readonly partitions: readonly PartitionStats[];
}

export interface PartitionStats {
  readonly topic: string;
  readonly partition: number;
  readonly earliest: number;
  readonly end: number;
  readonly segments: number;
  readonly diskBytes: number;
}

export function zeroCounters(): LogCounters {
  return {
    batches: 0,
    appendedRecords: 0,
    appendedBytes: 0,
    positionBatches: 0,
    positions: 0,
    droppedSegments: 0,
    droppedRecords: 0,
    droppedUnread: 0,
    tornBytes: 0,
    skippedDamaged: 0,
  };
}
