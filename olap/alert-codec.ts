import type { AlertChange } from '../model/alert-change.ts';
import { nativeColumnHeader } from '../model/event-block.ts';
import { VedetteError } from '../model/errors.ts';
import { DictColumn, FixedColumn, StringColumn, writeVarint, type ColumnWriter } from '../model/native-writer.ts';
import { parseNative } from './native-frame.ts';
import type { BlockCodec } from './sink-batch.ts';

const TIME = "DateTime64(3, 'UTC')";
const LOW = 'LowCardinality(String)';

/** Records of the alerts topic: JSON in the log, for whoever else reads it; Native for ClickHouse. */
export const alertCodec: BlockCodec = {
  parse: (data) => {
    const change = read(data);
    const columns: [string, string, ColumnWriter][] = [
      ['uid', 'String', text(change.uid)],
      ['version', 'UInt32', fixed(4, (column) => column.setU32(0, change.version))],
      ['time', TIME, fixed(8, (column) => column.setU64(0, change.timeMs))],
      ['status', LOW, dict(change.status)],
      ['family', LOW, dict(change.family)],
      ['detector', LOW, dict(change.detector)],
      ['entity', 'String', text(change.entity)],
      ['entity_kind', LOW, dict(change.entityKind)],
      ['severity', 'UInt8', fixed(1, (column) => column.setU8(0, change.severity))],
      ['confidence', 'Float64', fixed(8, (column) => column.setF64(0, change.confidence))],
      ['first_seen', TIME, fixed(8, (column) => column.setU64(0, change.firstSeenMs))],
      ['last_seen', TIME, fixed(8, (column) => column.setU64(0, change.lastSeenMs))],
      ['title', 'String', text(change.title)],
      ['finding', 'String', text(JSON.stringify(change.finding))],
    ];
    const parts = columns.map(([name, type, writer]) => {
      const out = Buffer.alloc(writer.encodedSize(1));
      writer.writeTo(out, 0, 1);
      return Buffer.concat([nativeColumnHeader(name, type), out]);
    });
    const counts = Buffer.alloc(2);
    writeVarint(counts, writeVarint(counts, 0, columns.length), 1);
    return {
      ...parseNative(Buffer.concat([counts, ...parts])),
      sources: [],
      minTimeMs: undefined,
      maxTimeMs: undefined,
    };
  },
  dropSeen: (block) => block,
};

function read(data: Uint8Array): AlertChange {
  try {
    return JSON.parse(Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('utf8')) as AlertChange;
  } catch (error) {
    throw new VedetteError('BLOCK_CORRUPT', 'a record of the alerts topic is not JSON', { cause: error });
  }
}

function text(value: string): StringColumn {
  const column = new StringColumn();
  const bytes = Buffer.from(value);
  column.append(0, bytes, 0, bytes.length);
  return column;
}

function dict(value: string): DictColumn {
  const column = new DictColumn(1);
  const bytes = Buffer.from(value);
  column.set(0, bytes, 0, bytes.length);
  return column;
}

function fixed(stride: 1 | 4 | 8, set: (column: FixedColumn) => void): FixedColumn {
  const column = new FixedColumn(stride, 1);
  set(column);
  return column;
}
