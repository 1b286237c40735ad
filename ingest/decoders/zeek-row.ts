import { EventClass } from '../../model/event-columns.ts';
import { isIpv4, scanAddress, scanIpv4Words } from '../../model/address.ts';
import type { DeadLetterReason, DecodeResult } from '../decoder.ts';
import { TEXT, type EventRow } from '../event-row.ts';
import { FieldKind, NumberState, type FieldTable } from './field-table.ts';
import { scanCount } from './scan-number.ts';
import { MAX_TIME_MICROS, MIN_TIME_MICROS, scanIsoMicros, scanSecondsMicros } from './scan-time.ts';
import { TextCopy } from './text-copy.ts';
import {
  CONN_LOG, DNS_LOG, HTTP_LOG, OTHER_LOG, SSL_LOG, ZeekField, connStateIndex, protocolNumber, zeekLogNamed,
  type ZeekLog,
} from './zeek-fields.ts'; // prettier-ignore

// The compiler folds constants of this module; imported bindings it looks up at each use.
const F = ZeekField;
const Kind = FieldKind;
const T = TEXT;
const WHOLE = NumberState.whole;
const MAX_TIME = MAX_TIME_MICROS;
const MIN_TIME = MIN_TIME_MICROS;
const NETWORK = EventClass.network;
const GENERIC = EventClass.generic;

/** Ten years: connections that stay up for months exist. */
const MAX_DURATION_MICROS = 3650 * 86_400 * 1_000_000;
const ICMP = 1;
const ICMP_V6 = 58;
const NOWHERE = -1;

/** How text stands in the records: as it is, or with Zeek's escapes, which are undone in a copy. */
export type TextForm = 'plain' | 'escaped';

/**
 * Makes a row of a record's fields: the meaning of Zeek's fields, in whatever way they are written.
 *
 * conn is a flow whose time is its end, `ts` + `duration`; of any other log the time is `ts`. Plain text stays where the
 * record has it. Fields of a record's own class must have the right type; of a generic record only time, ids and sensor
 * matter.
 */
export class ZeekRowWriter {
  readonly #copy = new TextCopy();
  readonly #form: TextForm;
  #reason: DeadLetterReason = 'bad_type';

  constructor(options: { readonly text: TextForm }) {
    this.#form = options.text;
  }

  /**
   * Fills the row.
   * @param log what the record is, where it does not say so itself; undefined lets its fields tell
   * @returns 'event' once the row is complete; 'skip' for a record that is no event
   */
  write(fields: FieldTable, log: ZeekLog | undefined, row: EventRow): DecodeResult {
    const { kinds, starts, ends, bytes } = fields;
    const nameSlot = kinds[F.path] === Kind.absent ? F.stream : F.path;
    const isNamed = kinds[nameSlot] === Kind.string;
    if (!isNamed && kinds[nameSlot] !== Kind.absent && kinds[nameSlot] !== Kind.text) return 'bad_type';
    const actual = isNamed ? zeekLogNamed(bytes, starts[nameSlot]!, ends[nameSlot]!) : (log ?? guessLog(kinds));
    row.reset(isNamed ? undefined : actual.bytes);
    if (this.#form === 'plain') {
      if (row.text !== bytes) row.text = bytes;
    } else {
      this.#copy.begin(fields.textBytes);
      row.text = this.#copy.bytes;
    }
    if (isNamed) row.setText(T.log, starts[nameSlot]!, ends[nameSlot]!);
    row.eventClass = actual.eventClass;

    if (kinds[F.ts] === Kind.absent) return actual.isTimeless ? 'skip' : 'missing_time';
    const startMicros =
      kinds[F.ts] === Kind.number && fields.micros[F.ts]! >= 0
        ? fields.whole[F.ts]! * 1_000_000 + fields.micros[F.ts]!
        : readTime(fields);
    if (!(startMicros >= MIN_TIME && startMicros <= MAX_TIME)) {
      return isTimeKind(kinds[F.ts]!) ? 'bad_time' : 'bad_type';
    }
    row.startMs = Math.floor(startMicros / 1000);
    row.timeMs = row.startMs;
    const sensor = sensorSlot(kinds);
    if (!this.#isWritten(fields, row, startMicros)) return this.#reason;
    return this.#text(fields, sensor, row, T.sensor) ? 'event' : 'bad_type';
  }

  #isWritten(fields: FieldTable, row: EventRow, startMicros: number): boolean {
    if (row.eventClass === GENERIC) return this.#writeGeneric(fields, row);
    if (!this.#ids(fields, row)) return false;
    if (!row.hasAddresses) return this.#fail('missing_field');
    if (!this.#text(fields, F.uid, row, T.session_uid) || !this.#proto(fields, row)) return false;
    switch (row.eventClass) {
      case NETWORK:
        return this.#writeConn(fields, row, startMicros);
      case EventClass.dns:
        return (
          this.#text(fields, F.query, row, T.dns_query) &&
          this.#text(fields, F.queryTypeName, row, T.dns_type) &&
          this.#text(fields, F.answerCodeName, row, T.dns_rcode)
        );
      case EventClass.http:
        return this.#writeHttp(fields, row);
      default:
        return this.#text(fields, F.serverName, row, T.tls_name);
    }
  }

  #writeConn(fields: FieldTable, row: EventRow, startMicros: number): boolean {
    const { kinds, starts, ends, bytes } = fields;
    if (kinds[F.proto] === Kind.absent) return this.#fail('missing_field');
    if (kinds[F.duration] !== Kind.absent) {
      if (!isNumberKind(kinds[F.duration]!)) return this.#fail('bad_type');
      const durationMicros = readSeconds(fields, F.duration);
      const endMicros = startMicros + durationMicros;
      if (!(durationMicros >= 0 && durationMicros <= MAX_DURATION_MICROS && endMicros <= MAX_TIME)) {
        return this.#fail('bad_time');
      }
      row.timeMs = Math.floor(endMicros / 1000);
    }
    if ((row.bytesOut = this.#count(fields, F.origBytes)) < 0) return false;
    if ((row.bytesIn = this.#count(fields, F.respBytes)) < 0) return false;
    if ((row.packetsOut = this.#count(fields, F.origPackets)) < 0) return false;
    if ((row.packetsIn = this.#count(fields, F.respPackets)) < 0) return false;
    if (kinds[F.connState] !== Kind.absent) {
      if (!isTextKind(kinds[F.connState]!)) return this.#fail('bad_type');
      row.connState = connStateIndex(bytes, starts[F.connState]!, ends[F.connState]!);
    }
    return this.#text(fields, F.service, row, T.service) && this.#text(fields, F.history, row, T.history);
  }

  #writeHttp(fields: FieldTable, row: EventRow): boolean {
    if ((row.httpStatus = this.#number16(fields, F.statusCode)) < 0) return false;
    return (
      this.#text(fields, F.method, row, T.http_method) &&
      this.#text(fields, F.host, row, T.http_host) &&
      this.#text(fields, F.uri, row, T.http_path)
    );
  }

  /** Fields with these names may be anything in a log that is not known, so what is no text is passed over. */
  #writeGeneric(fields: FieldTable, row: EventRow): boolean {
    const { kinds } = fields;
    if (!this.#ids(fields, row)) return false;
    if (isTextKind(kinds[F.proto]!)) this.#proto(fields, row);
    return !isTextKind(kinds[F.uid]!) || this.#text(fields, F.uid, row, T.session_uid);
  }

  #ids(fields: FieldTable, row: EventRow): boolean {
    const { kinds, starts, ends } = fields;
    const from = kinds[F.origHost]!;
    const to = kinds[F.respHost]!;
    if (from === Kind.absent || to === Kind.absent) return true;
    if (!isTextKind(from) || !isTextKind(to)) return this.#fail('bad_type');
    const isRead =
      readAddress(fields, starts[F.origHost]!, ends[F.origHost]!, row, 0) &&
      readAddress(fields, starts[F.respHost]!, ends[F.respHost]!, row, 1);
    if (!isRead) return this.#fail('bad_address');
    row.hasAddresses = true;
    if ((row.srcPort = this.#number16(fields, F.origPort)) < 0) return false;
    return (row.dstPort = this.#number16(fields, F.respPort)) >= 0;
  }

  #proto(fields: FieldTable, row: EventRow): boolean {
    const kind = fields.kinds[F.proto]!;
    if (kind === Kind.absent) return true;
    if (!isTextKind(kind)) return this.#fail('bad_type');
    const proto = protocolNumber(fields.bytes, fields.starts[F.proto]!, fields.ends[F.proto]!);
    row.proto = proto === ICMP && row.hasAddresses && !isIpv4(row.addresses) ? ICMP_V6 : proto;
    return true;
  }

  /** A field's whole number, 0 where it is absent, −1 with the reason noted where it is anything else. */
  #count(fields: FieldTable, slot: number): number {
    const kind = fields.kinds[slot]!;
    if (kind === Kind.absent) return 0;
    if (!isNumberKind(kind)) {
      this.#reason = 'bad_type';
      return -1;
    }
    if (fields.micros[slot] === WHOLE) return fields.whole[slot]!;
    const count = scanCount(fields.bytes, fields.starts[slot]!, fields.ends[slot]!);
    if (count < 0) this.#reason = 'bad_number';
    return count;
  }

  #number16(fields: FieldTable, slot: number): number {
    const count = this.#count(fields, slot);
    if (count <= 65_535) return count;
    this.#reason = 'bad_number';
    return -1;
  }

  /** Puts a text field into the row's column; false, with the reason noted, where it is no text. */
  #text(fields: FieldTable, slot: number, row: EventRow, column: number): boolean {
    const kind = slot === NOWHERE ? Kind.absent : fields.kinds[slot]!;
    if (kind === Kind.absent) return true;
    if (!isTextKind(kind)) return this.#fail('bad_type');
    const start = fields.starts[slot]!;
    const end = fields.ends[slot]!;
    if (this.#form === 'plain') {
      row.setText(column, start, end);
      return true;
    }
    const copy = this.#copy;
    const from = copy.length;
    copy.appendUnescaped(fields.view, start, end);
    row.setText(column, from, copy.length);
    return true;
  }

  #fail(reason: DeadLetterReason): false {
    this.#reason = reason;
    return false;
  }
}

function isTextKind(kind: number): boolean {
  return kind === Kind.string || kind === Kind.text;
}

function isNumberKind(kind: number): boolean {
  return kind === Kind.number || kind === Kind.text;
}

function isTimeKind(kind: number): boolean {
  return isNumberKind(kind) || kind === Kind.string;
}

/** Reads an address, IPv4 by words, into the row's first or second (`side` 0 or 1); false where it is none. */
function readAddress(fields: FieldTable, start: number, end: number, row: EventRow, side: number): boolean {
  return (
    scanIpv4Words(fields.view, start, end, row.addressWords, side * 4) ||
    scanAddress(fields.bytes, start, end, row.addresses, side * 16)
  );
}

/** Seconds as microseconds; NaN where they are no number. */
function readSeconds(fields: FieldTable, slot: number): number {
  const micros = fields.micros[slot]!;
  if (micros >= 0) return fields.whole[slot]! * 1_000_000 + micros;
  if (micros === WHOLE) return fields.whole[slot]! * 1_000_000;
  return scanSecondsMicros(fields.bytes, fields.starts[slot]!, fields.ends[slot]!);
}

/** `ts` as microseconds since 1970: epoch seconds, or ISO 8601 in text; NaN where it is neither. */
function readTime(fields: FieldTable): number {
  const kind = fields.kinds[F.ts]!;
  if (kind === Kind.number) return readSeconds(fields, F.ts);
  if (!isTextKind(kind)) return NaN;
  const seconds = kind === Kind.text ? readSeconds(fields, F.ts) : NaN;
  return Number.isNaN(seconds) ? scanIsoMicros(fields.bytes, fields.starts[F.ts]!, fields.ends[F.ts]!) : seconds;
}

function sensorSlot(kinds: Uint8Array): number {
  if (kinds[F.systemName] !== Kind.absent) return F.systemName;
  if (kinds[F.system] !== Kind.absent) return F.system;
  return kinds[F.nodeName] === Kind.absent ? NOWHERE : F.nodeName;
}

/** What a record of which nobody tells the log must be, by the fields that only that log has. */
function guessLog(kinds: Uint8Array): ZeekLog {
  const has = (slot: number): boolean => kinds[slot] !== Kind.absent;
  if (has(F.connState)) return CONN_LOG;
  if (has(F.query) && (has(F.queryType) || has(F.queryTypeName))) return DNS_LOG;
  if (has(F.method) && (has(F.uri) || has(F.host))) return HTTP_LOG;
  return has(F.serverName) || has(F.cipher) ? SSL_LOG : OTHER_LOG;
}
