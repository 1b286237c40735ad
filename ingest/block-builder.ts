import { encodeEventBlock, type BlockColumn, type Control, type ControlKind } from '../model/event-block.ts';
import { COLUMN_INDEX, EVENT_COLUMNS, EventClass, type ColumnKind } from '../model/event-columns.ts';
import { DictColumn, FixedColumn, StringColumn, type ColumnWriter } from '../model/native-writer.ts';
import { TEXT_COLUMN_INDEX, type EventRow } from './event-row.ts';

/** What ingest knows of a record beyond what its decoder read. */
export interface RowContext {
  /** Source id, as text and as the bytes that are stored. */
  source: string;
  sourceBytes: Uint8Array;
  position: number;
  receivedMs: number;
  late: boolean;
  direction: number;
  siteBytes: Uint8Array;
  srcGroup: Uint8Array;
  dstGroup: Uint8Array;
  /** The line as received: bytes[rawStart, rawEnd). */
  raw: Uint8Array;
  rawStart: number;
  rawEnd: number;
}

interface SourceSpan {
  readonly id: string;
  readonly firstPos: number;
  lastPos: number;
}

const STRIDES: Partial<Record<ColumnKind, 1 | 2 | 4 | 8 | 16>> = {
  u8: 1,
  u16: 2,
  u32: 4,
  u64: 8,
  time: 8,
  f64: 8,
  ip: 16,
};

/** A block's header counts control records with 16 bits; and ticks are not to wait for rows that may never come. */
const MAX_CONTROLS = 1024;

/** Collects the events of one partition into blocks. Not more than `capacity` rows fit in one. */
export class EventBlockBuilder {
  rows = 0;
  readonly capacity: number;
  private readonly columns: BlockColumn[];
  private readonly fixed: Partial<Record<number, FixedColumn>> = {};
  private readonly dicts: Partial<Record<number, DictColumn>> = {};
  private readonly strings: Partial<Record<number, StringColumn>> = {};
  /** By text slot: each is in one of the two. */
  private readonly dictTexts: (DictColumn | undefined)[];
  private readonly stringTexts: (StringColumn | undefined)[];
  private controls: Control[] = [];
  private spans = new Map<string, SourceSpan>();
  private lastSpan: SourceSpan | undefined;
  private minTimeMs = Infinity;
  private maxTimeMs = -Infinity;

  private readonly eventClass: FixedColumn;
  private readonly time: FixedColumn;
  private readonly startTime: FixedColumn;
  private readonly receivedTime: FixedColumn;
  private readonly late: FixedColumn;
  private readonly srcIp: FixedColumn;
  private readonly srcPort: FixedColumn;
  private readonly dstIp: FixedColumn;
  private readonly dstPort: FixedColumn;
  private readonly direction: FixedColumn;
  private readonly proto: FixedColumn;
  private readonly connState: FixedColumn;
  private readonly bytesOut: FixedColumn;
  private readonly bytesIn: FixedColumn;
  private readonly packetsOut: FixedColumn;
  private readonly packetsIn: FixedColumn;
  private readonly httpStatus: FixedColumn;
  private readonly value: FixedColumn;
  private readonly position: FixedColumn;
  private readonly site: DictColumn;
  private readonly srcGroup: DictColumn;
  private readonly dstGroup: DictColumn;
  private readonly source: DictColumn;
  private readonly raw: StringColumn;
  private readonly log: DictColumn;

  constructor(options: { capacity: number }) {
    this.capacity = options.capacity;
    this.columns = EVENT_COLUMNS.map((spec, index) => ({ index, writer: this.createWriter(spec.kind, index) }));
    const fixed = (name: keyof typeof COLUMN_INDEX): FixedColumn => this.fixed[COLUMN_INDEX[name]]!;
    const dict = (name: keyof typeof COLUMN_INDEX): DictColumn => this.dicts[COLUMN_INDEX[name]]!;
    this.eventClass = fixed('class');
    this.time = fixed('time');
    this.startTime = fixed('start_time');
    this.receivedTime = fixed('received_time');
    this.late = fixed('late');
    this.srcIp = fixed('src_ip');
    this.srcPort = fixed('src_port');
    this.dstIp = fixed('dst_ip');
    this.dstPort = fixed('dst_port');
    this.direction = fixed('direction');
    this.proto = fixed('proto');
    this.connState = fixed('conn_state');
    this.bytesOut = fixed('bytes_out');
    this.bytesIn = fixed('bytes_in');
    this.packetsOut = fixed('packets_out');
    this.packetsIn = fixed('packets_in');
    this.httpStatus = fixed('http_status');
    this.value = fixed('value');
    this.position = fixed('_pos');
    this.site = dict('site');
    this.srcGroup = dict('src_group');
    this.dstGroup = dict('dst_group');
    this.source = dict('_src');
    this.raw = this.strings[COLUMN_INDEX.raw]!;
    this.log = dict('log');
    this.dictTexts = TEXT_COLUMN_INDEX.map((index) => this.dicts[index]);
    this.stringTexts = TEXT_COLUMN_INDEX.map((index) => this.strings[index]);
  }

  get isFull(): boolean {
    return this.rows >= this.capacity || this.controls.length >= MAX_CONTROLS;
  }

  get isEmpty(): boolean {
    return this.rows === 0 && this.controls.length === 0;
  }

  /** Bytes of raw lines so far: what a block's size mostly is. */
  get rawBytes(): number {
    return this.raw.byteLength;
  }

  /**
   * Whether the position is above those that the block has of its source. A row of which that is not true belongs into
   * another block: the sink drops what it has seen by comparing blocks with what was before them.
   */
  isRising({ source, position }: RowContext): boolean {
    const span = this.spanOf(source);
    return span === undefined || position > span.lastPos;
  }

  /** The row's position must be rising, and the block not full. */
  append(row: EventRow, context: RowContext): void {
    const r = this.rows;
    this.eventClass.setU8(r, row.eventClass);
    this.time.setU64(r, row.timeMs);
    this.startTime.setU64(r, row.startMs);
    this.receivedTime.setU64(r, context.receivedMs);
    this.position.setU64(r, context.position);
    if (context.late) this.late.setU8(r, 1);
    if (row.hasAddresses) this.appendEnds(r, row, context);
    if (row.eventClass === EventClass.network) this.appendFlow(r, row);
    else if (row.eventClass === EventClass.reading) this.value.setF64(r, row.value);
    else if (row.httpStatus !== 0) this.httpStatus.setU16(r, row.httpStatus);
    if (row.log.length !== 0) this.log.setConstant(r, row.log);
    if (row.texts !== 0) this.appendTexts(r, row);
    if (context.siteBytes.length !== 0) this.site.setConstant(r, context.siteBytes);
    this.raw.append(r, context.raw, context.rawStart, context.rawEnd);
    this.source.setConstant(r, context.sourceBytes);
    this.extendSpan(context);
    if (row.timeMs < this.minTimeMs) this.minTimeMs = row.timeMs;
    if (row.timeMs > this.maxTimeMs) this.maxTimeMs = row.timeMs;
    this.rows = r + 1;
  }

  private appendEnds(r: number, row: EventRow, context: RowContext): void {
    this.srcIp.setAddress(r, row.addressWords, 0);
    this.dstIp.setAddress(r, row.addressWords, 4);
    this.srcPort.setU16(r, row.srcPort);
    this.dstPort.setU16(r, row.dstPort);
    this.direction.setU8(r, context.direction);
    this.proto.setU8(r, row.proto);
    if (context.srcGroup.length !== 0) this.srcGroup.setConstant(r, context.srcGroup);
    if (context.dstGroup.length !== 0) this.dstGroup.setConstant(r, context.dstGroup);
  }

  private appendFlow(r: number, row: EventRow): void {
    this.connState.setU8(r, row.connState);
    this.bytesOut.setU64(r, row.bytesOut);
    this.bytesIn.setU64(r, row.bytesIn);
    this.packetsOut.setU64(r, row.packetsOut);
    this.packetsIn.setU64(r, row.packetsIn);
  }

  private appendTexts(r: number, row: EventRow): void {
    const { ranges, text } = row;
    for (let left = row.texts; left !== 0; left &= left - 1) {
      const slot = 31 - Math.clz32(left & -left);
      const start = ranges[slot * 2]!;
      const end = ranges[slot * 2 + 1]!;
      const dict = this.dictTexts[slot];
      if (dict) dict.set(r, text, start, end);
      else this.stringTexts[slot]!.append(r, text, start, end);
    }
  }

  control(kind: ControlKind, source: string, timeMs: number, payload = ''): void {
    this.controls.push({ row: this.rows, kind, source, timeMs, payload });
  }

  /** The block collected so far, in memory that `allocate` gives, and an empty builder. */
  take(allocate?: (size: number) => Buffer): Uint8Array {
    const input = {
      rows: this.rows,
      columns: this.columns,
      sources: [...this.spans.values()],
      controls: this.controls,
      minTimeMs: this.minTimeMs,
      maxTimeMs: this.maxTimeMs,
    };
    const block = encodeEventBlock(input, allocate);
    for (const column of this.columns) if (column.writer.touched) column.writer.clear(this.rows);
    this.rows = 0;
    this.controls = [];
    this.spans.clear();
    this.lastSpan = undefined;
    this.minTimeMs = Infinity;
    this.maxTimeMs = -Infinity;
    return block;
  }

  private extendSpan({ source, position }: RowContext): void {
    const span = this.spanOf(source);
    if (span) span.lastPos = position;
    else this.spans.set(source, { id: source, firstPos: position, lastPos: position });
  }

  private spanOf(source: string): SourceSpan | undefined {
    if (this.lastSpan?.id !== source) this.lastSpan = this.spans.get(source);
    return this.lastSpan;
  }

  private createWriter(kind: ColumnKind, index: number): ColumnWriter {
    if (kind === 'string') return (this.strings[index] = new StringColumn());
    if (kind === 'dict') return (this.dicts[index] = new DictColumn(this.capacity));
    return (this.fixed[index] = new FixedColumn(STRIDES[kind]!, this.capacity));
  }
}
