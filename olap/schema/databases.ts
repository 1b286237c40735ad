/** Physical tables and their materialised views. */
export const STORE_DATABASE = 'vedette_store';

/** Plain views, which analysts query. */
export const VIEW_DATABASE = 'vedette';

/** Insert tokens that a table remembers when it is made; the migration `tokens` makes them more. */
export const FIRST_TOKENS = 1000;

/** Every row's time of storing: what retention counts from, so that old logs may be analysed without vanishing. */
export const STORED_COLUMN = "_stored DateTime('UTC') DEFAULT now() CODEC(Delta, ZSTD(1))";
