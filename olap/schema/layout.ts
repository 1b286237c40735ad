import type { ClickhouseConfig } from '../../config/clickhouse.ts';

/** How the one schema stands on servers. */
export interface StoreLayout {
  /** Statements run on all of its servers. */
  readonly cluster?: string;
  /** Tables are kept on every replica of a shard. */
  readonly replication?: {
    /** Path of a table in Keeper, with macros. */
    readonly path: string;
    readonly replica: string;
    /** Insert tokens that a table remembers, and for how long, s. */
    readonly window: number;
    readonly seconds: number;
  };
  /** Where rows are spread over shards, `NAME` is a Distributed table over the `NAME_local` of each shard. */
  readonly sharding: 'none' | 'distributed';
  /** In whose name views read the tables. `definer`: who may read a view needs no grant on what is behind it. */
  readonly viewsRunAs: 'invoker' | 'definer';
}

/** One server that nobody else uses. */
export const EMBEDDED_LAYOUT: StoreLayout = { sharding: 'none', viewsRunAs: 'invoker' };

/** The layout that the configuration of a server, or of a cluster, asks for. */
export function layoutOf(config: ClickhouseConfig): StoreLayout {
  return {
    ...(config.cluster !== undefined && { cluster: config.cluster }),
    ...(config.replicated && {
      replication: {
        path: config.replicaPath,
        replica: config.replicaName,
        window: config.deduplicationWindow,
        seconds: config.deduplicationSeconds,
      },
    }),
    sharding: config.sharded ? 'distributed' : 'none',
    viewsRunAs: 'definer',
  };
}
