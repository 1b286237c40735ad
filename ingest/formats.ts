import { VedetteError } from '../model/errors.ts';
import type { CsvMapping, Decoder, DecodeResult, DecoderOptions, Format } from './decoder.ts';
import { mappingFor } from './decoders/csv-mapping.ts';
import { csvMapped } from './decoders/csv-wide.ts';
import { readingsCsv } from './decoders/readings-csv.ts';
import { readingsNdjson } from './decoders/readings-ndjson.ts';
import { zeekJson } from './decoders/zeek-json.ts';
import { zeekTsv } from './decoders/zeek-tsv.ts';
import type { EventRow } from './event-row.ts';

/** Every log format. To add one: its file, and its name here. */
const FORMATS: readonly Format[] = [zeekTsv, zeekJson, readingsNdjson, readingsCsv, csvMapped];

/** Less than this is no match. */
const MIN_CONFIDENCE = 0.2;
/** First lines that may be damaged before a head is called unknown. */
const MAX_LINES_TRIED = 20;
/** Bytes of a line that detection looks at. */
const LINE_HEAD_BYTES = 4096;
const LF = 10;

export interface FormatChoice {
  readonly format: Format;
  readonly mapping?: CsvMapping;
}

/**
 * Refuses every record until one comes that a format knows, and reads on as that one: what no decoder is known for goes
 * to dead letters, not away, and a damaged beginning does not hide what comes after it.
 */
class UndecidedDecoder implements Decoder {
  readonly #options: DecoderOptions;
  #decided: Decoder | undefined;

  constructor(options: DecoderOptions) {
    this.#options = options;
  }

  get format(): string {
    return this.#decided?.format ?? UNKNOWN;
  }

  decodeLine(
    bytes: Uint8Array,
    start: number,
    end: number,
    row: EventRow,
    emit: (row: EventRow) => void,
  ): DecodeResult {
    if (start === end) return 'skip';
    this.#decided ??= bestFormat(
      bytes.subarray(start, Math.min(end, start + LINE_HEAD_BYTES)),
      this.#options.fileName,
    )?.createDecoder(this.#options);
    return this.#decided?.decodeLine(bytes, start, end, row, emit) ?? 'unknown_format';
  }

  saveState(): string {
    return JSON.stringify(this.#decided ? { format: this.#decided.format, state: this.#decided.saveState() } : {});
  }

  restoreState(state: string): void {
    if (state === '') return;
    const saved = JSON.parse(state) as { format?: string; state?: string };
    const format = FORMATS.find(({ name }) => name === saved.format);
    this.#decided = format?.createDecoder(this.#options);
    if (saved.state !== undefined) this.#decided?.restoreState(saved.state);
  }
}

const UNKNOWN = 'unknown';

/** Its disorder is that of the most patient format, since it may turn out to be any. */
const unknownFormat: Format = {
  name: UNKNOWN,
  title: 'Unknown',
  disorderMs: Math.max(...FORMATS.map(({ disorderMs }) => disorderMs)),
  detect: () => 0,
  createDecoder: (options) => new UndecidedDecoder(options),
};

/**
 * The format of a source: the one that is named, else by a mapping whose pattern fits the path, else by content.
 * Errors: CONFIG_INVALID for a name that does not exist.
 */
export function chooseFormat(
  head: Uint8Array,
  options: { path: string; named?: string; mappings: readonly CsvMapping[] },
): FormatChoice {
  const { named, path, mappings } = options;
  if (named !== undefined) {
    const choice = formatNamed(named, mappings);
    if (choice && choice.format !== unknownFormat) return choice;
    const names = [...FORMATS.filter((f) => f !== csvMapped).map((f) => f.name), ...mappings.map((m) => m.name)];
    throw new VedetteError('CONFIG_INVALID', `there is no format ${named}; there are ${names.join(', ')}`);
  }
  const mapping = mappingFor(path, mappings);
  if (mapping) return { format: csvMapped, mapping };
  let rest = head;
  for (let line = 0; line < MAX_LINES_TRIED && rest.length > 0; line++) {
    const format = bestFormat(rest, path);
    if (format) return { format };
    const end = rest.indexOf(LF);
    if (end < 0) break;
    rest = rest.subarray(end + 1);
  }
  return { format: unknownFormat };
}

/** What an earlier run chose; unknown where the configuration has changed since, so that content decides again. */
export function chooseFormatAgain(named: string, mappings: readonly CsvMapping[]): FormatChoice {
  return formatNamed(named, mappings) ?? { format: unknownFormat };
}

function formatNamed(named: string, mappings: readonly CsvMapping[]): FormatChoice | undefined {
  if (named === UNKNOWN) return { format: unknownFormat };
  const format = FORMATS.find((candidate) => candidate.name === named);
  if (format && format !== csvMapped) return { format };
  const mapping = mappings.find((candidate) => candidate.name === named);
  return mapping && { format: csvMapped, mapping };
}

/** The format that is surest of what the bytes begin with. */
function bestFormat(head: Uint8Array, fileName: string | undefined): Format | undefined {
  let best: Format | undefined;
  let confidence = MIN_CONFIDENCE;
  for (const format of FORMATS) {
    const sure = format.detect(head, fileName === undefined ? {} : { fileName });
    if (sure > confidence) {
      best = format;
      confidence = sure;
    }
  }
  return best;
}
