import { basename } from 'node:path';
import { readLines } from './data-root.ts';
import { utcMs } from './nab.ts';
import type { Interval } from './scoring.ts';

/** A labelled sample. */
export interface LabelledPoint {
  readonly timeMs: number;
  readonly isAnomalous: boolean;
}

/** Runs of anomalous points, from the first to the last of each. */
export function intervalsOf(points: readonly LabelledPoint[]): Interval[] {
  const intervals: { startMs: number; endMs: number }[] = [];
  let isOpen = false;
  for (const { timeMs, isAnomalous } of points) {
    if (isAnomalous && !isOpen) intervals.push({ startMs: timeMs, endMs: timeMs });
    else if (isAnomalous) intervals.at(-1)!.endMs = timeMs;
    isOpen = isAnomalous;
  }
  return intervals;
}

/** A recording of SKAB with its `anomaly` column; the device is called as the mapping calls it. */
export function skabLabels(path: string): { run: number; device: string; points: LabelledPoint[] } {
  const [header = '', ...records] = readLines(path);
  const column = header.split(';').indexOf('anomaly');
  const stem = basename(path, '.csv');
  const points = records.map((record) => {
    const cells = record.split(';');
    return { timeMs: utcMs(cells[0] ?? ''), isAnomalous: Number(cells[column]) === 1 };
  });
  return { run: Number(stem), device: `skab-valve1-${stem}`, points };
}

/** A file of BATADAL with its `ATT_FLAG` column: 1 is an attack, 0 and -999 aren't labelled as one. */
export function batadalLabels(path: string): LabelledPoint[] {
  const [header = '', ...records] = readLines(path);
  const column = header.split(',').findIndex((name) => name.trim() === 'ATT_FLAG');
  return records.map((record) => {
    const cells = record.split(',');
    const [, day, month, year, hour] = /^(\d+)\/(\d+)\/(\d+) (\d+)/.exec(cells[0] ?? '') ?? [];
    return {
      timeMs: Date.UTC(2000 + Number(year), Number(month) - 1, Number(day), Number(hour)),
      isAnomalous: Number(cells[column]) === 1,
    };
  });
}

/** Events introduced into the motes of `wsn`, by device. Each mote's readings begin at the start again. */
export function wsnLabels(path: string): Map<string, LabelledPoint[]> {
  const [, ...records] = readLines(path);
  const startMs = Date.UTC(2010, 4, 9);
  const byMote = new Map<string, LabelledPoint[]>();
  for (const record of records) {
    const [reading = '', mote = '', , , , label = ''] = record.split(',');
    const points = byMote.get(`mote-${mote}`) ?? [];
    points.push({ timeMs: startMs + Number(reading) * 5000, isAnomalous: Number(label) === 1 });
    byMote.set(`mote-${mote}`, points);
  }
  return byMote;
}
