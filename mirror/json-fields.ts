import { formatAddress } from '../model/address.ts';
import type { EventBlock } from '../model/event-block.ts';
import {
  COLUMN_INDEX,
  type ColumnSpec,
  CONN_STATES,
  DIRECTIONS,
  EVENT_CLASSES,
  EVENT_COLUMNS,
  EventClass,
  type EventColumnName,
} from '../model/event-columns.ts';
import { at64 } from '../model/words.ts';

/** A row's field as `,"name":value`, or nothing where the column has its default. */
export type Field = (row: number) => string;

/** Always written: what a reader needs to make sense of an event and to know it again. */
const ALWAYS: ReadonlySet<string> = new Set<EventColumnName>(['class', 'time', '_src', '_pos']);
/** Columns that hold one of a list of names, by its number. */
const NAMES: Partial<Record<EventColumnName, readonly string[]>> = {
  class: EVENT_CLASSES,
  direction: DIRECTIONS,
  conn_state: CONN_STATES,
};

/** The fields of a block's columns, in the order of the table. */
export function columnFields(block: EventBlock, leaveOut: readonly EventColumnName[]): Field[] {
  return EVENT_COLUMNS.flatMap((spec, index) => {
    if (leaveOut.includes(spec.name)) return [];
    if (spec.name === 'value') return [valueField(block)];
    if (block.has(index)) return [fieldOf(block, index, spec)];
    const absent = `,"${spec.name}":${defaultOf(spec)}`;
    return ALWAYS.has(spec.name) ? [() => absent] : [];
  });
}

/** Text of a row's address; undefined where it has none. */
export function addressAt(block: EventBlock, column: number): (row: number) => string | undefined {
  const words = block.words(column, 4);
  if (!words) return () => undefined;
  const bytes = new Uint8Array(words.buffer);
  return (row) => {
    const at = row * 4;
    const isThere = (words[at]! | words[at + 1]! | words[at + 2]! | words[at + 3]!) !== 0;
    return isThere ? formatAddress(bytes, row * 16) : undefined;
  };
}

function fieldOf(block: EventBlock, index: number, spec: ColumnSpec & { readonly name: EventColumnName }): Field {
  const start = `,"${spec.name}":`;
  const isAlways = ALWAYS.has(spec.name);
  /** A number as it is, nothing for 0. */
  const numberField =
    (at: (row: number) => number): Field =>
    (row) => {
      const number = at(row);
      return number !== 0 || isAlways ? start + String(number) : '';
    };
  switch (spec.kind) {
    case 'u8': {
      const values = block.u8(index)!;
      const names = NAMES[spec.name];
      if (!names) return numberField((row) => values[row]!);
      const texts = names.map((name, number) => (number > 0 || isAlways ? `${start}"${name}"` : ''));
      return (row) => texts[values[row]!] ?? start + String(values[row]!);
    }
    case 'u16': {
      const values = block.u16(index)!;
      return numberField((row) => values[row]!);
    }
    case 'u32': {
      const values = block.words(index, 1)!;
      return numberField((row) => values[row]!);
    }
    case 'u64': {
      const words = block.words(index, 2)!;
      return numberField((row) => at64(words, row));
    }
    case 'f64': {
      const values = block.f64(index)!;
      return numberField((row) => values[row]!);
    }
    case 'time': {
      const words = block.words(index, 2)!;
      return (row) => {
        const timeMs = at64(words, row);
        return timeMs !== 0 || isAlways ? `${start}"${new Date(timeMs).toISOString()}"` : '';
      };
    }
    case 'ip': {
      const address = addressAt(block, index);
      return (row) => {
        const text = address(row);
        return text === undefined ? '' : `${start}"${text}"`;
      };
    }
    case 'dict': {
      const { values, index: indices } = block.dict(index)!;
      const texts = values.map((value) => (value !== '' || isAlways ? start + JSON.stringify(value) : ''));
      return (row) => texts[indices[row]!]!;
    }
    case 'string': {
      const ranges = block.stringRanges(index)!;
      const { buffer, byteOffset, byteLength } = block.native;
      const bytes = Buffer.from(buffer, byteOffset, byteLength);
      return (row) => {
        const [from, to] = [ranges[row * 2]!, ranges[row * 2 + 1]!];
        return to > from ? start + JSON.stringify(bytes.toString('utf8', from, to)) : '';
      };
    }
  }
}

/** A reading of 0 is a reading. What is no number of JSON's (no reading has such a value) is null. */
function valueField(block: EventBlock): Field {
  const values = block.f64(COLUMN_INDEX.value);
  const eventClass = block.u8(COLUMN_INDEX.class);
  return (row) => {
    const value = values?.[row] ?? 0;
    const isReading = eventClass?.[row] === EventClass.reading;
    return value !== 0 || isReading ? `,"value":${JSON.stringify(value)}` : '';
  };
}

function defaultOf(spec: ColumnSpec & { readonly name: EventColumnName }): string {
  const names = NAMES[spec.name];
  if (names) return `"${names[0]!}"`;
  if (spec.kind === 'time') return `"${new Date(0).toISOString()}"`;
  return spec.kind === 'dict' || spec.kind === 'string' ? '""' : '0';
}
