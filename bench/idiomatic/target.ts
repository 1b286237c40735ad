import type { FlowRecord } from './flow-record.ts';

const PANE_MS = 10_000;
const PANE_SECONDS = 10;
const SYN_ONLY = new Set(['S0', 'REJ', 'RSTOS0', 'SH']);
const AMPLIFIERS = new Set([17, 19, 53, 69, 111, 123, 137, 161, 389, 500, 520, 1900, 3702, 4500, 5353, 11211]);

/** Sums of what reaches a target, over a pane or a minute. */
export interface TargetSums {
  flows: number;
  packets: number;
  bytes: number;
  synOnly: number;
  ratePackets: number;
  rateBytes: number;
  udpPackets: number;
  icmpPackets: number;
  amplificationPackets: number;
  readonly sources: Set<string>;
}

export function emptyTarget(): TargetSums {
  return {
    flows: 0,
    packets: 0,
    bytes: 0,
    synOnly: 0,
    ratePackets: 0,
    rateBytes: 0,
    udpPackets: 0,
    icmpPackets: 0,
    amplificationPackets: 0,
    sources: new Set(),
  };
}

export function addToTarget(target: TargetSums, flow: FlowRecord): void {
  const packets = Math.max(1, flow.packetsOut);
  const durationMs = flow.timeMs - flow.startMs;
  const share = durationMs > PANE_MS ? PANE_MS / durationMs : 1;
  const ratePackets = Math.ceil(packets * share);
  target.flows++;
  target.packets += packets;
  target.bytes += flow.bytesOut;
  target.ratePackets += ratePackets;
  target.rateBytes += Math.ceil(flow.bytesOut * share);
  if (SYN_ONLY.has(flow.connState)) target.synOnly += ratePackets;
  if (flow.proto === 17) {
    target.udpPackets += ratePackets;
    if (AMPLIFIERS.has(flow.srcPort)) target.amplificationPackets += ratePackets;
  } else if (flow.proto === 1) target.icmpPackets += ratePackets;
  target.sources.add(flow.src);
}

export function mergeTarget(to: TargetSums, from: TargetSums): void {
  to.flows += from.flows;
  to.packets += from.packets;
  to.bytes += from.bytes;
  to.synOnly += from.synOnly;
  to.ratePackets += from.ratePackets;
  to.rateBytes += from.rateBytes;
  to.udpPackets += from.udpPackets;
  to.icmpPackets += from.icmpPackets;
  to.amplificationPackets += from.amplificationPackets;
  for (const source of from.sources) to.sources.add(source);
}

/** Ceilings on the mean rate over a pane; `raises`: the target's own usual rate raises the ceiling tenfold. */
const CEILINGS = [
  { limit: 20_000, of: (sums: TargetSums) => sums.ratePackets, raises: false },
  { limit: 1e9, of: (sums: TargetSums) => sums.rateBytes * 8, raises: false },
  { limit: 3_500, of: (sums: TargetSums) => sums.flows, raises: false },
  { limit: 500, of: (sums: TargetSums) => sums.synOnly, raises: true },
  { limit: 10_000, of: (sums: TargetSums) => sums.udpPackets, raises: false },
  { limit: 1_000, of: (sums: TargetSums) => sums.icmpPackets, raises: false },
  { limit: 1_000, of: (sums: TargetSums) => sums.amplificationPackets, raises: true },
];

/** What is known of a target: usual rates for the ceilings; mean and deviation of its minutes and two sums for CUSUM. */
export interface TargetState {
  readonly usual: number[];
  minutes: number;
  mean: number;
  deviation: number;
  high: number;
  low: number;
}

export function newTarget(): TargetState {
  return { usual: CEILINGS.map(() => 0), minutes: 0, mean: 0, deviation: 0, high: 0, low: 0 };
}

const PANE_RATE = 1 / 360;

export function isFlooded(state: TargetState, pane: TargetSums): boolean {
  let isOver = false;
  const rates = CEILINGS.map(({ of }) => of(pane) / PANE_SECONDS);
  CEILINGS.forEach(({ limit, raises }, i) => {
    const line = raises ? Math.max(limit, 10 * state.usual[i]!) : limit;
    if (rates[i]! >= line) isOver = true;
  });
  if (!isOver) rates.forEach((rate, i) => (state.usual[i]! += PANE_RATE * (rate - state.usual[i]!)));
  return isOver;
}

const MINUTE_RATE = 0.01;
const DRIFT = 1;
const THRESHOLD = 8;

/** EWMA of the minute's log rate, and a two-sided CUSUM on what is left. */
export function isShifted(state: TargetState, minute: TargetSums): boolean {
  const value = Math.log1p(minute.flows);
  const residual = value - state.mean;
  const z = Math.max(-4, Math.min(4, residual / Math.max(0.5, 1.4826 * state.deviation)));
  state.high = Math.min(2 * THRESHOLD, Math.max(0, state.high + z - DRIFT));
  state.low = Math.min(2 * THRESHOLD, Math.max(0, state.low - z - DRIFT));
  const rate = Math.max(MINUTE_RATE, 1 / (state.minutes + 1));
  if (state.high <= THRESHOLD / 2) {
    state.mean += rate * residual;
    state.deviation += rate * (Math.abs(residual) - state.deviation);
  }
  state.minutes++;
  return state.minutes > 30 && state.high > THRESHOLD && minute.flows >= 1800;
}
