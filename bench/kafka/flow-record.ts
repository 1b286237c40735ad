import { FieldKind, FieldTable, NumberState } from '../../ingest/decoders/field-table.ts';
import { JsonRecordParser } from '../../ingest/decoders/json-record.ts';
import { JsonFieldScanner } from '../../ingest/decoders/scan-json.ts';
import { scanIpv4Words } from '../../model/address.ts';
import { javaHash, placeAndRank } from './destination-sketch.ts';

const SLOT = { ts: 0, src: 1, dst: 2, bytesOut: 3, bytesIn: 4 } as const;
const KEYS = new Map<string, number>([
  ['ts', SLOT.ts],
  ['src', SLOT.src],
  ['dst', SLOT.dst],
  ['bytes_out', SLOT.bytesOut],
  ['bytes_in', SLOT.bytesIn],
]);
const NEWLINE = 0x0a;
const NUMBERS = [SLOT.ts, SLOT.bytesOut, SLOT.bytesIn] as const;

/** The fields that the job needs of the record read last, found in its bytes by the scanner of ingest. */
export class FlowRecord {
  timeMs = 0;
  bytesOut = 0;
  bytesIn = 0;
  /** Register and rank of the destination. */
  place = 0;
  /** Address of the source. */
  readonly source = new Uint32Array(4);
  readonly #table = new FieldTable(KEYS.size);
  readonly #scanner = new JsonFieldScanner(KEYS);
  readonly #parser = new JsonRecordParser(KEYS);

  /**
   * False where it is no flow of an IPv4 host. Of a record in a batch a byte follows at `end`, which reads as before when
   * this returns: meanwhile a line's end stands there, since without one the scanner copies the record to add it.
   */
  read(bytes: Uint8Array, start: number, end: number): boolean {
    const behind = bytes[end]!;
    bytes[end] = NEWLINE;
    const isFlow = this.#read(bytes, start, end);
    bytes[end] = behind;
    return isFlow;
  }

  #read(bytes: Uint8Array, start: number, end: number): boolean {
    const table = this.#table;
    if (!this.#scanner.scan(bytes, start, end, table)) {
      if (this.#parser.parse(bytes, start, end, table) !== undefined) return false;
    }
    const { kinds, starts, ends, micros, whole } = table;
    for (let i = 0; i < NUMBERS.length; i++) {
      const slot = NUMBERS[i]!;
      if (kinds[slot] !== FieldKind.number || micros[slot] !== NumberState.whole) return false;
    }
    if (kinds[SLOT.src] !== FieldKind.string || kinds[SLOT.dst] !== FieldKind.string) return false;
    if (!scanIpv4Words(table.view, starts[SLOT.src]!, ends[SLOT.src]!, this.source, 0)) return false;
    this.timeMs = whole[SLOT.ts]!;
    this.bytesOut = whole[SLOT.bytesOut]!;
    this.bytesIn = whole[SLOT.bytesIn]!;
    this.place = placeAndRank(javaHash(table.bytes, starts[SLOT.dst]!, ends[SLOT.dst]!));
    return true;
  }
}
