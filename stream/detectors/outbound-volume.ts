import { z } from 'zod';

import { ATTACK } from '../../model/attack.ts';
import type { HostDetector, HostWindow, Verdict } from '../detector.ts';
import { layOut } from '../state/packed-slots.ts';
import { HOUR_MS } from '../time.ts';
import { learn, learningRate, scaleOf } from './robust-baseline.ts';
import { byteSize, signed, span } from './verdict-text.ts';

const schema = z.strictObject({
  minBytes: z.number().positive().default(100e6).describe('Least volume out in an hour, bytes'),
  threshold: z.number().positive().default(4).describe('Least robust z of the hour (σ)'),
  minPcr: z.number().min(-1).max(1).default(0.5).describe('Least producer/consumer ratio of the hour (unitless, −1..1)'),
  pcrShift: z.number().min(0).max(1).default(0.5).describe('Least share of the way from the usual PCR to +1 (unitless)'),
  matureHours: z.number().nonnegative().default(24).describe('Age up to which a host is young, hours'),
  matureActiveHours: z.int().min(4).default(8).describe('Active hours up to which a host is young'),
  youngMinBytes: z.number().positive().default(200e6).describe('Least volume out in an hour of a young host, bytes'),
  youngMinPcr: z.number().min(-1).max(1).default(0.9).describe('Least PCR of an hour of a young host (unitless)'),
  scaleFloor: z.number().positive().default(0.5).describe('Least σ of the volume (log1p units)'),
  scaleCeiling: z.number().positive().default(1).describe('Greatest σ of the volume (log1p units)'),
  learningRate: z.number().gt(0).max(1).default(0.01).describe('Weight of an hour in the baseline, once it is old'),
  suspectWeight: z.number().min(0).max(1).default(0.1).describe('Share of that for an hour over minBytes and minPcr'),
  acceptAfterHours: z.int().min(2).default(24).describe('Active hours firing in a row after which the level is accepted'),
}); // prettier-ignore
export type OutboundVolumeConfig = z.infer<typeof schema>;

/** `hours`: weight of the hours learnt. `median`, `mad`: log1p(bytes). `firedHours`: in a row. Times in ms, 0: none. */
const { at: SLOTS, kinds } = layOut({
  hours: 'float',
  median: 'float',
  mad: 'float',
  pcr: 'float',
  firstHour: 'time',
  firedHours: 'count',
  firedFrom: 'time',
});

/** PCR at which an upload counts as one way whatever is usual: a host that mostly sends has no room left to shift. */
const ONE_WAY_PCR = 0.95;
/** Hours learnt under which z says too little to hold a young host's alert back. */
const MIN_HOURS_FOR_Z = 3;

/**
 * Outbound volume: a host sends far more to the outside in an hour than it does, and little comes back.
 *
 *   y = log1p(bytes out),  z = (y − median)/s,  s = 1.4826·MAD within [scaleFloor, scaleCeiling]
 *   PCR = (out − in)/(out + in)
 *   fires when  out ≥ minBytes  and  z ≥ threshold  and  PCR ≥ max(minPcr, min(0.95, usual + pcrShift·(1 − usual)))
 *   young host: out ≥ youngMinBytes and PCR ≥ youngMinPcr, and z ≥ threshold where three hours have been learnt
 *
 * The window holds payload bytes of flows with external peers; it is judged every minute while it grows, and learnt at
 * its end. Only hours that carried bytes are learnt, and a connection without bytes adds nothing to anything. Median and
 * MAD are those of robust-baseline.ts, with the hours learnt as their count. An hour over minBytes and minPcr is learnt at
 * a tenth of its weight whether it fired or not, so that a slow rise isn't; one that fired isn't learnt as the very
 * first; after `acceptAfterHours` such hours in a row, every one of them
 * reported, their level becomes the baseline. More bytes out in the same hour never un-fire it.
 *
 * Defaults: the floor lies in the 25 to 500 MB that sites use; the busiest hours of a real workstation's day without a
 * call carried 8 MB out, and a call of 437 MB out is no upload by its PCR of −0.31. A floor of σ 0.5 keeps a sparse
 * host with MAD 0 from firing at every upload, the ceiling of 1 one that is busy by day and idle by night from never
 * firing, and a patient attacker, who doubles the upload every day, from going past 280 MB an hour (at 1.5: 2.4 GB). PCR: J. Bullard, C. Gerth, "PCR: A New Flow Metric", FloCon 2014. Robust z: B. Iglewicz, D. Hoaglin,
 * "How to Detect and Handle Outliers", ASQC 1993.
 *
 * State: 28 bytes a host, O(1) a minute.
 */
export const outboundVolume: HostDetector<OutboundVolumeConfig> = {
  name: 'outbound-volume',
  version: '1',
  title: 'Unusual volume sent out of the network',
  family: 'data-loss',
  technique: ATTACK.exfiltrationOverAlternativeProtocol,
  analyticType: 3,
  schema,
  state: { version: 2, slots: kinds },

  create(config) {
    const bounds = { floor: config.scaleFloor, ceiling: config.scaleCeiling };

    function judge(hour: HostWindow, hourStartMs: number, state: Float64Array, at: number): Judgement {
      const hours = state[at + SLOTS.hours]!;
      const firstHour = state[at + SLOTS.firstHour]!;
      const ageMs = firstHour === 0 ? 0 : hourStartMs - firstHour;
      const isYoung = ageMs < config.matureHours * HOUR_MS || hours < config.matureActiveHours;
      const usualPcr = state[at + SLOTS.pcr]!;
      const scale = scaleOf(state[at + SLOTS.mad]!, bounds);
      const volume = Math.log1p(hour.bytesOut);
      const z = (volume - state[at + SLOTS.median]!) / scale;
      const needsZ = !isYoung || hours >= MIN_HOURS_FOR_Z;
      const minBytes = isYoung ? config.youngMinBytes : config.minBytes;
      const shifted = Math.min(ONE_WAY_PCR, usualPcr + config.pcrShift * (1 - usualPcr));
      const minPcr = isYoung ? config.youngMinPcr : Math.max(config.minPcr, shifted);
      const pcr = pcrOf(hour);
      const fires = hour.bytesOut >= minBytes && pcr >= minPcr && (!needsZ || z >= config.threshold);
      const isSuspect = fires || (hours > 0 && hour.bytesOut >= config.minBytes && pcr >= config.minPcr);
      return { fires, isSuspect, isYoung, ageMs, hours, pcr, minPcr, z, scale, volume, minBytes, needsZ };
    }

    function running(
      hour: HostWindow,
      hourStartMs: number,
      nowMs: number,
      state: Float64Array,
      at: number,
    ): Verdict | undefined {
      const found = judge(hour, hourStartMs, state, at);
      if (!found.fires) return undefined;
      const usualBytes = Math.expm1(state[at + SLOTS.median]!);
      const usualPcr = state[at + SLOTS.pcr]!;
      const isKnown = found.hours > 0;
      // How far over whichever of the two lines is the higher: the fixed floor, or the host's own.
      const ownLine = found.needsZ ? usualBytes * Math.exp(config.threshold * found.scale) : 0;
      const ratio = hour.bytesOut / Math.max(found.minBytes, ownLine);
      return {
        detector: outboundVolume.name,
        observed: hour.bytesOut,
        expected: isKnown ? usualBytes : 0,
        unit: 'bytes',
        summary:
          `${byteSize(hour.bytesOut)} sent out of the network in ${span(nowMs - hourStartMs)}, ` +
          `${byteSize(hour.bytesIn)} received (PCR ${signed(found.pcr)})` +
          (isKnown ? `; usual are ${byteSize(usualBytes)} an hour, PCR ${signed(usualPcr)}` : ''),
        basis: basisOf(found, config),
        sinceMs: state[at + SLOTS.firedHours]! > 0 ? state[at + SLOTS.firedFrom]! : hourStartMs,
        ratio: Math.max(1, ratio),
        confidence: (found.isYoung ? 0.7 : 1) * (1 - 0.4 / Math.max(1, ratio)),
        contributions: [
          { feature: 'bytes out', observed: hour.bytesOut, expected: usualBytes, unit: 'bytes', share: 0.7 },
          { feature: 'PCR', observed: found.pcr, expected: isKnown ? usualPcr : 0, unit: 'ratio', share: 0.3 },
        ],
      };
    }

    function hour(hour: HostWindow, hourStartMs: number, state: Float64Array, at: number): void {
      const found = judge(hour, hourStartMs, state, at);
      if (state[at + SLOTS.firstHour] === 0) state[at + SLOTS.firstHour] = hourStartMs;
      if (hour.bytesOut + hour.bytesIn === 0) return;
      if (!found.fires) {
        state[at + SLOTS.firedHours] = 0;
        absorb(found, found.isSuspect ? config.suspectWeight : 1, state, at);
        return;
      }
      if (state[at + SLOTS.firedHours] === 0) state[at + SLOTS.firedFrom] = hourStartMs;
      state[at + SLOTS.firedHours]! += 1;
      if (state[at + SLOTS.firedHours]! >= config.acceptAfterHours) {
        state[at + SLOTS.firedHours] = 0;
        state[at + SLOTS.hours] = Math.max(config.matureActiveHours, found.hours);
        state[at + SLOTS.median] = found.volume;
        state[at + SLOTS.pcr] = found.pcr;
      } else if (found.hours > 0) {
        absorb(found, config.suspectWeight, state, at);
      }
    }

    /** Learns an hour at a weight of 0..1. */
    function absorb(found: Judgement, weight: number, state: Float64Array, at: number): void {
      const rate = weight * learningRate(found.hours, config.learningRate);
      const how = { rate, scale: found.scale, windowsBefore: found.hours };
      const deviation = Math.abs(found.volume - state[at + SLOTS.median]!);
      // The first hour has nothing to deviate from.
      if (found.hours > 0) state[at + SLOTS.mad] = learn(state[at + SLOTS.mad]!, deviation, how);
      state[at + SLOTS.median] = learn(state[at + SLOTS.median]!, found.volume, how);
      state[at + SLOTS.pcr]! += rate * (found.pcr - state[at + SLOTS.pcr]!);
      state[at + SLOTS.hours] = found.hours + weight;
    }

    return { largeFlowBytes: Infinity, running, hour };
  },
};

interface Judgement {
  readonly fires: boolean;
  /** It has the size and the direction of an exfiltration, if not the deviation: a patient attacker's hours have. */
  readonly isSuspect: boolean;
  readonly isYoung: boolean;
  readonly ageMs: number;
  readonly hours: number;
  readonly pcr: number;
  readonly minPcr: number;
  readonly z: number;
  readonly scale: number;
  readonly volume: number;
  readonly minBytes: number;
  readonly needsZ: boolean;
}

/** −1 (only received) to +1 (only sent); 0 where nothing was carried. */
function pcrOf(hour: HostWindow): number {
  const carried = hour.bytesOut + hour.bytesIn;
  return carried === 0 ? 0 : (hour.bytesOut - hour.bytesIn) / carried;
}

function basisOf(found: Judgement, config: OutboundVolumeConfig): string {
  const lines = `at least ${byteSize(found.minBytes)} and PCR ${signed(found.minPcr)}`;
  if (!found.needsZ) return `fixed limits for a host without history: ${lines}`;
  const age = `the host's median hour, from ${Math.floor(found.hours)} active hours in ${span(found.ageMs + HOUR_MS)}`;
  const young = found.isYoung ? ' (young: the higher limits)' : '';
  return `${age}; robust z ${found.z.toFixed(1)} against ${config.threshold}, ${lines}${young}`;
}
