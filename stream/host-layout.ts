/**
 * Where a host's numbers lie in its rows. Rows start with the key (two words of 8 bytes); then come sums as float64, then
 * counts as u32, since counts of flows in an hour stay far below 2³² and there are a million rows.
 *
 * A *minute row* holds one open minute's sums of one host, and is its window of 1 m when the minute closes; a *hot row*
 * the longer windows that are running, for hosts active in the last hour; a *cold row* what is kept of every host:
 * first and last sight, then the detectors' slots.
 */

/** What a window holds, in the order of the features' table. */
const WINDOW_FEATURES = {
  flows: 'count',
  failed: 'count',
  bytesOut: 'sum',
  bytesIn: 'sum',
  packetsOut: 'sum',
  packetsIn: 'sum',
  dnsQueries: 'count',
  nxdomain: 'count',
  newDestinations: 'count',
  outsideBytesOut: 'sum',
  outsideBytesIn: 'sum',
  /** Not a sum: the greatest. */
  largestFlowOut: 'sum',
  distinctDestinations: 'count',
  distinctPorts: 'count',
} as const;
export type WindowFeature = keyof typeof WINDOW_FEATURES;

const FEATURES = Object.keys(WINDOW_FEATURES) as WindowFeature[];

function namesOf<Kind extends 'sum' | 'count'>(kind: Kind): NamesOf<Kind>[] {
  return FEATURES.filter((name) => WINDOW_FEATURES[name] === kind) as NamesOf<Kind>[];
}
type NamesOf<Kind> = { [N in WindowFeature]: (typeof WINDOW_FEATURES)[N] extends Kind ? N : never }[WindowFeature];

function indexOf<Name extends string>(names: readonly Name[]): Readonly<Record<Name, number>> {
  return Object.fromEntries(names.map((name, i) => [name, i])) as Record<Name, number>;
}

const SUMS = namesOf('sum');
const COUNTS = namesOf('count');
/** Float64 words of a window. */
export const S = indexOf(SUMS);
/** u32 words of a window. */
export const C = indexOf(COUNTS);
/** Places of a window read by {@link readWindow}. */
export const F = indexOf(FEATURES);

/** Sums, then the largest flow out; counts. */
export const WINDOW = { sums: SUMS.length, counts: COUNTS.length, features: FEATURES.length } as const;

const IS_COUNT = Uint8Array.from(FEATURES, (name) => (WINDOW_FEATURES[name] === 'count' ? 1 : 0));
const PLACES: Readonly<Record<WindowFeature, number>> = { ...S, ...C };
const PLACE = Uint8Array.from(FEATURES, (name) => PLACES[name]);

/** Reads a window whose sums begin at `f64[sumsAt]` and whose counts at `u32[countsAt]`, in the order of the features. */
export function readWindow(
  f64: Float64Array,
  sumsAt: number,
  u32: Uint32Array,
  countsAt: number,
  into: Float64Array,
): void {
  for (let i = 0; i < into.length; i++)
    into[i] = IS_COUNT[i] === 1 ? u32[countsAt + PLACE[i]!]! : f64[sumsAt + PLACE[i]!]!;
}

/** Windows of a host, in panes. Each divides the next; the first is a minute. */
export const HOST_WINDOWS = [
  { name: '1m', panes: 6 },
  { name: '5m', panes: 30 },
  { name: '1h', panes: 360 },
] as const;

const KEY_WORDS = 2;
const LONGER = HOST_WINDOWS.length - 1;

/**
 * Minute row: the window of 1 m, then for each longer window the destinations and ports that were new in it. `sums` in
 * words of 8 bytes from the row's start, the others in words of 4.
 */
export const HOST_MINUTE = {
  sums: KEY_WORDS,
  counts: (KEY_WORDS + WINDOW.sums) * 2,
  destinations: (KEY_WORDS + WINDOW.sums) * 2 + WINDOW.counts,
  ports: (KEY_WORDS + WINDOW.sums) * 2 + WINDOW.counts + LONGER,
  words: KEY_WORDS + WINDOW.sums + Math.ceil((WINDOW.counts + 2 * LONGER) / 2),
} as const;

/** Hot row: the windows of 5 m and 1 h, and the last pane of the last minute with traffic. */
export const HOT = {
  lastPane: (KEY_WORDS + LONGER * WINDOW.sums) * 2,
  words: KEY_WORDS + LONGER * WINDOW.sums + Math.ceil((1 + LONGER * WINDOW.counts) / 2),
  /** Of a window longer than the first, from the row's start: in words of 8 bytes. */
  sumsOf: (level: number): number => KEY_WORDS + (level - 1) * WINDOW.sums,
  /** … in words of 4. */
  countsOf: (level: number): number => HOT.lastPane + 1 + (level - 1) * WINDOW.counts,
} as const;

/** Cold row, in words of 4 bytes from its start; times are panes. */
export const COLD = {
  firstSeen: KEY_WORDS * 2,
  lastSeen: KEY_WORDS * 2 + 1,
  detectors: KEY_WORDS * 2 + 2,
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
