import { VedetteError } from '../model/errors.ts';
import type { CsvMapping, Decoder, Format } from './decoder.ts';
import { mappingFor } from './decoders/csv-mapping.ts';
import { csvMapped } from './decoders/csv-wide.ts';
import { readingsCsv } from './decoders/readings-csv.ts';
import { readingsNdjson } from './decoders/readings-ndjson.ts';
import { zeekJson } from './decoders/zeek-json.ts';
import { zeekTsv } from './decoders/zeek-tsv.ts';

/** Every log format. To add one: its file, and its name here. */
export const FORMATS: readonly Format[] = [zeekTsv, zeekJson, readingsNdjson, readingsCsv, csvMapped];

/** Less than this is no match. */
const MIN_CONFIDENCE = 0.2;

export interface FormatChoice {
  readonly format: Format;
  readonly mapping?: CsvMapping;
}

/** Refuses every record: what no decoder is known for goes to dead letters, not away. */
const unknownFormat: Format = {
  name: 'unknown',
  title: 'Unknown',
  disorderMs: 0,
  detect: () => 0,
  createDecoder: (): Decoder => ({
    format: 'unknown',
    decodeLine: (_bytes, start, end) => (start === end ? 'skip' : 'unknown_format'),
    saveState: () => '',
    restoreState: () => undefined,
  }),
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
    const format = FORMATS.find((candidate) => candidate.name === named);
    if (format && format !== csvMapped) return { format };
    const mapping = mappings.find((candidate) => candidate.name === named);
    if (mapping) return { format: csvMapped, mapping };
    const names = [...FORMATS.filter((f) => f !== csvMapped).map((f) => f.name), ...mappings.map((m) => m.name)];
    throw new VedetteError('CONFIG_INVALID', `there is no format ${named}; there are ${names.join(', ')}`);
  }
  const mapping = mappingFor(path, mappings);
  if (mapping) return { format: csvMapped, mapping };
  let best = unknownFormat;
  let confidence = MIN_CONFIDENCE;
  for (const format of FORMATS) {
    const sure = format.detect(head, { fileName: path });
    if (sure > confidence) {
      best = format;
      confidence = sure;
    }
  }
  return { format: best };
}
