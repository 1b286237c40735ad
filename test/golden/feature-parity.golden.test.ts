import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { analyze } from '../../cli/analyze-run.ts';
import { parseConfig } from '../../config/load.ts';
import { FEATURE_TABLES, type FeatureTable } from '../../model/feature-tables.ts';
import type { OlapClient } from '../../olap/client.ts';

const DATA = process.env['VEDETTE_DATA'] ?? fileURLToPath(new URL('../../../shared/data', import.meta.url));
const hasData = existsSync(join(DATA, 'README.md'));
if (!hasData) console.warn(`feature parity skipped: there is no data in ${DATA} (VEDETTE_DATA names another folder)`);

const SKAB = { name: 'skab', match: '**/skab/**/*.csv', delimiter: ';', time: 'datetime', device: 'skab-{stem}', ignore: ['anomaly', 'changepoint'] }; // prettier-ignore
const PATHS = ['zeek/strato-011', 'zeek/strato-002', 'zeek/apt29-day2', 'skab/valve1'];

/** Sums of squares lose digits where a series hardly moves: a part in a million of the values' own size is allowed. */
const FLOAT_TOLERANCE = 1e-6;

interface Difference {
  readonly stream: number;
  readonly sql: number;
  readonly differing: number;
}

async function compare(olap: OlapClient, table: FeatureTable): Promise<Difference> {
  const keys = table.entity === 'series' ? ['device', 'metric', 'time'] : [table.entity, 'time'];
  const differs = table.features
    .filter((feature) => feature.sql !== undefined || feature.name === 'longest_gap_ms')
    .map(({ name, type }) =>
      type === 'UInt64'
        ? `a.${name} != b.${name}`
        : `abs(a.${name} - b.${name}) > ${FLOAT_TOLERANCE} * (1 + abs(b.max))`,
    );
  const [row] = await olap.query<Difference>(
    `SELECT countIf(a.present = 1) AS stream, countIf(b.present = 1) AS sql,
       countIf(a.present != b.present OR ${differs.join(' OR ')}) AS differing
     FROM (SELECT *, 1 AS present FROM vedette.${table.name}) AS a
     FULL OUTER JOIN (
       SELECT *, 1 AS present FROM vedette.${table.name}_sql
       WHERE time <= (SELECT max(time) FROM vedette.${table.name})
     ) AS b USING (${keys.join(', ')})`,
  );
  return row!;
}

describe.skipIf(!hasData)('features on real logs', () => {
  it('are the same from the stream and from SQL over raw events', async () => {
    const config = parseConfig({
      internal: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '147.32.0.0/16'],
      sources: { csv: [SKAB] },
    });
    const paths = PATHS.map((path) => join(DATA, path));
    const warnings: string[] = [];
    const onNotice = (level: string, message: string): void => {
      if (level !== 'info') warnings.push(message);
    };
    await analyze({ paths, config, onNotice }, async ({ olap }) => {
      for (const table of FEATURE_TABLES) {
        const { stream, sql, differing } = await compare(olap, table);
        expect(stream, table.name).toBeGreaterThan(20);
        expect({ table: table.name, sql, differing }).toEqual({ table: table.name, sql: stream, differing: 0 });
      }
    });
    expect(warnings).toEqual([]);
  });
});
