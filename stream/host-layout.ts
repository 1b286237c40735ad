import { placesOf, type FieldKind } from './state/carried-rows.ts';

/**
 * What rows of hosts and targets hold, and where.
 *
 * Of a host, a *minute row* holds one open minute's sums, and is its window of 1 m when the minute closes; a *hot row*
 * the longer windows that are running, for hosts active in the last hour; a *cold row* what is kept of every host: first
 * and last sight, then the detectors' slots.
 */

/** What a window holds, in the order of the features' table, and how much is room enough for most hosts. */
const WINDOW_FEATURES = {
  flows: 'half',
  failed: 'half',
  bytesOut: 'word',
  bytesIn: 'word',
  packetsOut: 'word',
  packetsIn: 'word',
  dnsQueries: 'half',
  nxdomain: 'half',
  newDestinations: 'half',
  outsideBytesOut: 'word',
  outsideBytesIn: 'word',
  largestFlowOut: 'greatest',
  distinctDestinations: 'half',
  distinctPorts: 'half',
} as const satisfies Record<string, FieldKind>;
type WindowFeature = keyof typeof WINDOW_FEATURES;

const FEATURES = Object.keys(WINDOW_FEATURES) as WindowFeature[];
/** Places of a window's features in what is read of it. */
export const F = byName(FEATURES, (i) => i);
/** Features of a window. */
export const WINDOW_LENGTH = FEATURES.length;

function byName<Name extends string>(
  names: readonly Name[],
  valueOf: (i: number) => number,
): Readonly<Record<Name, number>> {
  return Object.fromEntries(names.map((name, i) => [name, valueOf(i)])) as Record<Name, number>;
}

/** Windows of a host, in panes. Each divides the next; the first is a minute. */
export const HOST_WINDOWS = [
  { name: '1m', panes: 6 },
  { name: '5m', panes: 30 },
  { name: '1h', panes: 360 },
] as const;
const LONGER = HOST_WINDOWS.length - 1;

/**
 * Fields of a minute row: the window of 1 m, then for each longer window the destinations that were new in it, then the
 * ports. With packets in 16 bits it is 64 bytes, a cache line.
 */
const MINUTE_FIELDS: Readonly<Record<string, FieldKind>> = {
  ...WINDOW_FEATURES,
  packetsOut: 'half',
  packetsIn: 'half',
};
export const HOST_MINUTE = {
  kinds: [...FEATURES.map((name) => MINUTE_FIELDS[name]!), ...new Array<FieldKind>(2 * LONGER).fill('half')],
  destinations: WINDOW_LENGTH,
  ports: WINDOW_LENGTH + LONGER,
  fields: WINDOW_LENGTH + 2 * LONGER,
} as const;
const MINUTE_PLACES = placesOf(HOST_MINUTE.kinds);
/** Places of a minute row's features. */
export const M = byName(FEATURES, (i) => MINUTE_PLACES[i]!);
/** … and of what was new in the first longer window; those of the next follow. */
export const NEW_IN = {
  destinations: MINUTE_PLACES[HOST_MINUTE.destinations]!,
  ports: MINUTE_PLACES[HOST_MINUTE.ports]!,
} as const;

/** Fields of a hot row: the longer windows, and the last pane of the last minute with traffic. */
const HOT_KINDS: readonly FieldKind[] = [
  ...HOST_WINDOWS.slice(1).flatMap(() => FEATURES.map((name) => WINDOW_FEATURES[name])),
  'word',
];
export const HOT = {
  kinds: HOT_KINDS,
  /** First field of a window longer than the first. */
  window: (level: number): number => (level - 1) * WINDOW_LENGTH,
  /** The last pane, in words of 4 bytes from the row's start. */
  lastPane: placesOf(HOT_KINDS).at(-1)! / 2,
} as const;

const KEY_WORDS = 2;

/** Cold row, in words of 4 bytes from its start; times are panes. */
export const COLD = {
  firstSeen: KEY_WORDS * 2,
  lastSeen: KEY_WORDS * 2 + 1,
  detectors: KEY_WORDS * 2 + 2,
} as const;

/** A target's pane in stage 1: sums that merge by adding, and how much is room enough for most targets. */
const TARGET_FIELDS = {
  flows: 'half',
  packets: 'word',
  bytes: 'word',
  synOnly: 'half',
  sources: 'half',
  ratePackets: 'word',
  rateBytes: 'word',
  udpPackets: 'half',
  icmpPackets: 'half',
  amplificationPackets: 'half',
} as const satisfies Record<string, FieldKind>;
type TargetSum = keyof typeof TARGET_FIELDS;

export const TARGET_SUMS = Object.keys(TARGET_FIELDS) as TargetSum[];
export const TARGET_KINDS: readonly FieldKind[] = TARGET_SUMS.map((name) => TARGET_FIELDS[name]);
const TARGET_PLACES = placesOf(TARGET_KINDS);
/** Places in a row of stage 1. */
export const P = byName(TARGET_SUMS, (i) => TARGET_PLACES[i]!);

/** … on their way to stage 2 and there: float64 behind the key. */
export const T = byName(TARGET_SUMS, (i) => i + KEY_WORDS);
export const TARGET_WORDS = KEY_WORDS + TARGET_SUMS.length;
