import { EVENT_COLUMNS, COLUMN_INDEX, type EventColumnName } from '../model/event-columns.ts';

/** Columns whose value is text, in the order of their slots in {@link EventRow.ranges}. */
export type TextColumn =
  | 'log' | 'session_uid' | 'service' | 'history' | 'dns_query' | 'dns_type' | 'dns_rcode' | 'http_method' | 'http_host'
  | 'http_path' | 'tls_name' | 'device' | 'metric' | 'unit' | 'sensor'; // prettier-ignore

export const TEXT_COLUMNS = EVENT_COLUMNS.filter(
  (column) =>
    (column.kind === 'string' || column.kind === 'dict') &&
    !['raw', '_src', 'site', 'src_group', 'dst_group'].includes(column.name),
).map((column) => column.name) as readonly TextColumn[];

/** Slot of a text column in {@link EventRow.ranges}. */
export const TEXT = Object.fromEntries(TEXT_COLUMNS.map((name, slot) => [name, slot])) as Readonly<
  Record<TextColumn, number>
>;

/**
 * One decoded record. A decoder fills the same object again for every record, so nothing is allocated an event.
 *
 * Text is a byte range of `text`, `ranges[2·slot]` to `ranges[2·slot + 1]` (end exclusive), −1 where absent. The fast
 * path points `text` at the received bytes; the general parser points it at bytes of its own.
 */
export class EventRow {
  eventClass = 0;
  /** Event time, ms since 1970 UTC: the end of a flow. */
  timeMs = 0;
  startMs = 0;
  /** The bytes of `addresses` as words. */
  readonly addressWords = new Uint32Array(8);
  /** Bytes 0..15 source, 16..31 destination; IPv4 as ::ffff:a.b.c.d; all zero where there is none. */
  readonly addresses = new Uint8Array(this.addressWords.buffer);
  hasAddresses = false;
  srcPort = 0;
  dstPort = 0;
  proto = 0;
  /** Index into CONN_STATES. */
  connState = 0;
  bytesOut = 0;
  bytesIn = 0;
  packetsOut = 0;
  packetsIn = 0;
  httpStatus = 0;
  value = 0;
  /** The log's name, where it does not stand in `text`: an array that never changes. */
  log: Uint8Array = EMPTY;
  text: Uint8Array = EMPTY;
  readonly ranges = new Int32Array(TEXT_COLUMNS.length * 2).fill(-1);
  /** Which text slots are not absent: bit 0 is slot 0. */
  texts = 0;

  /** Back to an empty record, of a log whose name will not stand in `text`. */
  reset(log: Uint8Array = EMPTY): void {
    this.eventClass = 0;
    this.timeMs = 0;
    this.startMs = 0;
    this.hasAddresses = false;
    this.srcPort = 0;
    this.dstPort = 0;
    this.proto = 0;
    this.connState = 0;
    this.bytesOut = 0;
    this.bytesIn = 0;
    this.packetsOut = 0;
    this.packetsIn = 0;
    this.httpStatus = 0;
    this.value = 0;
    // Mostly as it was: storing a reference costs more than comparing it.
    if (this.log !== log) this.log = log;
    // Loops over what there is: `fill` is a call out of the compiled code.
    for (let index = 0; index < 8; index++) this.addressWords[index] = 0;
    for (let slot = 0, left = this.texts; left !== 0; slot++, left >>>= 1) this.ranges[slot * 2] = -1;
    this.texts = 0;
  }

  setText(slot: number, start: number, end: number): void {
    this.ranges[slot * 2] = start;
    this.ranges[slot * 2 + 1] = end;
    this.texts = start < 0 ? this.texts & ~(1 << slot) : this.texts | (1 << slot);
  }
}

const EMPTY = new Uint8Array(0);

/** Index in EVENT_COLUMNS of each text slot. */
export const TEXT_COLUMN_INDEX: readonly number[] = TEXT_COLUMNS.map((name: EventColumnName) => COLUMN_INDEX[name]);
