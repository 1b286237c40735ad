import type { Decoder, DecoderOptions, DecodeResult, Format } from '../decoder.ts';
import type { EventRow } from '../event-row.ts';
import { FieldTable } from './field-table.ts';
import { JsonRecordParser } from './json-record.ts';
import { JsonFieldScanner } from './scan-json.ts';
import { ZEEK_FIELD_COUNT, ZEEK_FIELD_NAMES, zeekLogFromFileName, type ZeekLog } from './zeek-fields.ts';
import { ZeekRowWriter } from './zeek-row.ts';

const FORMAT = 'zeek-json';
const DISORDER_MS = 5 * 60_000;

/** Which of two parsers reads records: 'scan' falls back on the general one, which gives the same (for tests). */
export type ZeekJsonParser = 'scan' | 'general';

class ZeekJsonDecoder implements Decoder {
  readonly format = FORMAT;
  readonly #fields = new FieldTable(ZEEK_FIELD_COUNT);
  readonly #scanner: JsonFieldScanner | undefined;
  readonly #parser = new JsonRecordParser(ZEEK_FIELD_NAMES);
  readonly #writer = new ZeekRowWriter({ text: 'plain' });
  #fileName: string | undefined;
  #log: ZeekLog | undefined;

  constructor(fileName: string | undefined, parser: ZeekJsonParser) {
    this.#nameLog(fileName);
    this.#scanner = parser === 'scan' ? new JsonFieldScanner(ZEEK_FIELD_NAMES) : undefined;
  }

  decodeLine(
    bytes: Uint8Array,
    start: number,
    end: number,
    row: EventRow,
    emit: (row: EventRow) => void,
  ): DecodeResult {
    if (this.#scanner?.scan(bytes, start, end, this.#fields) !== true) {
      if (isBlank(bytes, start, end)) return 'skip';
      const reason = this.#parser.parse(bytes, start, end, this.#fields);
      if (reason !== undefined) return reason;
    }
    const result = this.#writer.write(this.#fields, this.#log, row);
    if (result === 'event') emit(row);
    return result;
  }

  /** Nothing is kept from one record to the next but the file's name, where that tells the log. */
  saveState(): string {
    return JSON.stringify(this.#log ? { fileName: this.#fileName } : {});
  }

  restoreState(state: string): void {
    const { fileName } = JSON.parse(state === '' ? '{}' : state) as { readonly fileName?: string };
    if (fileName !== undefined) this.#nameLog(fileName);
  }

  #nameLog(fileName: string | undefined): void {
    this.#fileName = fileName;
    this.#log = fileName === undefined ? undefined : zeekLogFromFileName(fileName);
  }
}

function isBlank(bytes: Uint8Array, start: number, end: number): boolean {
  // NUL and its like are no white space: a line of them is damage, not nothing.
  for (let position = start; position < end; position++)
    if (bytes[position]! > 0x20 || bytes[position]! < 0x09) return false;
  return true;
}

/** A decoder that reads with one of the two parsers; the format's own reads with 'scan'. */
export function createZeekJsonDecoder(options: DecoderOptions, parser: ZeekJsonParser): Decoder {
  return new ZeekJsonDecoder(options.fileName, parser);
}

/** How sure the first record is Zeek's: `ts` is necessary, and a key that others do not have makes it certain. */
function detect(head: Uint8Array, hint: { readonly fileName?: string }): number {
  const text = Buffer.from(head.buffer, head.byteOffset, head.byteLength).toString('latin1');
  const [, before, rest] = /^(?:ï»¿)?([\s[]*)(\{[^]*)/.exec(text) ?? [];
  if (before === undefined || rest === undefined) return 0;
  // The first of an array may stand over several lines.
  const line = (before.includes('[') ? rest.split(/\}\s*,?\s*\{/, 1) : rest.split('\n', 1))[0] ?? '';
  const hasTime = /"ts"\s*:/.test(line);
  if (/"@stream"\s*:/.test(line)) return 0.95;
  if (!hasTime) return 0;
  if (/"(?:_path|id[._](?:orig|resp)_h)"\s*:|"id"\s*:\s*\{\s*"(?:orig|resp)_/.test(line)) return 0.95;
  if (/"uid"\s*:/.test(line)) return 0.7;
  return hint.fileName !== undefined && zeekLogFromFileName(hint.fileName) !== undefined ? 0.6 : 0.2;
}

/**
 * Zeek's JSON logs, one object a line. The log is told by `_path` or `@stream`, else by the file's name, else by the
 * fields; ids stand as `id.orig_h`, `id_orig_h` or inside `id`; `ts` is epoch seconds or ISO 8601. Several logs may be
 * mixed. Source: https://docs.zeek.org/en/master/log-formats.html
 */
export const zeekJson: Format = {
  name: FORMAT,
  title: 'Zeek JSON logs',
  disorderMs: DISORDER_MS,
  detect,
  createDecoder: (options) => createZeekJsonDecoder(options, 'scan'),
};
