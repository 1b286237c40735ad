import type { IncidentPlan } from './incidents.ts';
import { PLANT_DEVICES, type MetricSpec } from './plant-devices.ts';
import { PlantPhysics } from './plant-physics.ts';
import { Random } from './random.ts';
import { TimeHeap } from './time-heap.ts';

/** Devices send up to this much before or after their turn. */
const JITTER_MS = 1000;

/** Noise of a pump's flow and current sensors while it stands still, in steps. */
const IDLE_NOISE_STEPS = 0.8;

/**
 * The plant's readings from dayStartMs to endMs as NDJSON lines without their ends, in order of sending:
 * `{"time":ISO,"device":…,"metric":…,"value":…,"unit":…}`, all metrics of a device at once.
 */
export function* plantReadings(seed: number, dayStartMs: number, endMs: number, plan: IncidentPlan): Generator<string> {
  const random = new Random(seed, 'plant-readings');
  const physics = new PlantPhysics(new Random(seed, 'plant-physics'));
  const fault = new SensorFault(plan.wrongValues, new Random(seed, 'sensor-fault'));
  const turns = new TimeHeap<{ deviceIndex: number; turnMs: number }>();
  PLANT_DEVICES.forEach((device, deviceIndex) => {
    const turnMs = JITTER_MS + random.integer(0, device.intervalMs - 1);
    turns.push(turnMs + random.integer(-JITTER_MS, JITTER_MS), { deviceIndex, turnMs });
  });
  for (;;) {
    const timeMs = turns.firstTime;
    const turn = turns.pop();
    const device = turn === undefined ? undefined : PLANT_DEVICES[turn.deviceIndex];
    if (turn === undefined || device === undefined || dayStartMs + timeMs > endMs) return;
    physics.advance(timeMs);
    const silent = device.name === plan.silence.device && timeMs >= plan.silence.startMs;
    const head = `{"time":"${new Date(dayStartMs + timeMs).toISOString()}","device":"${device.name}","metric":"`;
    for (const metric of device.metrics) {
      const honest = sense(metric, physics.valueOf(metric.quantity), random);
      if (silent) continue;
      const sent = fault.concerns(device.name, metric) ? fault.distort(metric, honest, timeMs) : honest;
      yield `${head}${metric.name}","value":${quantise(sent, metric.step)},"unit":"${metric.unit}"}`;
    }
    const turnMs = turn.turnMs + device.intervalMs;
    turns.push(turnMs + random.integer(-JITTER_MS, JITTER_MS), { deviceIndex: turn.deviceIndex, turnMs });
  }
}

/** The sensor's view of a true value, before it is rounded to its step. */
function sense(metric: MetricSpec, truth: number, random: Random): number {
  if (metric.noise === 0) return truth;
  const idle = truth === 0;
  const value = truth + (idle ? IDLE_NOISE_STEPS * metric.step : metric.noise) * random.normal();
  return idle ? Math.abs(value) : Math.max(0, value);
}

function quantise(value: number, step: number): number {
  // Rounded twice: 41 · 0.01 is 0.41000000000000003.
  return Math.round(Math.round(value / step) * step * 1e6) / 1e6;
}

/** The metric that sends wrong values, from when on, and how. */
class SensorFault {
  readonly #plan: IncidentPlan['wrongValues'];
  readonly #random: Random;
  #frozenAt: number | undefined;
  #samplesToSpike = 0;

  constructor(plan: IncidentPlan['wrongValues'], random: Random) {
    this.#plan = plan;
    this.#random = random;
  }

  concerns(device: string, metric: MetricSpec): boolean {
    return device === this.#plan.device && metric.name === this.#plan.metric;
  }

  distort(metric: MetricSpec, honest: number, timeMs: number): number {
    const { kind, startMs, offset, rampMs } = this.#plan;
    if (timeMs < startMs) {
      this.#frozenAt = honest;
      return honest;
    }
    switch (kind) {
      case 'impossible':
        return metric.steady?.impossible ?? honest;
      case 'drift':
        return Math.max(0, honest + offset * Math.min(1, (timeMs - startMs) / rampMs));
      case 'level_shift':
        return Math.max(0, honest + offset);
      case 'scaled':
        return honest * 10;
      case 'flat_line':
        return this.#frozenAt ?? honest;
      case 'spikes':
        if (--this.#samplesToSpike > 0) return honest;
        this.#samplesToSpike = this.#random.integer(4, 9);
        return Math.max(0, honest + Math.abs(offset) * this.#random.between(1.2, 2));
    }
  }
}
