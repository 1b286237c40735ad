import { isUtf8 } from 'node:buffer';
import { LineWords, firstHit, stringStops } from './byte-words.ts';
import { FieldKind, type FieldTable } from './field-table.ts';
import { JSON_LIMITS } from './json-record.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;

const ESCAPES = new Set(Buffer.from('"\\/bfnrt'));
const QUOTE_BYTES = Buffer.from('"');
const QUOTE_AND_COLON_BYTES = Buffer.from('":');
const LITERALS = ['true', 'false', 'null'].map((word) => Buffer.from(word));

const MAX_KEYS = 1024;
const MAX_KEY_BYTES = 126;
/** Words that a key takes with its quotes and colon. */
const KEY_WORDS = 33;
/** Bytes besides its own. */
const QUOTES_AND_COLON = 3;
/** Bytes of a key, with quotes and colon, that are compared at once, and numbers that a key's head takes. */
const HEAD_BYTES = 16;
const HEAD_SIZE = 8;

// The compiler folds a constant of this module; an imported binding it looks up at each use.
const Kind = FieldKind;
const MAX_FIELDS = JSON_LIMITS.fields;
const TABLE_SIZE = 4 * MAX_KEYS;
const START = 0;

interface StringOptions {
  /** Escapes only have to be right where the text is not asked for. */
  readonly mayEscape: boolean;
}

const KNOWN_STRING: StringOptions = { mayEscape: false };
const UNKNOWN_STRING: StringOptions = { mayEscape: true };

/**
 * Finds known fields in flat JSON objects without building them: members that are strings, numbers, literals or flat
 * arrays. {@link scan} either gives exactly what {@link JsonRecordParser} would, or says that it can't tell; then the
 * parser decides. So whatever is odd (bad syntax, escapes in a known field, deeper nesting, duplicate keys) is left to
 * the parser, and a wrong guess here costs time only.
 *
 * A key is found by guessing that it follows the same key as last time, which one comparison confirms. Keys seen are
 * kept, up to a limit, so that each has a number by which duplicates are seen.
 */
export class JsonFieldScanner {
  /** A key's bytes with both quotes and a colon, as words. */
  readonly #keyWords = new Int32Array(MAX_KEYS * KEY_WORDS);
  /**
   * What is compared first: four words of those bytes, the places of all but the first, and the number of bytes. The
   * words overlap where the key is shorter, so that no bits have to be masked.
   */
  readonly #heads = new Int32Array(MAX_KEYS * HEAD_SIZE);
  readonly #keyLength = new Int32Array(MAX_KEYS);
  /** Slot of the field, −1 where it is not asked for. */
  readonly #keySlot = new Int32Array(MAX_KEYS).fill(-1);
  readonly #nextKey = new Int32Array(MAX_KEYS);
  /** The record in which a key that is not asked for was last seen. */
  readonly #keyRecord = new Int32Array(MAX_KEYS);
  readonly #table = new Int32Array(TABLE_SIZE).fill(-1);
  readonly #line = new LineWords();
  /** Number 0 is before the first key. Its words are all zero, which no text in a record is. */
  #keyCount = 1;
  #record = 0;
  #hasHighBytes = false;

  /** @param keys slot, 0 to 31, by key; several keys may share a slot, but not in one record. */
  constructor(keys: ReadonlyMap<string, number>) {
    for (const [key, slot] of keys) {
      const bytes = Buffer.from(key);
      this.#keySlot[this.#addKey(bytes, 0, bytes.length)] = slot;
    }
  }

  /** Fills the table from the object at bytes[start, end); false: ask the parser, the table's content is undefined. */
  scan(received: Uint8Array, receivedStart: number, receivedEnd: number, table: FieldTable): boolean {
    if (receivedEnd - receivedStart > JSON_LIMITS.lineBytes) return false;
    const line = this.#line;
    line.load(received, receivedStart, receivedEnd);
    const { bytes, view, start } = line;
    let end = line.end;
    // The last byte is a brace, so that looking at a byte outside of a string never leaves the line.
    while (end > start && isSpace(bytes[end - 1]!)) end--;
    if (end - start < 2 || bytes[end - 1] !== CLOSE_BRACE) return false;
    let position = skipSpace(bytes, start);
    if (bytes[position] !== OPEN_BRACE) return false;
    position = skipSpace(bytes, position + 1);

    table.begin(bytes, view, end - start);
    this.#hasHighBytes = false;
    this.#record = this.#record === 0x7fffffff ? this.#forgetRecords() : this.#record + 1;
    const record = this.#record;
    const keyRecord = this.#keyRecord;
    const nextKey = this.#nextKey;
    const heads = this.#heads;
    const keySlot = this.#keySlot;
    const { kinds, starts, ends } = table;
    let key = START;
    let seenSlots = 0;
    for (let fields = 1; fields <= MAX_FIELDS; fields++) {
      // Does the key that followed this one last time stand here, with its quotes and a colon?
      const guess = nextKey[key]!;
      const head = guess * HEAD_SIZE;
      const size = heads[head + 7]!;
      const differences =
        (view.getInt32(position, true) ^ heads[head]!) |
        (view.getInt32(position + heads[head + 4]!, true) ^ heads[head + 1]!) |
        (view.getInt32(position + heads[head + 5]!, true) ^ heads[head + 2]!) |
        (view.getInt32(position + heads[head + 6]!, true) ^ heads[head + 3]!);
      if (differences === 0 && (size <= HEAD_BYTES || this.#hasTail(guess, bytes, position))) {
        key = guess;
        position += size;
      } else {
        if (bytes[position] !== QUOTE) return false;
        const found = this.#findKey(bytes, position + 1, end);
        if (found < 0) return false;
        nextKey[key] = found;
        key = found;
        position = skipSpace(bytes, position + this.#keyLength[key]! + 2);
        if (bytes[position] !== COLON) return false;
        position++;
      }
      const slot = keySlot[key]!;
      if (slot >= 0) {
        if (((seenSlots >>> slot) & 1) !== 0) return false;
        seenSlots |= 1 << slot;
      } else {
        if (keyRecord[key] === record) return false;
        keyRecord[key] = record;
      }
      let byte = bytes[position]!;
      if (byte <= 0x20) {
        position = skipSpace(bytes, position);
        byte = bytes[position]!;
      }
      if (byte === QUOTE) {
        const from = position + 1;
        position = from;
        // A line's end is a stop as well, so that none is missed.
        let stops = stringStops(view.getInt32(position, true));
        while (stops === 0) {
          position += 4;
          stops = stringStops(view.getInt32(position, true));
        }
        position += firstHit(stops);
        if (bytes[position] !== QUOTE) {
          position = this.#finishString(bytes, position, end, slot < 0 ? UNKNOWN_STRING : KNOWN_STRING);
          if (position < 0) return false;
        }
        if (slot >= 0) {
          kinds[slot] = Kind.string;
          starts[slot] = from;
          ends[slot] = position;
        }
        position++;
      } else {
        if (byte !== 0x2d && !isDigit(byte)) position = this.#scanOther(position, end, slot, table);
        else if (slot < 0) position = skipNumber(bytes, position);
        else position = scanNumber(position, slot, table);
        if (position < 0) return false;
      }
      byte = bytes[position]!;
      if (byte <= 0x20) {
        position = skipSpace(bytes, position);
        byte = bytes[position]!;
      }
      if (byte !== COMMA) {
        if (byte !== CLOSE_BRACE || position !== end - 1) return false;
        return !this.#hasHighBytes || isUtf8(bytes.subarray(start, end));
      }
      position++;
      if (bytes[position]! <= 0x20) position = skipSpace(bytes, position);
    }
    return false;
  }

  /** Notes an array or a literal, and gives the position after it; −1 where it is odd. */
  #scanOther(position: number, end: number, slot: number, table: FieldTable): number {
    const { bytes } = table;
    const isArray = bytes[position] === OPEN_BRACKET;
    const isNull = bytes[position] === 0x6e;
    const after = isArray ? this.#skipFlatArray(bytes, position, end) : skipLiteral(bytes, position);
    if (slot >= 0 && !isNull) table.set(slot, isArray ? Kind.compound : Kind.boolean, position, after);
    return after;
  }

  /** Position of the closing quote of a string that has more than plain ASCII from `position` on; −1 where it is odd. */
  #finishString(bytes: Uint8Array, position: number, end: number, options: StringOptions): number {
    while (position < end) {
      const byte = bytes[position]!;
      if (byte === QUOTE) return position;
      if (byte < 0x20) return -1;
      if (byte === BACKSLASH) {
        if (!options.mayEscape) return -1;
        const letter = bytes[position + 1]!;
        if (letter === 0x75) {
          for (let digit = 2; digit < 6; digit++) if (!isHexDigit(bytes[position + digit]!)) return -1;
          position += 6;
        } else if (ESCAPES.has(letter)) {
          position += 2;
        } else {
          return -1;
        }
      } else {
        if (byte >= 0x80) this.#hasHighBytes = true;
        position++;
      }
    }
    return -1;
  }

  /** Position after an array of strings, numbers and literals; −1 where it is odd. */
  #skipFlatArray(bytes: Uint8Array, position: number, end: number): number {
    position = skipSpace(bytes, position + 1);
    if (bytes[position] === CLOSE_BRACKET) return position + 1;
    for (;;) {
      const byte = bytes[position]!;
      if (byte === QUOTE) {
        position = this.#finishString(bytes, position + 1, end, UNKNOWN_STRING);
        if (position < 0) return -1;
        position++;
      } else {
        position =
          byte === 0x2d || (byte >= 48 && byte <= 57) ? skipNumber(bytes, position) : skipLiteral(bytes, position);
        if (position < 0) return -1;
      }
      position = skipSpace(bytes, position);
      if (bytes[position] === CLOSE_BRACKET) return position + 1;
      if (bytes[position] !== COMMA) return -1;
      position = skipSpace(bytes, position + 1);
    }
  }

  /** Number of the key that begins at a position, learnt if it is new; −1 where it is odd (or empty) or there are too many. */
  #findKey(bytes: Uint8Array, position: number, end: number): number {
    let stop = position;
    while (stop < end && isPlain(bytes[stop]!)) stop++;
    if (stop >= end || bytes[stop] !== QUOTE || stop === position || stop - position > MAX_KEY_BYTES) return -1;
    let entry = hashOf(bytes, position, stop);
    for (let key = this.#table[entry]!; key >= 0; key = this.#table[entry]!) {
      if (this.#isKey(key, bytes, position, stop)) return key;
      entry = (entry + 1) % TABLE_SIZE;
    }
    return this.#keyCount === MAX_KEYS ? -1 : this.#addKey(bytes, position, stop);
  }

  #isKey(key: number, bytes: Uint8Array, start: number, end: number): boolean {
    if (this.#keyLength[key] !== end - start) return false;
    for (let index = 0; index < end - start; index++)
      if (this.#keyByte(key, index + 1) !== bytes[start + index]) return false;
    return true;
  }

  /** Whether a key of which the head stands at a position stands there whole. */
  #hasTail(key: number, bytes: Uint8Array, position: number): boolean {
    const size = this.#keyLength[key]! + QUOTES_AND_COLON;
    for (let index = HEAD_BYTES; index < size; index++)
      if (this.#keyByte(key, index) !== bytes[position + index]) return false;
    return true;
  }

  #keyByte(key: number, index: number): number {
    return (this.#keyWords[key * KEY_WORDS + (index >> 2)]! >> (8 * (index & 3))) & 255;
  }

  #addKey(bytes: Uint8Array, start: number, end: number): number {
    const key = this.#keyCount++;
    const length = end - start;
    const text = Buffer.concat([QUOTE_BYTES, bytes.subarray(start, end), QUOTE_AND_COLON_BYTES]);
    text.forEach((byte, index) => {
      this.#keyWords[key * KEY_WORDS + (index >> 2)]! |= byte << (8 * (index & 3));
    });
    const last = Math.min(text.length, HEAD_BYTES) - 4;
    [0, 4, 8, 12].forEach((place, index) => {
      const at = Math.min(place, last);
      this.#heads[key * HEAD_SIZE + index] = text.readInt32LE(at);
      if (index > 0) this.#heads[key * HEAD_SIZE + 3 + index] = at;
    });
    this.#heads[key * HEAD_SIZE + 7] = text.length;
    this.#keyLength[key] = length;
    let entry = hashOf(bytes, start, end);
    while (this.#table[entry]! >= 0) entry = (entry + 1) % TABLE_SIZE;
    this.#table[entry] = key;
    return key;
  }

  #forgetRecords(): number {
    this.#keyRecord.fill(0);
    return 1;
  }
}

function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = end - start;
  for (let position = start; position < end; position++) hash = (Math.imul(hash, 31) + bytes[position]!) | 0;
  return (hash ^ (hash >>> 13)) & (TABLE_SIZE - 1);
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x09 || byte === 0x0d || byte === 0x0a;
}

/** Whether a byte may stand in a key that is learnt. Not a brace: a comparison could run over the line's end. */
function isPlain(byte: number): boolean {
  return byte >= 0x20 && byte < 0x7f && byte !== QUOTE && byte !== BACKSLASH && byte !== CLOSE_BRACE;
}

function skipSpace(bytes: Uint8Array, position: number): number {
  while (isSpace(bytes[position]!)) position++;
  return position;
}

function isDigit(byte: number): boolean {
  return byte >= 48 && byte <= 57;
}

function isHexDigit(byte: number): boolean {
  return isDigit(byte) || ((byte | 32) >= 97 && (byte | 32) <= 102);
}

/** Notes the number at a position in the table, read where it is plain, and gives the position after it. */
function scanNumber(position: number, slot: number, table: FieldTable): number {
  const { bytes } = table;
  const first = bytes[position]!;
  if (first === 48 && isDigit(bytes[position + 1]!)) return -1;
  const after = first === 0x2d ? -1 : table.readNumber(slot, position);
  if (after >= 0 && (bytes[after]! | 32) !== 0x65) {
    table.kinds[slot] = Kind.number;
    table.starts[slot] = position;
    table.ends[slot] = after;
    return after;
  }
  const end = skipNumber(bytes, position);
  if (end >= 0) table.set(slot, Kind.number, position, end);
  return end;
}

/** Position after a number (RFC 8259, 6); −1 where there is none. */
function skipNumber(bytes: Uint8Array, position: number): number {
  let byte = bytes[position]!;
  if (byte === 0x2d) byte = bytes[++position]!;
  if (byte === 48) {
    byte = bytes[++position]!;
  } else {
    if (!isDigit(byte)) return -1;
    do byte = bytes[++position]!;
    while (byte >= 48 && byte <= 57);
  }
  if (byte === 0x2e) {
    byte = bytes[++position]!;
    if (!isDigit(byte)) return -1;
    do byte = bytes[++position]!;
    while (byte >= 48 && byte <= 57);
  }
  if ((byte | 32) === 0x65) {
    byte = bytes[++position]!;
    if (byte === 0x2b || byte === 0x2d) byte = bytes[++position]!;
    if (!isDigit(byte)) return -1;
    do byte = bytes[++position]!;
    while (byte >= 48 && byte <= 57);
  }
  return position;
}

function skipLiteral(bytes: Uint8Array, position: number): number {
  for (const word of LITERALS) {
    if (word[0] !== bytes[position]) continue;
    for (let index = 1; index < word.length; index++) if (word[index] !== bytes[position + index]) return -1;
    return position + word.length;
  }
  return -1;
}
