import type { DictValues, EventBlock } from '../model/event-block.ts';
import { COLUMN_INDEX } from '../model/event-columns.ts';

/** The columns of a block that the stream reads, as typed arrays; a column that isn't in the block reads as zeros. */
export interface EventColumnsView {
  readonly rows: number;
  readonly eventClass: Uint8Array;
  readonly time: Uint32Array;
  readonly start: Uint32Array;
  readonly late: Uint8Array;
  readonly src: Uint32Array;
  readonly dst: Uint32Array;
  readonly srcPort: Uint16Array;
  readonly dstPort: Uint16Array;
  readonly direction: Uint8Array;
  readonly proto: Uint8Array;
  readonly connState: Uint8Array;
  readonly bytesOut: Uint32Array;
  readonly bytesIn: Uint32Array;
  readonly packetsOut: Uint32Array;
  readonly packetsIn: Uint32Array;
  readonly rcode: DictValues;
  readonly device: DictValues;
  readonly metric: DictValues;
  readonly unit: DictValues;
  readonly value: Float64Array;
  readonly source: DictValues;
  readonly position: Uint32Array;
}

const NO_TEXT = { values: [''] };
const C = COLUMN_INDEX;

export function viewColumns(block: EventBlock): EventColumnsView {
  const { rows } = block;
  const u8 = (column: number): Uint8Array => block.u8(column) ?? new Uint8Array(rows);
  const u16 = (column: number): Uint16Array => block.u16(column) ?? new Uint16Array(rows);
  const words = (column: number, perRow: 2 | 4): Uint32Array =>
    block.words(column, perRow) ?? new Uint32Array(rows * perRow);
  const dict = (column: number): DictValues => block.dict(column) ?? { ...NO_TEXT, index: new Uint8Array(rows) };
  return {
    rows,
    eventClass: u8(C.class),
    time: words(C.time, 2),
    start: words(C.start_time, 2),
    late: u8(C.late),
    src: words(C.src_ip, 4),
    dst: words(C.dst_ip, 4),
    srcPort: u16(C.src_port),
    dstPort: u16(C.dst_port),
    direction: u8(C.direction),
    proto: u8(C.proto),
    connState: u8(C.conn_state),
    bytesOut: words(C.bytes_out, 2),
    bytesIn: words(C.bytes_in, 2),
    packetsOut: words(C.packets_out, 2),
    packetsIn: words(C.packets_in, 2),
    rcode: dict(C.dns_rcode),
    device: dict(C.device),
    metric: dict(C.metric),
    unit: dict(C.unit),
    value: block.f64(C.value) ?? new Float64Array(rows),
    source: dict(C._src),
    position: words(C._pos, 2),
  };
}
