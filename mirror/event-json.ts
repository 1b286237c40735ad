import type { EventBlock } from '../model/event-block.ts';
import { COLUMN_INDEX, Direction, EventClass, type EventColumnName } from '../model/event-columns.ts';
import { addressAt, columnFields, type Field } from './json-fields.ts';

/** One event for others: its JSON text, and the key that brings an entity's events into one partition, in order. */
export interface MirrorRecord {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** Where a block lies in the log. */
export interface BlockPlace {
  readonly partition: number;
  readonly offset: number;
}

const C = COLUMN_INDEX;

/**
 * Every row of a block as one JSON object, in order. Its fields are named as the columns of the events table, and a
 * column that has its default (0, empty text, no address) is left out; `class`, `time`, `_src`, `_pos`, `_part` and
 * `_off` are always there, and so is `value` in a reading. Times are ISO 8601, IPv4 addresses without their prefix.
 *
 * The same block gives the same bytes.
 */
export function eventRecords(
  block: EventBlock,
  place: BlockPlace,
  options: { readonly leaveOut: readonly EventColumnName[] },
): MirrorRecord[] {
  const fields = columnFields(block, options.leaveOut);
  const keyOf = keys(block);
  const end = `,"_part":${place.partition},"_off":${place.offset}}`;
  return Array.from({ length: block.rows }, (_, row) => ({
    key: Buffer.from(keyOf(row)),
    value: Buffer.from(`{${objectOf(fields, row)}${end}`),
  }));
}

function objectOf(fields: readonly Field[], row: number): string {
  let text = '';
  for (const field of fields) text += field(row);
  // Each field brings a comma in front.
  return text.slice(1);
}

/**
 * What ingest chooses a partition by: the device of a reading, the internal end of a flow, else the source. A flow from
 * :: to :: reads as a record without addresses.
 */
function keys(block: EventBlock): (row: number) => string {
  const { rows } = block;
  const eventClass = block.u8(C.class) ?? new Uint8Array(rows);
  const direction = block.u8(C.direction) ?? new Uint8Array(rows);
  const src = addressAt(block, C.src_ip);
  const dst = addressAt(block, C.dst_ip);
  const device = textAt(block, C.device);
  const source = textAt(block, C._src);
  return (row) => {
    if (eventClass[row] === EventClass.reading) return device(row);
    const [from, to] = [src(row), dst(row)];
    if (from === undefined && to === undefined) return source(row);
    return (direction[row] === Direction.inbound ? to : from) ?? UNSPECIFIED;
  };
}

const UNSPECIFIED = '::';

function textAt(block: EventBlock, column: number): (row: number) => string {
  const dict = block.dict(column);
  return dict ? (row) => dict.values[dict.index[row]!]! : () => '';
}
