import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { dataPath, readLines } from './data-root.ts';
import { DAY_MS } from './scoring.ts';

/** A recorded day of one internal host, into which things are mixed. */
export interface Background {
  readonly name: string;
  readonly folder: string;
  readonly host: string;
}

/** The real days of 24 h; the host is that which each was recorded at. */
export const BACKGROUNDS: readonly Background[] = [
  { name: 'strato-011', folder: 'zeek/strato-011', host: '147.32.83.165' },
  { name: 'strato-008', folder: 'zeek/strato-008', host: '147.32.81.167' },
];

/** Lines of a TSV conn.log, header and records apart. */
function readConnLog(folder: string): { header: string[]; records: string[] } {
  const lines = readLines(`${dataPath(folder)}/conn.log.labeled`);
  return {
    header: lines.filter((line) => line.startsWith('#')),
    records: lines.filter((line) => !line.startsWith('#')),
  };
}

/** When the recording begins, ms: the earliest start of a connection. */
export function startOf(background: Background): number {
  return readConnLog(background.folder).records.reduce((first, line) => Math.min(first, timeMs(line)), Infinity);
}

/** Writes the recorded connections once for each day, each time a day later: a host with more than a day's history. */
export async function writeRepeatedDays(background: Background, days: number, path: string): Promise<void> {
  const { header, records } = readConnLog(background.folder);
  const all = Array.from({ length: days }, (_, day) => records.map((line) => shifted(line, day * DAY_MS)));
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, `${[...header, ...all.flat()].join('\n')}\n`);
}

function timeMs(line: string): number {
  return Number(line.slice(0, line.indexOf('\t'))) * 1000;
}

function shifted(line: string, byMs: number): string {
  const end = line.indexOf('\t');
  return ((timeMs(line) + byMs) / 1000).toFixed(6) + line.slice(end);
}
