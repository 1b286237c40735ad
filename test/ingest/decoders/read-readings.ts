import type { DecodeResult, Decoder } from '../../../ingest/decoder.ts';
import { EventRow, TEXT, type TextColumn } from '../../../ingest/event-row.ts';

/** What a reading's row holds, as plain values. */
export interface ReadReading {
  readonly eventClass: number;
  readonly log: string | undefined;
  readonly timeMs: number;
  readonly startMs: number;
  readonly device: string | undefined;
  readonly metric: string | undefined;
  readonly value: number;
  readonly unit: string | undefined;
}

/** Decodes one line that stands somewhere inside of a larger buffer. */
export function decode(decoder: Decoder, line: string | Uint8Array): { result: DecodeResult; readings: ReadReading[] } {
  const bytes = Buffer.concat([
    Buffer.from('##'),
    typeof line === 'string' ? Buffer.from(line) : line,
    Buffer.from('\n##'),
  ]);
  const readings: ReadReading[] = [];
  const result = decoder.decodeLine(bytes, 2, bytes.length - 3, new EventRow(), (row) => {
    const text = (column: TextColumn): string | undefined => {
      const start = row.ranges[TEXT[column] * 2]!;
      return start < 0 ? undefined : Buffer.from(row.text.subarray(start, row.ranges[TEXT[column] * 2 + 1])).toString();
    };
    const { eventClass, timeMs, startMs, value } = row;
    const names = { log: text('log'), device: text('device'), metric: text('metric'), unit: text('unit') };
    readings.push({ eventClass, timeMs, startMs, value, ...names });
  });
  return { result, readings };
}
