import { isUtf8 } from 'node:buffer';
import { VedetteError } from '../../model/errors.ts';
import type { DecodeResult } from '../decoder.ts';
import { JSON_LIMITS } from './json-record.ts';
import { hexPair } from './text-copy.ts';
import { ZEEK_FIELD_NAMES, zeekLog, type ZeekLog } from './zeek-fields.ts';

const TAB = 0x09;

interface HeaderState {
  readonly separator: number;
  readonly emptyField: string;
  readonly unsetField: string;
  readonly path: string | null;
  readonly fields: readonly string[] | null;
}

/** What the header lines (`#separator`, `#path`, `#fields` …) of a Zeek TSV file say about the lines that follow. */
export class ZeekHeader {
  separator = TAB;
  emptyField = bytesOf('(empty)');
  unsetField = bytesOf('-');
  /** Columns of a line; 0 as long as no `#fields` was seen. */
  columnCount = 0;
  /** Columns that are known fields, in order, and their slots. */
  mappedColumns = new Int32Array(0);
  mappedSlots = new Int32Array(0);
  mappedCount = 0;
  /** From `#path`. */
  log: ZeekLog | undefined;
  #fields: readonly string[] | undefined;

  /** Takes in the line at bytes[start, end), which begins with `#`. */
  readLine(bytes: Uint8Array, start: number, end: number): DecodeResult {
    if (!isUtf8(bytes.subarray(start, end))) return 'not_utf8';
    const line = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString();
    const separator = String.fromCharCode(this.separator);
    const nameEnd = line.indexOf(line.startsWith('#separator') ? ' ' : separator);
    const name = nameEnd < 0 ? line : line.slice(0, nameEnd);
    const value = nameEnd < 0 ? '' : line.slice(nameEnd + 1);
    switch (name) {
      case '#separator':
        return this.#startFile(value);
      case '#empty_field':
        this.emptyField = bytesOf(value);
        return 'skip';
      case '#unset_field':
        this.unsetField = bytesOf(value);
        return 'skip';
      case '#path':
        this.log = zeekLog(value);
        return 'skip';
      case '#fields':
        return this.#setFields(value.split(separator));
      default:
        return 'skip';
    }
  }

  #startFile(value: string): DecodeResult {
    this.#forgetFields();
    this.log = undefined;
    const separator = unescapeSeparator(value);
    if (separator < 0) return 'unknown_format';
    this.separator = separator;
    return 'skip';
  }

  #setFields(names: readonly string[]): DecodeResult {
    this.#forgetFields();
    if (names.length > JSON_LIMITS.fields) return 'too_many_fields';
    if (new Set(names).size !== names.length) return 'duplicate_key';
    const columns: number[] = [];
    const slots: number[] = [];
    names.forEach((name, column) => {
      const slot = ZEEK_FIELD_NAMES.get(name);
      if (slot === undefined) return;
      columns.push(column);
      slots.push(slot);
    });
    if (new Set(slots).size !== slots.length) return 'duplicate_key';
    this.#fields = names;
    this.columnCount = names.length;
    this.mappedColumns = Int32Array.from(columns);
    this.mappedSlots = Int32Array.from(slots);
    this.mappedCount = slots.length;
    return 'skip';
  }

  #forgetFields(): void {
    this.#fields = undefined;
    this.columnCount = 0;
    this.mappedColumns = new Int32Array(0);
    this.mappedSlots = new Int32Array(0);
    this.mappedCount = 0;
  }

  save(): string {
    const state: HeaderState = {
      separator: this.separator,
      emptyField: Buffer.from(this.emptyField).toString(),
      unsetField: Buffer.from(this.unsetField).toString(),
      path: this.log?.name ?? null,
      fields: this.#fields ?? null,
    };
    return JSON.stringify(state);
  }

  /** Throws {@link VedetteError} CHECKPOINT_CORRUPT where the state is none of {@link save}'s. */
  static restore(text: string): ZeekHeader {
    const state = parseState(text);
    const header = new ZeekHeader();
    header.separator = state.separator;
    header.emptyField = bytesOf(state.emptyField);
    header.unsetField = bytesOf(state.unsetField);
    header.log = state.path === null ? undefined : zeekLog(state.path);
    if (state.fields !== null) header.#setFields(state.fields);
    return header;
  }
}

/** The one byte that `#separator` names, as itself or as `\x09`; −1 where it is anything else. */
function unescapeSeparator(value: string): number {
  const bytes = Buffer.from(value);
  if (bytes.length === 1) return bytes[0]!;
  return bytes.length === 4 && value.startsWith('\\x') ? hexPair(bytes[2]!, bytes[3]!) : -1;
}

function isState(value: unknown): value is HeaderState {
  if (typeof value !== 'object' || value === null) return false;
  const { separator, emptyField, unsetField, path, fields } = value as Record<keyof HeaderState, unknown>;
  return (
    typeof separator === 'number' &&
    typeof emptyField === 'string' &&
    typeof unsetField === 'string' &&
    (path === null || typeof path === 'string') &&
    (fields === null || (Array.isArray(fields) && fields.every((name) => typeof name === 'string')))
  );
}

function parseState(text: string): HeaderState {
  let state: unknown;
  try {
    state = JSON.parse(text);
  } catch (cause) {
    throw new VedetteError('CHECKPOINT_CORRUPT', 'the state of a Zeek header is not JSON', { cause });
  }
  if (!isState(state)) throw new VedetteError('CHECKPOINT_CORRUPT', 'the state of a Zeek header has another form');
  return state;
}

function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text));
}
