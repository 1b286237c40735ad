import type { z } from 'zod';
import type { SlotKind } from './state/packed-slots.ts';

/** What an alert is about, in the words of the mission; one alert an entity and family. */
export type Family = 'denial-of-service' | 'data-loss' | 'data-corruption';
export type EntityKind = 'host' | 'device' | 'source';

/** MITRE ATT&CK technique, Enterprise or ICS, of the version named in model/attack.ts. */
export interface Technique {
  readonly uid: string;
  readonly name: string;
  readonly tactic: string;
  readonly tacticUid: string;
}

/**
 * What every detector declares. A detector is one file and a pure function of keyed state: it has no clock, logger,
 * store or randomness; it reads its inputs, changes its own slots of the entity's row, and says what it found.
 */
export interface DetectorSpec<Config> {
  /** Stable, kebab-case: part of a finding's uid and of configuration. */
  readonly name: string;
  /** Rises when the same input would give other findings. */
  readonly version: string;
  readonly title: string;
  readonly family: Family;
  readonly technique: Technique;
  /** OCSF analytic type: 1 rule, 2 behavioural, 3 statistical. */
  readonly analyticType: 1 | 2 | 3;
  /** Strict: an unknown key is an error that names the key. Every key has a default and a description with its unit. */
  readonly schema: z.ZodType<Config>;
  /**
   * Slots in the entity's row: how many float64, or for hosts and targets, of which there are most, the kind of each. A
   * changed layout gets a higher version, and old state is dropped, not misread.
   */
  readonly state: { readonly version: number; readonly slots: number | readonly SlotKind[] };
}

/** One measure behind a verdict, for the "why". */
export interface Contribution {
  readonly feature: string;
  readonly observed: number;
  readonly expected: number;
  readonly unit: string;
  /** 0..1, how much of the verdict this measure carries. */
  readonly share: number;
}

/** What a detector says when it fires. The stage adds entity, pane and uid. */
export interface Verdict {
  readonly detector: string;
  readonly observed: number;
  readonly expected: number;
  readonly unit: string;
  /** One sentence: what was seen, in the entity's own terms. */
  readonly summary: string;
  /** One sentence: how `expected` was computed, and from how much history. */
  readonly basis: string;
  /** When it began, ms; at or before the pane. */
  readonly sinceMs: number;
  /** How far over the line: 1 at the threshold. Severity rises with it. */
  readonly ratio: number;
  /** 0..1 */
  readonly confidence: number;
  readonly contributions: readonly Contribution[];
  /** For readings: which of the device's metrics. */
  readonly metric?: string;
  /** The other end, where one stands out. */
  readonly peer?: string;
  /** The condition is over: the episode may close. */
  readonly recovered?: true;
}

/** Sums of one pane (10 s) about a target, merged from every stage-1 partition. Integers only. */
export interface TargetPane {
  flows: number;
  packets: number;
  bytes: number;
  /** Flows that never got past the SYN (S0, REJ, RSTOS0, SH): packets of them. */
  synOnly: number;
  /** Distinct source addresses; exact, since each source is counted in one partition only. */
  sources: number;
  /** Packets and bytes of flows, a long flow only by its mean share of one pane, so that a flow's end is no flood. */
  ratePackets: number;
  rateBytes: number;
  udpPackets: number;
  icmpPackets: number;
  /** Packets from source ports known for amplification. */
  amplificationPackets: number;
}

/** One finished (or running) window of a host's own traffic, from its view. Integers only. */
export interface HostWindow {
  flows: number;
  failed: number;
  bytesOut: number;
  bytesIn: number;
  packetsOut: number;
  packetsIn: number;
  largestFlowOut: number;
  distinctDestinations: number;
  distinctPorts: number;
  newDestinations: number;
  dnsQueries: number;
  nxdomain: number;
}

/** A flow out large enough to be looked at by itself. */
export interface LargeFlow {
  readonly bytesOut: number;
  readonly bytesIn: number;
  readonly peer: string;
  readonly isNewPeer: boolean;
  readonly timeMs: number;
}

/** One sample of a series (device, metric). */
export interface Sample {
  timeMs: number;
  value: number;
}

/** What a step may know about the entity besides its own slots. */
export interface EntityContext {
  readonly entity: string;
  /** Host group from the configuration, '' where none. */
  readonly group: string;
}

/** Detects on targets, in stage 2. Windows without flows are not stepped. */
export interface TargetDetector<Config> extends DetectorSpec<Config> {
  readonly state: { readonly version: number; readonly slots: readonly SlotKind[] };
  create(config: Config): {
    /** At the close of a pane, panes ascending. */
    pane?(
      input: TargetPane,
      paneStartMs: number,
      state: Float64Array,
      at: number,
      context: EntityContext,
    ): Verdict | undefined;
    /** At the close of a minute: the sums of its panes; `peakPaneSources` is the highest `sources` of one pane. */
    minute?(
      input: TargetPane,
      minuteStartMs: number,
      state: Float64Array,
      at: number,
      context: EntityContext,
    ): Verdict | undefined;
  };
}

/** Detects on internal hosts, in stage 1. */
export interface HostDetector<Config> extends DetectorSpec<Config> {
  readonly state: { readonly version: number; readonly slots: readonly SlotKind[] };
  create(config: Config): {
    /** Flows of at least this many bytes out are handed to `flow`. */
    readonly largeFlowBytes: number;
    /** At the close of a flow's pane. */
    flow?(flow: LargeFlow, state: Float64Array, at: number, context: EntityContext): Verdict | undefined;
    /** At the close of every minute in which the host was active: the hour so far, which only grows. */
    running?(
      hour: HostWindow,
      hourStartMs: number,
      nowMs: number,
      state: Float64Array,
      at: number,
      context: EntityContext,
    ): Verdict | undefined;
    /** At the close of an hour in which the host was active: learns; `outOfNetwork` bytes only are in the window. */
    hour?(hour: HostWindow, hourStartMs: number, state: Float64Array, at: number, context: EntityContext): void;
  };
}

/** Detects on series of readings, in stage 1: one step a sample, in the order of time. */
export interface ReadingDetector<Config> extends DetectorSpec<Config> {
  readonly state: { readonly version: number; readonly slots: number };
  create(config: Config): {
    sample(sample: Sample, state: Float64Array, at: number, context: SeriesContext): Verdict | undefined;
  };
}

export interface SeriesContext {
  readonly device: string;
  readonly metric: string;
  readonly unit: string;
}

/** Notices that a device has stopped, in stage 1: by timers on the watermark, since a silent device sends nothing. */
export interface SilenceDetector<Config> extends DetectorSpec<Config> {
  readonly state: { readonly version: number; readonly slots: number };
  create(config: Config): {
    /** A sign of life, times not descending. Gives a recovery where the device had been silent. */
    beat(timeMs: number, state: Float64Array, at: number, context: DeviceContext): Verdict | undefined;
    /** Event time, ms, at which the device counts as silent if nothing comes before; Infinity where it isn't watched (yet). */
    deadline(state: Float64Array, at: number, context: DeviceContext): number;
    /** The deadline has passed. */
    silent(nowMs: number, state: Float64Array, at: number, context: DeviceContext): Verdict;
  };
}

export interface DeviceContext {
  readonly device: string;
  /** On the roster of devices that must exist. */
  readonly isOnRoster: boolean;
}
