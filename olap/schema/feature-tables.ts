import { FEATURE_TABLES as DECLARED, type FeatureTable as Declared } from '../../model/feature-tables.ts';
import { STORED_COLUMN } from './databases.ts';
import type { TableDefinition } from './definitions.ts';

/** A table that the stream worker fills with what it computed: keys first, then values. `time` is the window's start. */
export interface FeatureTable {
  readonly name: string;
  readonly keys: readonly { readonly name: string; readonly type: string }[];
  readonly values: readonly { readonly name: string; readonly type: string }[];
  readonly partition: string;
  readonly declared: Declared;
}

const TIME = { name: 'time', type: "DateTime('UTC')" } as const;
const SERIES_KEYS = [
  { name: 'device', type: 'LowCardinality(String)' },
  { name: 'metric', type: 'LowCardinality(String)' },
] as const;

/** The declared feature tables as ClickHouse holds them. */
export const FEATURE_TABLES: readonly FeatureTable[] = DECLARED.map((declared) => ({
  name: declared.name,
  keys: [...(declared.entity === 'series' ? SERIES_KEYS : [{ name: declared.entity, type: 'IPv6' }]), TIME],
  values: declared.features.map(({ name, type }) => ({ name, type })),
  partition: partitionFor(declared.windowMs),
  declared,
}));

function partitionFor(windowMs: number): string {
  if (windowMs >= 3_600_000) return 'toYYYYMM(time)';
  return windowMs >= 60_000 ? 'toMonday(time)' : 'toDate(time)';
}

/**
 * A worker that replays its log writes the same rows at other offsets, where no token helps: so a row replaces the one
 * of the same key, and readers use FINAL.
 */
export function featureTable(table: FeatureTable): TableDefinition {
  const keys = table.keys.map(({ name }) => name);
  return {
    kind: 'table',
    name: table.name,
    columns: [
      ...table.keys.map(({ name, type }) => `${name} ${type}`),
      ...table.values.map(({ name, type }) => `${name} ${type} CODEC(ZSTD(1))`),
      '_part UInt16 CODEC(LZ4)',
      '_off UInt64 CODEC(Delta, LZ4)',
      STORED_COLUMN,
    ],
    engine: 'ReplacingMergeTree',
    partition: table.partition,
    order: `(${keys.join(', ')})`,
    shardBy: `cityHash64(${keys.filter((name) => name !== TIME.name).join(', ')})`,
  };
}

/** Every change of an alert, each with a higher version; the view `alerts` shows the newest. */
export const ALERTS_TABLE: TableDefinition = {
  kind: 'table',
  name: 'alerts',
  columns: [
    'uid String',
    'version UInt32',
    "time DateTime64(3, 'UTC')",
    'status LowCardinality(String)',
    'family LowCardinality(String)',
    'detector LowCardinality(String)',
    'entity String',
    'entity_kind LowCardinality(String)',
    'severity UInt8',
    'confidence Float64',
    "first_seen DateTime64(3, 'UTC')",
    "last_seen DateTime64(3, 'UTC')",
    'title String',
    'finding String CODEC(ZSTD(1))',
    '_part UInt16 CODEC(LZ4)',
    '_off UInt64 CODEC(Delta, LZ4)',
    STORED_COLUMN,
  ],
  engine: 'MergeTree',
  order: '(uid, version)',
  shardBy: 'cityHash64(uid)',
};
