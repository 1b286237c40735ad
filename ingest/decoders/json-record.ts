import { isUtf8 } from 'node:buffer';
import type { DeadLetterReason } from '../decoder.ts';
import { READABLE_PAST_END } from './byte-words.ts';
import { FieldKind, type FieldTable } from './field-table.ts';

/** What one JSON record may have; beyond it is a dead letter. Fields are counted at every depth. */
export const JSON_LIMITS = { lineBytes: 1 << 20, depth: 32, fields: 512 } as const;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;

/**
 * The general JSON parser: any record, any escapes, with limits. It knows the same fields as {@link JsonFieldScanner}
 * and gives the same table, over bytes of its own.
 *
 * JSON.parse says whether the record is JSON. Its value is not used: it has lost the digits of numbers and all but the
 * last of duplicate keys, and is a place for `__proto__`; the text, then known to be valid, is walked instead. A field
 * inside an object is found where a key `outer.inner` is asked for. A key that stands twice is refused, at the top and
 * inside such an object.
 */
export class JsonRecordParser {
  readonly #keys: ReadonlyMap<string, number>;
  readonly #nestingKeys: ReadonlySet<string>;
  readonly #seenKeys = new Set<string>();
  readonly #seenSlots = new Set<number>();
  #scratch = new Uint8Array(4096);
  #scratchView = new DataView(this.#scratch.buffer);
  #used = 0;

  /** @param keys slot by key; several keys may share a slot, but not in one record. */
  constructor(keys: ReadonlyMap<string, number>) {
    this.#keys = keys;
    this.#nestingKeys = new Set(
      [...keys.keys()].filter((key) => key.includes('.')).map((key) => key.slice(0, key.indexOf('.'))),
    );
  }

  /** Fills the table from the object at bytes[start, end), or says why it can't. Valid until the next call. */
  parse(bytes: Uint8Array, start: number, end: number, table: FieldTable): DeadLetterReason | undefined {
    if (end - start > JSON_LIMITS.lineBytes) return 'too_long';
    const line = bytes.subarray(start, end);
    if (!isUtf8(line)) return 'not_utf8';
    const excess = exceedsLimits(line);
    if (excess !== undefined) return excess;
    const text = Buffer.from(line.buffer, line.byteOffset, line.byteLength).toString();
    let root: unknown;
    try {
      root = JSON.parse(text);
    } catch {
      return 'not_json';
    }
    if (typeof root !== 'object' || root === null || Array.isArray(root)) return 'bad_type';
    if (Object.keys(root).length === 0) return 'empty_record';

    // Decoded text is never longer than its JSON.
    if (this.#scratch.length < line.length + READABLE_PAST_END) {
      this.#scratch = new Uint8Array(2 * line.length + READABLE_PAST_END);
      this.#scratchView = new DataView(this.#scratch.buffer);
    }
    this.#used = 0;
    this.#seenKeys.clear();
    this.#seenSlots.clear();
    table.begin(this.#scratch, this.#scratchView, line.length);
    return this.#walkObject(line, skipSpace(line, 0), '', table) < 0 ? 'duplicate_key' : undefined;
  }

  /** Notes the members of the object at a position and gives the position after it; −1 where a key stands twice. */
  #walkObject(line: Uint8Array, position: number, prefix: string, table: FieldTable): number {
    position = skipSpace(line, position + 1);
    while (line[position] !== CLOSE_BRACE) {
      const keyEnd = skipString(line, position);
      const key = prefix + decodeString(line, position, keyEnd);
      if (this.#seenKeys.has(key)) return -1;
      this.#seenKeys.add(key);
      const valueStart = skipSpace(line, skipSpace(line, keyEnd) + 1);
      if (prefix === '' && line[valueStart] === OPEN_BRACE && this.#nestingKeys.has(key)) {
        position = this.#walkObject(line, valueStart, `${key}.`, table);
        if (position < 0) return -1;
      } else {
        position = skipValue(line, valueStart);
      }
      const slot = this.#keys.get(key);
      if (slot !== undefined) {
        if (this.#seenSlots.has(slot)) return -1;
        this.#seenSlots.add(slot);
        this.#note(line, valueStart, position, slot, table);
      }
      position = skipSpace(line, position);
      if (line[position] !== CLOSE_BRACE) position = skipSpace(line, position + 1);
    }
    return position + 1;
  }

  #note(line: Uint8Array, start: number, end: number, slot: number, table: FieldTable): void {
    const kind = kindOf(line[start]!);
    if (kind === FieldKind.absent) return;
    const from = this.#used;
    if (kind === FieldKind.string) {
      this.#append(Buffer.from(decodeString(line, start, end)));
    } else {
      this.#append(line.subarray(start, end));
    }
    table.set(slot, kind, from, this.#used);
  }

  #append(bytes: Uint8Array): void {
    this.#scratch.set(bytes, this.#used);
    this.#used += bytes.length;
  }
}

function kindOf(first: number): number {
  switch (first) {
    case QUOTE:
      return FieldKind.string;
    case OPEN_BRACE:
    case OPEN_BRACKET:
      return FieldKind.compound;
    case 0x6e:
      return FieldKind.absent;
    case 0x74:
    case 0x66:
      return FieldKind.boolean;
    default:
      return FieldKind.number;
  }
}

/** Counts depth and fields before anything recursive sees the line. */
function exceedsLimits(line: Uint8Array): DeadLetterReason | undefined {
  let depth = 0;
  let fields = 0;
  for (let position = 0; position < line.length; position++) {
    switch (line[position]!) {
      case QUOTE:
        position = skipString(line, position) - 1;
        break;
      case OPEN_BRACE:
      case OPEN_BRACKET:
        if (++depth > JSON_LIMITS.depth) return 'too_deep';
        break;
      case CLOSE_BRACE:
      case CLOSE_BRACKET:
        depth--;
        break;
      case 0x3a:
        if (++fields > JSON_LIMITS.fields) return 'too_many_fields';
        break;
    }
  }
  return undefined;
}

/** Position after the string whose opening quote is at a position, or the line's end. */
function skipString(line: Uint8Array, position: number): number {
  position++;
  while (position < line.length && line[position] !== QUOTE) position += line[position] === BACKSLASH ? 2 : 1;
  return position + 1;
}

function decodeString(line: Uint8Array, start: number, end: number): string {
  const json = Buffer.from(line.buffer, line.byteOffset + start, end - start).toString();
  return json.includes('\\') ? String(JSON.parse(json)) : json.slice(1, -1);
}

/** Position after the value at a position, in valid JSON. */
function skipValue(line: Uint8Array, position: number): number {
  const first = line[position];
  if (first === QUOTE) return skipString(line, position);
  if (first !== OPEN_BRACE && first !== OPEN_BRACKET) {
    while (!isValueEnd(line[position]!)) position++;
    return position;
  }
  let depth = 0;
  do {
    const byte = line[position];
    if (byte === QUOTE) {
      position = skipString(line, position);
      continue;
    }
    if (byte === OPEN_BRACE || byte === OPEN_BRACKET) depth++;
    else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) depth--;
    position++;
  } while (depth > 0);
  return position;
}

function isValueEnd(byte: number): boolean {
  return byte === 0x2c || byte === CLOSE_BRACE || byte === CLOSE_BRACKET || byte <= 0x20;
}

function skipSpace(line: Uint8Array, position: number): number {
  while (line[position]! <= 0x20) position++;
  return position;
}
