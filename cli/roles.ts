/**
 * What a process of a cluster does: `ingest` reads raw logs into the event log, `sink` stores the log in ClickHouse,
 * `stream` detects, `batch` runs jobs, `console` is the interface for people and shippers.
 */
export const ROLES = ['ingest', 'sink', 'stream', 'batch', 'console'] as const;
export type Role = (typeof ROLES)[number];
