import type { RecordSink } from '../../../ingest/sources/record-sink.ts';

/** Collects what a splitter gives, as text. */
export function collectRecords(): RecordSink & {
  readonly records: [number, string][];
  readonly rejects: [number, string, string][];
} {
  const records: [number, string][] = [];
  const rejects: [number, string, string][] = [];
  return {
    records,
    rejects,
    record: (bytes, start, end, position) => {
      records.push([position, Buffer.from(bytes.subarray(start, end)).toString()]);
    },
    rejected: (reason, position, head) => {
      rejects.push([position, reason, Buffer.from(head).toString()]);
    },
  };
}
