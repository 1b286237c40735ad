import type { ColumnSpec } from '../../model/event-columns.ts';

/** A column of values to encode: numbers, IPv4 or IPv6 bytes, or text, by its kind. */
export interface FixtureColumn {
  readonly spec: Pick<ColumnSpec, 'name' | 'type' | 'kind'>;
  readonly values: readonly (number | string | Uint8Array)[];
}

/** ClickHouse Native, one block: the plain encoder that tests compare with. */
export function encodeNative(columns: readonly FixtureColumn[]): Uint8Array {
  const rows = columns[0]?.values.length ?? 0;
  return Buffer.concat([varint(columns.length), varint(rows), ...columns.flatMap((column) => encodeColumn(column))]);
}

/** ::ffff:a.b.c.d of an IPv4 address. */
export function mappedAddress(text: string): Uint8Array {
  return Uint8Array.from([...new Array<number>(10).fill(0), 255, 255, ...text.split('.').map(Number)]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 128) {
    bytes.push((rest % 128) + 128);
    rest = Math.floor(rest / 128);
  }
  return Buffer.from([...bytes, rest]);
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([varint(bytes.length), bytes]);
}

function encodeColumn({ spec, values }: FixtureColumn): Buffer[] {
  return [text(spec.name), text(spec.type), ...encodeValues(spec.kind, values)];
}

function encodeValues(kind: ColumnSpec['kind'], values: FixtureColumn['values']): Buffer[] {
  const fixed = (size: number, write: (target: Buffer, value: number, at: number) => void): Buffer[] => {
    const target = Buffer.alloc(size * values.length);
    values.forEach((value, row) => {
      write(target, Number(value), row * size);
    });
    return [target];
  };
  switch (kind) {
    case 'u8':
      return fixed(1, (target, value, at) => target.writeUInt8(value, at));
    case 'u16':
      return fixed(2, (target, value, at) => target.writeUInt16LE(value, at));
    case 'u32':
      return fixed(4, (target, value, at) => target.writeUInt32LE(value, at));
    case 'u64':
    case 'time':
      return fixed(8, (target, value, at) => target.writeBigInt64LE(BigInt(value), at));
    case 'f64':
      return fixed(8, (target, value, at) => target.writeDoubleLE(value, at));
    case 'ip':
      return values.map((value) => Buffer.from(value as Uint8Array));
    case 'string':
      return values.map((value) => text(String(value)));
    case 'dict':
      return encodeDictionary(values.map(String));
  }
}

/** LowCardinality: version 1, index width with "additional keys" and "needs update", keys, indexes. */
function encodeDictionary(values: readonly string[]): Buffer[] {
  if (values.length === 0) return [u64(1)];
  const keys = [...new Set(['', ...values])];
  const slot = new Map(keys.map((key, index) => [key, index]));
  const indexes = Buffer.alloc(values.length * 2);
  values.forEach((value, row) => indexes.writeUInt16LE(slot.get(value) ?? 0, row * 2));
  return [u64(1), u64(0x601), u64(keys.length), ...keys.map((key) => text(key)), u64(values.length), indexes];
}

function u64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}
