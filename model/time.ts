/** Length of a pane, the unit in which time closes: ingest cuts watermarks to it, the stream closes by it, alerts count in it. */
export const PANE_MS = 10_000;
