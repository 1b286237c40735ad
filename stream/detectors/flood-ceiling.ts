import { z } from 'zod';

import { ATTACK } from '../../model/attack.ts';
import type { Contribution, EntityContext, TargetDetector, TargetPane, Verdict } from '../detector.ts';
import { layOut } from '../state/packed-slots.ts';
import { HOUR_MS, MINUTE_MS, PANE_MS } from '../time.ts';
import { quantity } from './verdict-text.ts';

const DAY_MS = 24 * HOUR_MS;
const PANE_SECONDS = PANE_MS / 1000;

/** What is held against a limit: its count in a pane, its words, and whether the target's own usual rate raises it. */
const MEASURES = [
  { key: 'packetsPerSecond', of: 'packets', unit: 'packets/s', countOf: (pane) => pane.ratePackets, ownUsual: 'told' },
  { key: 'bitsPerSecond', of: 'bits', unit: 'bits/s', countOf: (pane) => pane.rateBytes * 8, ownUsual: 'told' },
  { key: 'flowsPerSecond', of: 'flows', unit: 'flows/s', countOf: (pane) => pane.flows, ownUsual: 'told' },
  { key: 'synOnlyPerSecond', of: 'SYN-only packets', unit: 'packets/s', countOf: (pane) => partOf(pane, pane.synOnly), ownUsual: 'raises' },
  { key: 'udpPacketsPerSecond', of: 'UDP packets', unit: 'packets/s', countOf: (pane) => partOf(pane, pane.udpPackets), ownUsual: 'told' },
  { key: 'icmpPacketsPerSecond', of: 'ICMP packets', unit: 'packets/s', countOf: (pane) => partOf(pane, pane.icmpPackets), ownUsual: 'told' },
  { key: 'amplificationPacketsPerSecond', of: 'packets from amplification ports', unit: 'packets/s', countOf: (pane) => partOf(pane, pane.amplificationPackets), ownUsual: 'raises' },
] as const satisfies readonly Measure[]; // prettier-ignore

interface Measure {
  readonly key: string;
  readonly of: string;
  readonly unit: string;
  readonly countOf: (pane: TargetPane) => number;
  readonly ownUsual: 'told' | 'raises';
}

/** Packets of one kind are no more than all: it keeps the end of a long call from counting as a flood of UDP. */
function partOf(pane: TargetPane, packets: number): number {
  return Math.min(packets, pane.ratePackets);
}

const rate = z.number().positive();
const limits = {
  packetsPerSecond: rate.describe('All packets to the target, packets/s'),
  bitsPerSecond: rate.describe('All payload to the target, bits/s'),
  flowsPerSecond: rate.describe('Flows to the target, flows/s'),
  synOnlyPerSecond: rate.describe('Packets of TCP flows that never got past the SYN, packets/s'),
  udpPacketsPerSecond: rate.describe('UDP packets to the target, packets/s'),
  icmpPacketsPerSecond: rate.describe('ICMP packets to the target, packets/s'),
  amplificationPacketsPerSecond: rate.describe('UDP packets from ports known for amplification, packets/s'),
} as const;

const DEFAULT_LIMITS: Readonly<Record<keyof typeof limits, number>> = {
  packetsPerSecond: 20_000,
  bitsPerSecond: 1e9,
  flowsPerSecond: 3_500,
  synOnlyPerSecond: 500,
  udpPacketsPerSecond: 10_000,
  icmpPacketsPerSecond: 1_000,
  amplificationPacketsPerSecond: 1_000,
};

const schema = z.strictObject({
  limits: z
    .strictObject({
      packetsPerSecond: limits.packetsPerSecond.default(DEFAULT_LIMITS.packetsPerSecond),
      bitsPerSecond: limits.bitsPerSecond.default(DEFAULT_LIMITS.bitsPerSecond),
      flowsPerSecond: limits.flowsPerSecond.default(DEFAULT_LIMITS.flowsPerSecond),
      synOnlyPerSecond: limits.synOnlyPerSecond.default(DEFAULT_LIMITS.synOnlyPerSecond),
      udpPacketsPerSecond: limits.udpPacketsPerSecond.default(DEFAULT_LIMITS.udpPacketsPerSecond),
      icmpPacketsPerSecond: limits.icmpPacketsPerSecond.default(DEFAULT_LIMITS.icmpPacketsPerSecond),
      amplificationPacketsPerSecond: limits.amplificationPacketsPerSecond.default(
        DEFAULT_LIMITS.amplificationPacketsPerSecond,
      ),
    })
    .prefault({})
    .describe('Mean rates over a pane of 10 s at which a target of any host group is flooded'),
  groups: z
    .record(z.string(), z.strictObject(limits).partial())
    .default({})
    .describe('Limits of single host groups, by name of the group; what a group leaves out is as in `limits`'),
  usualFactor: z
    .number()
    .min(1)
    .default(10)
    .describe("SYN-only and amplification must also exceed this many times the target's own usual rate (unitless)"),
  releaseFactor: z
    .number()
    .min(0.1)
    .max(1)
    .default(0.8)
    .describe('While a flood lasts, the share of a limit down to which it still counts (unitless)'),
  memoryHours: z.number().min(1).default(24).describe("Memory of the target's own usual rates, hours"),
  freezeHours: z
    .number()
    .nonnegative()
    .default(6)
    .describe('How long usual rates learn nothing from a lasting flood, hours'),
});
export type FloodCeilingConfig = z.infer<typeof schema>;

/** Times are starts of panes, ms; 0: none. */
const { at: SLOTS, kinds } = layOut({ panesKnown: 'count', lastPane: 'time', floodFrom: 'time', lastFlooded: 'time' });
/** The usual rates, one a measure, in events/s, lie behind them. */
const USUAL = kinds.length;

/** A new target counts as one that had been quiet for this long: else its first panes would make any flood usual. */
const ASSUMED_QUIET_PANES = HOUR_MS / PANE_MS;
/** Below the limits for this long, a flood is over, and the next one begins anew. */
const RELEASE_MS = MINUTE_MS;

/**
 * Flood: the mean rate to a target over one pane of 10 s exceeds a fixed ceiling of the target's host group.
 *
 *   rate_m = count_m / 10 s                                                       for each measure m
 *   line_m = limit_m(group)                                                       packets, bits, flows, UDP, ICMP
 *   line_m = max(limit_m(group), usualFactor · usual_m)                           SYN-only, amplification ports
 *   flooded when any rate_m ≥ line_m; while it lasts, when any rate_m ≥ releaseFactor · line_m
 *   usual_m ← usual_m + α·(rate_m − usual_m),  α = max(1/(panes known + 360), 10 s/memory)
 *
 * Panes without flows aren't stepped and count as rate 0. While flooded, usual_m stands still for at most `freezeHours`.
 * Fires from the first pane of a target's life: a ceiling needs no history. It holds while above; release is absence.
 * It may be asked early, inside an open pane, with the sums so far, on a copy of its slots: sums only grow, so what
 * fires early fires at the close.
 *
 * Rates in events/s. Defaults: 20,000 packets/s, 1 Gb/s, 3,500 flows/s are those of FastNetMon community
 * (https://github.com/pavel-odintsov/fastnetmon, fastnetmon.conf: threshold_pps, threshold_mbps, threshold_flows);
 * SYN-only 500/s and ten times the usual sees a recorded spoofed flood of 1,597 packets/s (mean; 3,704 in its fullest
 * pane) that at its mean those three miss; on two internet-facing hosts a day of scans peaked at 8 SYN-only packets/s.
 * UDP, ICMP and amplification are ours, at half and a twentieth of the packet limit.
 *
 * State: 44 bytes a target, O(1) a pane.
 */
export const floodCeiling: TargetDetector<FloodCeilingConfig> = {
  name: 'flood-ceiling',
  version: '1',
  title: 'Flood above a fixed ceiling',
  family: 'denial-of-service',
  technique: ATTACK.networkDenialOfService,
  analyticType: 1,
  schema,
  state: { version: 2, slots: [...kinds, ...MEASURES.map(() => 'float' as const)] },

  create(config) {
    const slowest = PANE_MS / (config.memoryHours * HOUR_MS);

    function limitOf(measure: (typeof MEASURES)[number], group: string): number {
      // Own keys only: a host group may bear any name, also one that every object has.
      const override = Object.hasOwn(config.groups, group) ? config.groups[group] : undefined;
      return override?.[measure.key] ?? config.limits[measure.key];
    }

    function pane(
      input: TargetPane,
      paneStartMs: number,
      state: Float64Array,
      at: number,
      context: EntityContext,
    ): Verdict | undefined {
      forgetQuietPanes(paneStartMs, state, at, slowest);
      const lasts = state[at + SLOTS.floodFrom]! > 0 && paneStartMs - state[at + SLOTS.lastFlooded]! <= RELEASE_MS;
      const factor = lasts ? config.releaseFactor : 1;
      const over = MEASURES.map((measure, index) => {
        const usual = state[at + USUAL + index]!;
        const limit = limitOf(measure, context.group);
        const line = measure.ownUsual === 'raises' ? Math.max(limit, config.usualFactor * usual) : limit;
        const observed = measure.countOf(input) / PANE_SECONDS;
        return { measure, observed, usual, line, ratio: observed / line };
      })
        .filter((found) => found.ratio >= factor)
        .sort((one, other) => other.ratio - one.ratio);

      const isFlooded = over.length > 0;
      if (isFlooded && !lasts) state[at + SLOTS.floodFrom] = paneStartMs;
      if (isFlooded) state[at + SLOTS.lastFlooded] = paneStartMs;
      const isFrozen = isFlooded && paneStartMs - state[at + SLOTS.floodFrom]! < config.freezeHours * HOUR_MS;
      if (!isFrozen) learnPane(input, state, at, slowest);

      const [worst] = over;
      if (worst === undefined) return undefined;
      return {
        detector: floodCeiling.name,
        observed: worst.observed,
        expected: worst.usual,
        unit: worst.measure.unit,
        summary: summarise(over, input.sources),
        basis: basisOf(worst.measure.ownUsual, { state, at, group: context.group, config }),
        sinceMs: state[at + SLOTS.floodFrom]!,
        ratio: Math.max(1, worst.ratio),
        confidence: 1 - 0.4 / Math.max(1, worst.ratio),
        contributions: contributionsOf(over),
      };
    }

    return { pane };
  },
};

interface Over {
  readonly measure: (typeof MEASURES)[number];
  readonly observed: number;
  readonly usual: number;
  readonly line: number;
  readonly ratio: number;
}

/** Brings the usual rates to just before this pane; asked again about the same pane, it changes nothing. */
function forgetQuietPanes(paneStartMs: number, state: Float64Array, at: number, slowest: number): void {
  const known = state[at + SLOTS.panesKnown]!;
  const quiet = known === 0 ? 0 : Math.max(0, (paneStartMs - state[at + SLOTS.lastPane]!) / PANE_MS - 1);
  if (quiet > 0) {
    const kept = Math.pow(1 - rateOf(known, slowest), quiet);
    for (let index = 0; index < MEASURES.length; index++) state[at + USUAL + index]! *= kept;
  }
  if (known === 0 || paneStartMs > state[at + SLOTS.lastPane]!) {
    state[at + SLOTS.panesKnown] = known + quiet + 1;
    state[at + SLOTS.lastPane] = paneStartMs;
  }
}

function learnPane(input: TargetPane, state: Float64Array, at: number, slowest: number): void {
  const alpha = rateOf(state[at + SLOTS.panesKnown]!, slowest);
  for (let index = 0; index < MEASURES.length; index++) {
    const slot = at + USUAL + index;
    state[slot]! += alpha * (MEASURES[index]!.countOf(input) / PANE_SECONDS - state[slot]!);
  }
}

function rateOf(panesKnown: number, slowest: number): number {
  return Math.max(1 / (panesKnown + ASSUMED_QUIET_PANES), slowest);
}

function summarise(over: readonly Over[], sources: number): string {
  const parts = over.map(({ measure, observed, line, usual }) => {
    const limit = `limit ${quantity(line)}/s; usual ${quantity(usual)}/s`;
    return `${quantity(observed)} ${measure.of}/s (${limit})`;
  });
  return `${parts.join(', ')} from ${quantity(sources)} ${sources === 1 ? 'source' : 'sources'}`;
}

function basisOf(
  ownUsual: Measure['ownUsual'],
  about: {
    readonly state: Float64Array;
    readonly at: number;
    readonly group: string;
    readonly config: FloodCeilingConfig;
  },
): string {
  const whose = about.group === '' ? 'of every target' : `of host group ${about.group}`;
  const knownMs = Math.min(about.state[about.at + SLOTS.panesKnown]! * PANE_MS, DAY_MS);
  const history = knownMs < HOUR_MS ? 'under an hour' : `the past ${Math.round(knownMs / HOUR_MS)} h`;
  const raised = ownUsual === 'raises' ? `, at least ${about.config.usualFactor} times its usual rate` : '';
  return `fixed limit ${whose} on the mean rate over 10 s${raised}; the usual rate is the target's own mean over ${history}`;
}

function contributionsOf(over: readonly Over[]): Contribution[] {
  const sum = over.reduce((total, { ratio }) => total + ratio, 0);
  return over.map(({ measure, observed, usual, ratio }) => ({
    feature: measure.of,
    observed,
    expected: usual,
    unit: measure.unit,
    share: ratio / sum,
  }));
}
