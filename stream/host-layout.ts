/**
 * Where a host's numbers lie in its rows, in Float64 words. Rows start with the key (two words).
 *
 * A *minute row* holds one open minute's sums of one host, and is its window of 1 m when the minute closes; a *hot row*
 * the longer windows that are running, for hosts active in the last hour; a *cold row* what is kept of every host:
 * first and last sight, then the detectors' slots.
 */

/** Sums, in the order they have in every window. */
export const MEASURES = [
  'flows',
  'failed',
  'bytesOut',
  'bytesIn',
  'packetsOut',
  'packetsIn',
  'dnsQueries',
  'nxdomain',
  'newDestinations',
  'outsideBytesOut',
  'outsideBytesIn',
] as const;
export type Measure = (typeof MEASURES)[number];

export const M = Object.fromEntries(MEASURES.map((name, i) => [name, i])) as Readonly<Record<Measure, number>>;

/** Windows of a host, in panes. Each divides the next; the first is a minute. */
export const HOST_WINDOWS = [
  { name: '1m', panes: 6 },
  { name: '5m', panes: 30 },
  { name: '1h', panes: 360 },
] as const;

/** A window: sums, largest flow out, distinct destinations, distinct ports. */
export const WINDOW = {
  sums: 0,
  largestFlowOut: MEASURES.length,
  distinctDestinations: MEASURES.length + 1,
  distinctPorts: MEASURES.length + 2,
  words: MEASURES.length + 3,
} as const;

/** Minute row: key, window of 1 m, then for each longer window the destinations and ports that were new in it. */
export const HOST_MINUTE = {
  window: 2,
  destinations: 2 + WINDOW.words,
  ports: 2 + WINDOW.words + HOST_WINDOWS.length - 1,
  words: 2 + WINDOW.words + (HOST_WINDOWS.length - 1) * 2,
} as const;

/** Hot row: key, last pane of the last minute with traffic, the windows of 5 m and 1 h. */
export const HOT = {
  lastPane: 2,
  windows: 3,
  words: 3 + WINDOW.words * (HOST_WINDOWS.length - 1),
} as const;

export const COLD = {
  firstSeenMs: 2,
  lastSeenMs: 3,
  detectors: 4,
} as const;

/** A target's pane: sums that merge by adding. */
export const TARGET_SUMS = [
  'flows',
  'packets',
  'bytes',
  'synOnly',
  'sources',
  'ratePackets',
  'rateBytes',
  'udpPackets',
  'icmpPackets',
  'amplificationPackets',
] as const;
export const T = Object.fromEntries(TARGET_SUMS.map((name, i) => [name, i + 2])) as Readonly<
  Record<(typeof TARGET_SUMS)[number], number>
>;
export const TARGET_WORDS = 2 + TARGET_SUMS.length;
