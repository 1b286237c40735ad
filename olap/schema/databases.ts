/** Physical tables and their materialised views. */
export const STORE_DATABASE = 'vedette_store';

/** Plain views, which analysts query. */
export const VIEW_DATABASE = 'vedette';

/**
 * Insert tokens that a table remembers. A token comes again within a few inserts (the block in flight when something
 * died), so this is ample. Without it on a view's target too, a block sent three times counts three times there.
 */
const DEDUPLICATION_WINDOW = 1000;

/** Every row's time of storing: what retention counts from, so that old logs may be analysed without vanishing. */
export const STORED_COLUMN = "_stored DateTime('UTC') DEFAULT now() CODEC(Delta, ZSTD(1))";

/** Settings of every physical table. */
export const TABLE_SETTINGS = `non_replicated_deduplication_window = ${DEDUPLICATION_WINDOW}, ttl_only_drop_parts = 1`;
