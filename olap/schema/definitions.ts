/** A table that holds rows. One definition; {@link StoreLayout} decides what it becomes on a server. */
export interface TableDefinition {
  readonly kind: 'table';
  /** Without its database. */
  readonly name: string;
  /** `name type …`, in order. */
  readonly columns: readonly string[];
  readonly engine: 'MergeTree' | 'AggregatingMergeTree' | 'ReplacingMergeTree';
  readonly partition?: string;
  readonly order: string;
  /** Beside those of every table. */
  readonly settings?: string;
  /** What decides the shard of a row, so that an entity's rows are on one: FINAL replaces rows within a shard only. */
  readonly shardBy: string;
}

/** A materialised view: what is inserted into `from` goes, summed up, into `to`; on a cluster, on the same shard. */
export interface FillingView {
  readonly kind: 'view';
  readonly name: string;
  readonly from: string;
  readonly to: string;
  /** The SELECT, reading the table of this full name. */
  readonly select: (from: string) => string;
}

/** A column that a later version adds to a table. */
export interface AddedColumn {
  readonly kind: 'column';
  readonly table: string;
  /** `name type …`. */
  readonly column: string;
}

/** How many insert tokens a table remembers from now on; replicated ones have their number from the configuration. */
export interface RememberedTokens {
  readonly kind: 'tokens';
  readonly table: string;
  readonly tokens: number;
}

export type SchemaObject = TableDefinition | FillingView | AddedColumn | RememberedTokens;
