import { generateFlows } from '../sample/load-generator.ts';
import type { ByteSource, Chunk } from '../ingest/sources/chunk.ts';

export interface LoadSpec {
  readonly events: number;
  readonly hosts: number;
  /** Events a millisecond of event time. */
  readonly eventsPerMs: number;
}

export interface Load {
  readonly chunks: readonly Uint8Array[];
  /** Events, those of the floods included. */
  readonly events: number;
  readonly victims: readonly string[];
}

/** An hour that ends in the middle of the load, so that every window closes in it. */
const HOUR_END_MS = Date.UTC(2026, 0, 5, 10);
const FLOOD_SYNS_PER_SECOND = 1000;
const FLOOD_MS = 15_000;
/** Where the floods begin, as shares of the load. */
const FLOOD_STARTS = [0.15, 0.4, 0.65];
const NEWLINE = 0x0a;

/**
 * Flows of internal hosts, popular by Zipf 1.1, as Zeek conn JSON, with three SYN floods of 1,000 a second from spoofed
 * sources, each on a host of its own. Made while it is read: millions of events would take gigabytes.
 */
export function* streamLoad(spec: LoadSpec): Generator<Uint8Array> {
  const spanMs = spec.events / spec.eventsPerMs;
  const startMs = HOUR_END_MS - Math.floor(spanMs / 2);
  let events = 0;
  let sources = 0;
  const flows = generateFlows({ ...spec, zipf: 1.1, seed: 7, count: spec.events, startMs, format: 'zeek-json' });
  for (const chunk of flows) {
    const fromMs = startMs + events / spec.eventsPerMs;
    events += countLines(chunk);
    const toMs = startMs + events / spec.eventsPerMs;
    yield chunk;
    for (const [flood, start] of FLOOD_STARTS.entries()) {
      const sinceMs = toMs - (startMs + start * spanMs);
      if (sinceMs < 0 || sinceMs > FLOOD_MS) continue;
      const lines: string[] = [];
      for (let left = ((toMs - fromMs) * FLOOD_SYNS_PER_SECOND) / 1000; left > 0; left--)
        lines.push(synLine(toMs, sources++, victimOf(flood)));
      yield Buffer.from(lines.join(''));
    }
  }
}

/** The same in memory, and what both sides must find in it. */
export function makeLoad(spec: LoadSpec): Load {
  const chunks = [...streamLoad(spec)];
  const events = chunks.reduce((sum, chunk) => sum + countLines(chunk), 0);
  return { chunks, events, victims: FLOOD_STARTS.map((_, flood) => victimOf(flood)) };
}

function victimOf(flood: number): string {
  return `10.200.0.${flood + 1}`;
}

/** One unanswered SYN from a spoofed source. */
export function synLine(timeMs: number, source: number, victim: string, packets = 1): string {
  const from = `198.${18 + ((source >>> 16) & 1)}.${(source >>> 8) & 255}.${source & 255}`;
  const uid = `CF${String(source).padStart(16, '0')}`;
  return (
    `{"ts":${(timeMs / 1000).toFixed(6)},"uid":"${uid}","id.orig_h":"${from}","id.orig_p":${1024 + (source % 60_000)},` +
    `"id.resp_h":"${victim}","id.resp_p":80,"proto":"tcp","orig_bytes":0,"resp_bytes":0,"conn_state":"S0",` +
    `"orig_pkts":${packets},"resp_pkts":0}\n`
  );
}

export function countLines(chunk: Uint8Array): number {
  let lines = 0;
  for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, at + 1)) lines++;
  return lines;
}

/** Where the line feeds of a chunk of whole lines stand. */
export function lineEnds(chunk: Uint8Array): Uint32Array {
  const ends = new Uint32Array(countLines(chunk));
  for (let at = chunk.indexOf(NEWLINE), line = 0; at >= 0; at = chunk.indexOf(NEWLINE, at + 1)) ends[line++] = at;
  return ends;
}

/** Chunks as a source, as a file would be read: in memory, or made while they are read. */
export function memorySource(chunks: Iterable<Uint8Array>): ByteSource {
  const iterator = chunks[Symbol.iterator]();
  let position = 0;
  let next = iterator.next();
  return {
    next: () => {
      if (next.done === true) return Promise.resolve(undefined);
      const bytes = next.value;
      next = iterator.next();
      const chunk: Chunk = { bytes, position, incarnation: 'load', path: 'conn.log', last: next.done === true };
      position += bytes.length;
      return Promise.resolve(chunk);
    },
    close: () => Promise.resolve(),
  };
}
