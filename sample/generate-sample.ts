import { mkdir, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DAY_MS, planIncidents, type IncidentPlan } from './incidents.ts';
import { officeTraffic } from './office-traffic.ts';
import { plantReadings } from './plant-readings.ts';
import { ZeekJson } from './zeek-json.ts';

/** One log file of the sample. */
export interface SampleSource {
  /** Relative path, as a file would be called: `zeek/conn.log`. */
  readonly name: string;
  /** Name of the log format that it is in. */
  readonly format: 'zeek-json' | 'readings-ndjson';
  /** Whole lines with their ends, UTF-8, in chunks of about 64 KiB, in order of writing. Iterating again gives the same. */
  readonly lines: Iterable<Uint8Array>;
}

export interface SampleOptions {
  /** Whole number; the same seed and end give the same bytes. */
  readonly seed: number;
  /** End of the sample's day, ms since 1970 UTC; it begins 24 h before, which is midnight at the office and the plant. */
  readonly endMs: number;
}

export interface Sample {
  readonly startMs: number;
  readonly endMs: number;
  readonly sources: readonly SampleSource[];
}

/** A normal day of a small office and a water plant, with the four incidents of `sampleIncidents(seed, endMs − 24 h)`. */
export function generateSample({ seed, endMs }: SampleOptions): Sample {
  const startMs = endMs - DAY_MS;
  const plan = planIncidents(seed);
  const zeek = new ZeekJson(startMs);
  const source = (name: string, format: SampleSource['format'], lines: () => Iterable<string>): SampleSource => ({
    name,
    format,
    lines: { [Symbol.iterator]: () => chunks(lines()) },
  });
  return {
    startMs,
    endMs,
    sources: [
      source('zeek/conn.log', 'zeek-json', function* () {
        for (const record of officeTraffic(seed, plan, ['conn'])) yield zeek.conn(record);
      }),
      source('zeek/dns.log', 'zeek-json', function* () {
        for (const record of officeTraffic(seed, plan, ['dns'])) yield zeek.dns(record);
      }),
      source('zeek/web.log', 'zeek-json', () => webLines(seed, plan, zeek)),
      source('plant/readings.ndjson', 'readings-ndjson', () => plantReadings(seed, startMs, endMs, plan)),
    ],
  };
}

/** Writes the sample's files under `folder`, making it where needed. Returns their paths, in the order of the sources. */
export async function writeSample(folder: string, seed: number, endMs: number): Promise<string[]> {
  const paths: string[] = [];
  for (const source of generateSample({ seed, endMs }).sources) {
    const path = join(folder, source.name);
    await mkdir(dirname(path), { recursive: true });
    const file = await open(path, 'w');
    try {
      for (const chunk of source.lines) await file.writeFile(chunk);
    } finally {
      await file.close();
    }
    paths.push(path);
  }
  return paths;
}

function* webLines(seed: number, plan: IncidentPlan, zeek: ZeekJson): Generator<string> {
  for (const record of officeTraffic(seed, plan, ['http', 'ssl'])) {
    yield record.log === 'http' ? zeek.http(record) : zeek.ssl(record);
  }
}

const CHUNK_CHARACTERS = 64 * 1024;

function* chunks(lines: Iterable<string>): Generator<Uint8Array> {
  let text = '';
  for (const line of lines) {
    text += line + '\n';
    if (text.length >= CHUNK_CHARACTERS) {
      yield Buffer.from(text);
      text = '';
    }
  }
  if (text !== '') yield Buffer.from(text);
}
