/** A row as the driver gives it: 64-bit integers as BigInt, text as string, blobs as Buffer, what is missing as null. */
export type Row = Readonly<Record<string, unknown>>;

/** A 64- or 32-bit column as a number; all that are written here are under 2^53. */
export function numberAt(row: Row, column: string): number {
  const value = row[column];
  if (typeof value === 'bigint' || typeof value === 'number') return Number(value);
  throw new TypeError(`column ${column} holds no number`);
}

export function textAt(row: Row, column: string): string {
  const value = row[column];
  if (typeof value === 'string') return value;
  throw new TypeError(`column ${column} holds no text`);
}

/** A text column that may be empty. */
export function optionalText(row: Row, column: string): string | undefined {
  const value = row[column];
  return typeof value === 'string' ? value : undefined;
}

export function bytesAt(row: Row, column: string): Buffer {
  const value = row[column];
  if (Buffer.isBuffer(value)) return value;
  throw new TypeError(`column ${column} holds no bytes`);
}
