import { EventRow, TEXT, TEXT_COLUMNS } from '../../ingest/event-row.ts';
import type { EventBlockBuilder, RowContext } from '../../ingest/block-builder.ts';
import { parseAddress } from '../../model/address.ts';
import { CONN_STATES, EVENT_CLASSES, EventClass } from '../../model/event-columns.ts';

export const T0 = Date.UTC(2026, 1, 3, 4, 5, 6, 789);
/** Row `i`: every class in turn, and more than 256 distinct texts. */
export function fillRow(builder: EventBlockBuilder, i: number): void {
  const row = new EventRow();
  row.eventClass = i % EVENT_CLASSES.length;
  row.timeMs = T0 + i * 7;
  row.startMs = T0;
  row.hasAddresses = row.eventClass !== EventClass.reading;
  row.addresses.set(parseAddress(i % 2 ? '10.0.0.1' : '2001:db8::1')!, 0);
  row.addresses.set(parseAddress('192.0.2.9')!, 16);
  row.srcPort = 60_000 + i;
  row.dstPort = 443;
  row.proto = 6;
  row.connState = i % CONN_STATES.length;
  row.bytesOut = 2 ** 40 + i;
  row.value = i / 3;
  row.httpStatus = 404;
  const words = TEXT_COLUMNS.map((name) => Buffer.from(`${name} ü ${i}`));
  row.text = Buffer.concat(words);
  let at = 0;
  words.forEach((word, slot) => {
    if (i % 3 !== 0 || slot === TEXT.device) row.setText(slot, at, at + word.length);
    at += word.length;
  });
  const raw = Buffer.from(`{"line":${i},"nul":"\u0000"}`);
  const context: RowContext = {
    source: 'a#1', sourceBytes: Buffer.from('a#1'), position: i, receivedMs: T0 + 1, late: i % 5 === 0, direction: 2,
    siteBytes: Buffer.from('plant'), srcGroup: new Uint8Array(0), dstGroup: Buffer.from('web'), raw, rawStart: 0,
    rawEnd: raw.length,
  }; // prettier-ignore
  builder.append(row, context);
}
