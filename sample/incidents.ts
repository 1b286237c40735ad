import { PLANT_DEVICES, type MetricSpec } from './plant-devices.ts';
import { Random } from './random.ts';
import { planSite, SERVERS } from './site-plan.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const MIB = 1 << 20;

/** Length of a sample. */
export const DAY_MS = 24 * HOUR_MS;

/** What really happens in a sample: the ground truth that its alerts are judged by. */
export interface SampleIncident {
  readonly kind: 'flood' | 'exfiltration' | 'silence' | 'wrong_values';
  /** Address of the target (flood) or the culprit (exfiltration), or name of the device. */
  readonly entity: string;
  /** ms since 1970 UTC; what lasts to the end of the sample ends there. */
  readonly startMs: number;
  readonly endMs: number;
  /** One sentence, for people. */
  readonly description: string;
}

/** How a broken sensor shows. `scaled` sends ten times the value, `spikes` single samples far off. */
type WrongKind = 'impossible' | 'drift' | 'level_shift' | 'scaled' | 'spikes' | 'flat_line';

const WRONG_KINDS: readonly WrongKind[] = ['impossible', 'drift', 'level_shift', 'scaled', 'spikes', 'flat_line'];

/** The incidents with what the generators need to play them; times are ms from the sample's start. */
export interface IncidentPlan {
  readonly flood: { readonly target: string; readonly port: number; readonly startMs: number; readonly endMs: number; readonly flowsPerSecond: number };
  readonly exfiltration: {
    readonly culprit: string;
    readonly destination: string;
    readonly name: string;
    readonly startMs: number;
    readonly endMs: number;
    readonly bytes: number;
    readonly flows: number;
  };
  readonly silence: { readonly device: string; readonly startMs: number };
  readonly wrongValues: {
    readonly device: string;
    readonly metric: string;
    readonly kind: WrongKind;
    readonly startMs: number;
    /** How far `drift` and `level_shift` go, in the metric's unit, with sign. */
    readonly offset: number;
    /** Until `drift` has gone all the way. */
    readonly rampMs: number;
  };
} // prettier-ignore

/**
 * Draws the four incidents. Each comes after several hours of normal life, and silence and wrong values last to the
 * end, at least three hours.
 */
export function planIncidents(seed: number): IncidentPlan {
  const random = new Random(seed, 'incidents');
  const floodStartMs = Math.round(random.between(4, 16.5) * HOUR_MS);
  const uploadStartMs = Math.round(random.between(19.6, 22.4) * HOUR_MS);
  const wrong = random.pick(PLANT_DEVICES.filter((device) => device.metrics.some(isSteady)));
  const metric = random.pick(wrong.metrics.filter(isSteady));
  const sigma = metric.steady.sigma;
  const size = sigma * random.between(12, 18);
  // A sensor that may not go below zero drifts upwards.
  const level = metric.quantity.kind === 'constant' ? metric.quantity.level : 0;
  const sign = level - size > level / 2 && random.chance(0.5) ? -1 : 1;
  return {
    flood: {
      target: SERVERS.web,
      port: random.pick([80, 443]),
      startMs: floodStartMs,
      endMs: floodStartMs + random.integer(60, 70) * 1000,
      flowsPerSecond: random.integer(640, 820),
    },
    exfiltration: {
      culprit: random.pick(planSite(seed).workstations).address,
      destination: `192.0.2.${random.integer(10, 240)}`,
      name: `${random.pick(['transfer', 'dropzone', 'paste', 'bucket'])}-${random.integer(100, 999)}.filebin.example`,
      startMs: uploadStartMs,
      endMs: uploadStartMs + random.integer(20, 60) * MINUTE_MS,
      bytes: Math.round(random.between(400, 1200) * MIB),
      flows: random.integer(6, 14),
    },
    silence: {
      device: random.pick(PLANT_DEVICES.filter((device) => device !== wrong)).name,
      startMs: Math.round(random.between(8, 18) * HOUR_MS),
    },
    wrongValues: {
      device: wrong.name,
      metric: metric.name,
      kind: random.pick(WRONG_KINDS),
      startMs: Math.round(random.between(17.5, 20.5) * HOUR_MS),
      offset: sign * size,
      rampMs: random.integer(25, 40) * MINUTE_MS,
    },
  };
}

/** The four incidents of a sample, by start. `dayStartMs`: 24 h before its end. */
export function sampleIncidents(seed: number, dayStartMs: number): SampleIncident[] {
  const { flood, exfiltration, silence, wrongValues } = planIncidents(seed);
  const seconds = (flood.endMs - flood.startMs) / 1000;
  const minutes = (exfiltration.endMs - exfiltration.startMs) / MINUTE_MS;
  const incidents: SampleIncident[] = [
    {
      kind: 'flood',
      entity: flood.target,
      startMs: dayStartMs + flood.startMs,
      endMs: dayStartMs + flood.endMs,
      description: `SYN flood of ${flood.flowsPerSecond} connections a second from spoofed addresses against port ${flood.port} for ${seconds} s`,
    },
    {
      kind: 'exfiltration',
      entity: exfiltration.culprit,
      startMs: dayStartMs + exfiltration.startMs,
      endMs: dayStartMs + exfiltration.endMs,
      description: `${Math.round(exfiltration.bytes / MIB)} MiB uploaded to ${exfiltration.name} (${exfiltration.destination}) in ${exfiltration.flows} connections within ${minutes} minutes`,
    },
    {
      kind: 'silence',
      entity: silence.device,
      startMs: dayStartMs + silence.startMs,
      endMs: dayStartMs + DAY_MS,
      description: `${silence.device} stops sending and does not come back`,
    },
    {
      kind: 'wrong_values',
      entity: wrongValues.device,
      startMs: dayStartMs + wrongValues.startMs,
      endMs: dayStartMs + DAY_MS,
      description: `${wrongValues.metric} of ${wrongValues.device} is wrong: ${DESCRIPTIONS[wrongValues.kind]}`,
    },
  ];
  return incidents.sort((one, other) => one.startMs - other.startMs);
}

const DESCRIPTIONS: Readonly<Record<WrongKind, string>> = {
  impossible: 'stuck at an impossible value',
  drift: 'drifts away from its level and stays there',
  level_shift: 'jumps to another level and stays there',
  scaled: 'ten times too large',
  spikes: 'single samples far off, every few minutes',
  flat_line: 'frozen at its last value',
};

function isSteady(metric: MetricSpec): metric is MetricSpec & { readonly steady: NonNullable<MetricSpec['steady']> } {
  return metric.steady !== undefined;
}
