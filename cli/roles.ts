/**
 * What a process of a cluster does: `ingest` reads raw logs into the event log, `sink` stores the log in ClickHouse,
 * `stream` detects, `batch` runs jobs, `console` is the interface for people and shippers, `mirror` writes events as
 * JSON into a topic for others, where `kafka.mirror` asks for it.
 */
export const ROLES = ['ingest', 'sink', 'stream', 'batch', 'console', 'mirror'] as const;
export type Role = (typeof ROLES)[number];
