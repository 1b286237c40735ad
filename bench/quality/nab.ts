import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { dataPath } from './data-root.ts';
import type { Interval } from './scoring.ts';

/** A series of the Numenta Anomaly Benchmark. */
export interface NabSeries {
  /** `realTraffic/speed_6005.csv` */
  readonly name: string;
  readonly folder: string;
  readonly device: string;
  readonly path: string;
  readonly windows: readonly Interval[];
  /** Even places within a folder, and all of artificialNoAnomaly, were looked at in development; the others weren't. */
  readonly split: 'dev' | 'held-out';
}

export function nabSeries(): NabSeries[] {
  const root = dataPath('nab/data');
  const windows = JSON.parse(readFileSync(dataPath('nab/combined_windows.json'), 'utf8')) as Record<
    string,
    [string, string][]
  >;
  const folders = readdirSync(root, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return folders.flatMap(({ name: folder }) =>
    readdirSync(join(root, folder))
      .filter((file) => file.endsWith('.csv'))
      .sort()
      .map((file, index): NabSeries => {
        const name = `${folder}/${file}`;
        return {
          name,
          folder,
          device: basename(file, '.csv'),
          path: join(root, folder, file),
          windows: (windows[name] ?? []).map(([start, end]) => ({ startMs: utcMs(start), endMs: utcMs(end) })),
          split: folder === 'artificialNoAnomaly' || index % 2 === 0 ? 'dev' : 'held-out',
        };
      }),
  );
}

/** `2014-04-10 07:15:00.000000` */
export function utcMs(text: string): number {
  return Date.parse(`${text.slice(0, 19).replace(' ', 'T')}Z`);
}
