/** Reads ClickHouse Native blocks as rows of plain values: the slow and obvious way, to compare with. */
export type NativeRow = Record<string, number | string>;

export function nativeRows(block: Uint8Array): NativeRow[] {
  const bytes = Buffer.from(block.buffer, block.byteOffset, block.byteLength);
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[at++]!;
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  const text = (): string => {
    const length = varint();
    at += length;
    return bytes.toString('utf8', at - length, at);
  };
  const u64 = (): number => {
    at += 8;
    return Number(bytes.readBigInt64LE(at - 8));
  };
  const columns = varint();
  const rows = Array.from({ length: varint() }, (): NativeRow => ({}));
  for (let column = 0; column < columns; column++) {
    const name = text();
    const type = text();
    if (type === 'LowCardinality(String)') {
      at += 8;
      const width = (u64() & 0xff) === 1 ? 2 : 1;
      const values = Array.from({ length: u64() }, text);
      at += 8;
      for (const row of rows) {
        row[name] = values[bytes.readUIntLE(at, width)]!;
        at += width;
      }
      continue;
    }
    for (const row of rows) {
      if (type === 'UInt64' || type.startsWith('DateTime64')) row[name] = u64();
      else if (type === 'Float64') {
        row[name] = bytes.readDoubleLE(at);
        at += 8;
      } else if (type === 'IPv6') {
        row[name] = bytes.toString('hex', at, at + 16);
        at += 16;
      } else throw new RangeError(`no reader for ${type}`);
    }
  }
  return rows;
}
