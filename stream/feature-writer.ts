import { nativeColumnHeader } from '../model/event-block.ts';
import { FEATURE_TABLES, type FeatureTable } from '../model/feature-tables.ts';
import { DictColumn, FixedColumn, varintSize, writeVarint, type ColumnWriter } from '../model/native-writer.ts';

const CAPACITY = 2048;

/** Records for the topic of a feature table: each a ClickHouse Native block. */
export interface FeatureRecords {
  readonly table: string;
  readonly records: readonly Uint8Array[];
}

/** Rows of one feature table, collected into records for the log. */
export class FeatureWriter {
  private readonly table: FeatureTable;
  private readonly time = new FixedColumn(8, CAPACITY);
  private readonly address = new FixedColumn(16, CAPACITY);
  private readonly device = new DictColumn(CAPACITY);
  private readonly metric = new DictColumn(CAPACITY);
  private readonly values: readonly FixedColumn[];
  private readonly layout: readonly { header: Buffer; writer: ColumnWriter }[];
  private readonly full: Uint8Array[] = [];
  private rows = 0;

  constructor(name: string) {
    const table = FEATURE_TABLES.find((candidate) => candidate.name === name);
    if (!table) throw new RangeError(`no feature table ${name}`);
    this.table = table;
    this.values = table.features.map(() => new FixedColumn(8, CAPACITY));
    const entity =
      table.entity === 'series'
        ? [
            { header: nativeColumnHeader('device', 'LowCardinality(String)'), writer: this.device },
            { header: nativeColumnHeader('metric', 'LowCardinality(String)'), writer: this.metric },
          ]
        : [{ header: nativeColumnHeader(table.entity, 'IPv6'), writer: this.address }];
    this.layout = [
      { header: nativeColumnHeader('time', "DateTime64(3, 'UTC')"), writer: this.time },
      ...entity,
      ...table.features.map((feature, i) => ({
        header: nativeColumnHeader(feature.name, feature.type),
        writer: this.values[i]!,
      })),
    ];
  }

  /** Starts a row about an address. Its values are set with {@link set}. */
  startHost(timeMs: number, key: Uint32Array, keyAt: number): void {
    this.makeRoom();
    this.time.setU64(this.rows, timeMs);
    this.address.setAddress(this.rows++, key, keyAt);
  }

  startSeries(timeMs: number, device: string, metric: string): void {
    this.makeRoom();
    this.time.setU64(this.rows, timeMs);
    const deviceBytes = Buffer.from(device);
    const metricBytes = Buffer.from(metric);
    this.device.set(this.rows, deviceBytes, 0, deviceBytes.length);
    this.metric.set(this.rows++, metricBytes, 0, metricBytes.length);
  }

  /** Sets feature number `feature` of the row started last. */
  set(feature: number, value: number): void {
    const column = this.values[feature]!;
    if (this.table.features[feature]!.type === 'UInt64') column.setU64(this.rows - 1, value);
    else column.setF64(this.rows - 1, value);
  }

  /** The records since the last call. */
  take(): FeatureRecords {
    this.flush();
    return { table: this.table.name, records: this.full.splice(0) };
  }

  private makeRoom(): void {
    if (this.rows === CAPACITY) this.flush();
  }

  private flush(): void {
    const { rows, layout } = this;
    if (rows === 0) return;
    let size = varintSize(layout.length) + varintSize(rows);
    for (const column of layout) size += column.header.length + column.writer.encodedSize(rows);
    const out = Buffer.allocUnsafe(size);
    let at = writeVarint(out, 0, layout.length);
    at = writeVarint(out, at, rows);
    for (const column of layout) {
      at += column.header.copy(out, at);
      at = column.writer.writeTo(out, at, rows);
      column.writer.clear(rows);
    }
    this.full.push(out);
    this.rows = 0;
  }
}
