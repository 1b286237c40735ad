import { z } from 'zod';

import { ATTACK } from '../../model/attack.ts';
import type { HostDetector, HostWindow, LargeFlow, Verdict } from '../detector.ts';
import { layOut } from '../state/packed-slots.ts';
import { HOUR_MS } from '../time.ts';
import { byteSize, quantity, span } from './verdict-text.ts';

const DAY_MS = 24 * HOUR_MS;

const schema = z.strictObject({
  minBytes: z.number().positive().default(25e6).describe('Smallest flow out that is looked at, bytes'),
  minPcr: z.number().min(-1).max(1).default(0.9).describe('Least producer/consumer ratio of the flow (unitless, −1..1)'),
  factor: z.number().min(1).default(20).describe("Least multiple of the host's largest flow out before (unitless)"),
  minHistoryHours: z.number().nonnegative().default(24).describe('Time since the host was first seen, hours'),
  minActiveHours: z.number().nonnegative().default(6).describe('Hours in which the host was active before'),
  minFlows: z.number().nonnegative().default(100).describe('Flows with the outside seen of the host before'),
  halfLifeDays: z.number().positive().default(7).describe('Time in which the largest flow remembered halves, days'),
}); // prettier-ignore
export type LargeUploadConfig = z.infer<typeof schema>;

/** `largest`: bytes, decayed to `lastHour`; times in ms, 0: none yet. */
const { at: SLOTS, kinds } = layOut({
  firstHour: 'time',
  lastHour: 'time',
  activeHours: 'count',
  flows: 'count',
  largest: 'float',
});

/**
 * Single large upload: one flow that carries far more out of the network than any before it, to somewhere new.
 *
 *   fires when  out ≥ max(minBytes, factor · largest)  and  PCR = (out − in)/(out + in) ≥ minPcr
 *               and the peer is new for the host  and the host's history is warm (age, active hours, flows)
 *   each active hour:  largest ← max(largest · 2^(−Δt/halfLife), min(largest flow out, max(2·largest, minBytes/factor)))
 *
 * The largest flow remembered at most doubles an hour, so that one huge upload doesn't make the next one usual, and
 * begins at minBytes/factor, under which it makes no difference. A flow is judged alone and teaches nothing itself: its
 * hour does. Bytes are payload bytes of flows with external peers.
 *
 * minBytes is 25 MB and not the MiB that the rule is known with: of the uploads with PCR ≥ 0.9 in one real workstation's
 * day five were over 256 KiB and one over 1 MiB, all harmless, and a budget of one false alert a day for 1,000 hosts
 * leaves no room for such a class. minPcr and factor: J. Bullard, C. Gerth, "PCR: A New Flow Metric", FloCon 2014, and
 * practice.
 *
 * State: 20 bytes a host, O(1) a flow and an hour.
 */
export const largeUpload: HostDetector<LargeUploadConfig> = {
  name: 'large-upload',
  version: '1',
  title: 'Single large upload to a new destination',
  family: 'data-loss',
  technique: ATTACK.exfiltrationOverAlternativeProtocol,
  analyticType: 2,
  schema,
  state: { version: 2, slots: kinds },

  create(config) {
    const halfLifeMs = config.halfLifeDays * DAY_MS;

    function flow(flow: LargeFlow, state: Float64Array, at: number): Verdict | undefined {
      const ageMs = flow.timeMs - state[at + SLOTS.firstHour]!;
      const isWarm =
        state[at + SLOTS.activeHours]! >= config.minActiveHours &&
        state[at + SLOTS.flows]! >= config.minFlows &&
        state[at + SLOTS.firstHour]! > 0 &&
        ageMs >= config.minHistoryHours * HOUR_MS;
      if (!isWarm || !flow.isNewPeer) return undefined;

      const largest = decayed(flow.timeMs, state, at, halfLifeMs);
      const line = Math.max(config.minBytes, config.factor * largest);
      const pcr = (flow.bytesOut - flow.bytesIn) / (flow.bytesOut + flow.bytesIn);
      // Not `pcr < minPcr`: a flow without bytes has no ratio.
      if (!(flow.bytesOut >= line && pcr >= config.minPcr)) return undefined;
      const ratio = flow.bytesOut / line;
      const flows = state[at + SLOTS.flows]!;
      return {
        detector: largeUpload.name,
        observed: flow.bytesOut,
        expected: largest,
        unit: 'bytes',
        summary:
          `${byteSize(flow.bytesOut)} sent in one connection to ${flow.peer}, which is new for this host, ` +
          `with ${byteSize(flow.bytesIn)} back; its largest before was about ${byteSize(largest)}`,
        basis:
          `largest flow out of ${quantity(flows)} flows in ${span(ageMs)}, halved every ${config.halfLifeDays} days; ` +
          `fires from ${byteSize(line)}`,
        sinceMs: flow.timeMs,
        ratio,
        confidence: 1 - 0.5 / ratio,
        contributions: [
          { feature: 'largest flow out', observed: flow.bytesOut, expected: largest, unit: 'bytes', share: 0.8 },
          { feature: 'PCR', observed: pcr, expected: config.minPcr, unit: 'ratio', share: 0.2 },
        ],
        peer: flow.peer,
      };
    }

    function hour(hour: HostWindow, hourStartMs: number, state: Float64Array, at: number): void {
      if (state[at + SLOTS.firstHour] === 0) state[at + SLOTS.firstHour] = hourStartMs;
      const endMs = hourStartMs + HOUR_MS;
      const before = decayed(endMs, state, at, halfLifeMs);
      const cap = Math.max(2 * before, config.minBytes / config.factor);
      state[at + SLOTS.largest] = Math.max(before, Math.min(hour.largestFlowOut, cap));
      state[at + SLOTS.lastHour] = endMs;
      state[at + SLOTS.activeHours]! += 1;
      state[at + SLOTS.flows]! += hour.flows;
    }

    return { largeFlowBytes: config.minBytes, flow, hour };
  },
};

/** The largest flow remembered, as of a moment; bytes. */
function decayed(timeMs: number, state: Float64Array, at: number, halfLifeMs: number): number {
  const elapsedMs = Math.max(0, timeMs - state[at + SLOTS.lastHour]!);
  return state[at + SLOTS.largest]! * Math.pow(2, -elapsedMs / halfLifeMs);
}
