import type { DecodeResult, Decoder } from '../../../ingest/decoder.ts';
import { EventRow, TEXT, TEXT_COLUMNS, type TextColumn } from '../../../ingest/event-row.ts';
import { CONN_STATES, EVENT_CLASSES } from '../../../model/event-columns.ts';
import { formatAddress } from '../../../model/address.ts';

/** A row as plain values; text columns that are absent are left out, bytes that are not UTF-8 stay told apart. */
function readRow(row: EventRow): Readonly<Record<string, string | number>> {
  const values: Record<string, string | number> = {
    class: EVENT_CLASSES[row.eventClass]!,
    timeMs: row.timeMs,
    startMs: row.startMs,
    ...(row.hasAddresses ? { src: formatAddress(row.addresses, 0), dst: formatAddress(row.addresses, 16) } : {}),
    ports: `${row.srcPort} ${row.dstPort}`,
    proto: row.proto,
    state: CONN_STATES[row.connState]!,
    bytes: `${row.bytesOut} ${row.bytesIn}`,
    packets: `${row.packetsOut} ${row.packetsIn}`,
    status: row.httpStatus,
  };
  for (const column of TEXT_COLUMNS) {
    const text = readText(row, column);
    if (text !== undefined) values[column] = text;
  }
  return values;
}

export function readText(row: EventRow, column: TextColumn): string | undefined {
  if (column === 'log' && row.log.length > 0) return Buffer.from(row.log).toString('latin1');
  const start = row.ranges[TEXT[column] * 2]!;
  if (start < 0) return undefined;
  const bytes = Buffer.from(row.text.subarray(start, row.ranges[TEXT[column] * 2 + 1]));
  return bytes.toString('latin1');
}

/** Where a line stands: alone in its buffer, between other lines, or cut out of text that goes on. */
export type Surroundings = 'alone' | 'between lines' | 'cut out';

/** Decodes one line, and gives the row of its event or the reason why there is none. */
export function decodeLine(
  decoder: Decoder,
  line: string | Uint8Array,
  surroundings: Surroundings = 'between lines',
): DecodeResult | Readonly<Record<string, string | number>> {
  const bytes = typeof line === 'string' ? Buffer.from(line) : line;
  const before = surroundings === 'alone' ? '' : '{"a":1}\n';
  const after = surroundings === 'alone' ? '' : surroundings === 'cut out' ? '123456789"}' : '\n{"ts":2222222222}\n';
  const buffer = Buffer.concat([Buffer.from(before), bytes, Buffer.from(after)]);
  const rows: Readonly<Record<string, string | number>>[] = [];
  const result = decoder.decodeLine(buffer, before.length, before.length + bytes.length, new EventRow(), (row) => {
    rows.push(readRow(row));
  });
  return result === 'event' ? rows[0]! : result;
}
