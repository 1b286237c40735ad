/** What a metric of the water plant measures and how its sensor renders it. */
export interface MetricSpec {
  readonly name: string;
  readonly unit: string;
  /** The physical quantity of {@link PlantState} that it shows, before noise. */
  readonly quantity: Quantity;
  /** σ of the sensor's noise, in its unit. */
  readonly noise: number;
  /** The smallest step that the sensor reports. */
  readonly step: number;
  /** Set for metrics that stay about one level all day: only these are chosen to send wrong values. */
  readonly steady?: {
    /** σ of a normal day, noise and rhythm together. */
    readonly sigma: number;
    /** What a broken sensor of this kind reports. */
    readonly impossible: number;
  };
}

export type Quantity =
  | {
      readonly kind: 'constant';
      readonly level: number;
      /** Swing with demand, ± around the level. */ readonly swing?: number;
    }
  | { readonly kind: 'pump_flow' | 'pump_pressure' | 'pump_current' | 'pump_heat'; readonly pump: number }
  | { readonly kind: 'tank_level'; readonly tank: number }
  | { readonly kind: 'demand'; readonly share: number }
  | { readonly kind: 'valve'; readonly openPercent: number };

export interface DeviceSpec {
  readonly name: string;
  readonly intervalMs: number;
  readonly metrics: readonly MetricSpec[];
}

const FAST_MS = 30_000;
const SLOW_MS = 60_000;

function pump(index: number): DeviceSpec {
  return {
    name: `pump-${index + 1}`,
    intervalMs: FAST_MS,
    metrics: [
      { name: 'flow', unit: 'm3/h', quantity: { kind: 'pump_flow', pump: index }, noise: 1.2, step: 0.1 },
      { name: 'pressure', unit: 'bar', quantity: { kind: 'pump_pressure', pump: index }, noise: 0.05, step: 0.01 },
      { name: 'current', unit: 'A', quantity: { kind: 'pump_current', pump: index }, noise: 0.4, step: 0.1 },
      { name: 'temperature', unit: '°C', quantity: { kind: 'pump_heat', pump: index }, noise: 0.3, step: 0.1 },
    ],
  };
}

function tank(index: number): DeviceSpec {
  return {
    name: `tank-${index + 1}`,
    intervalMs: SLOW_MS,
    metrics: [
      { name: 'level', unit: 'm', quantity: { kind: 'tank_level', tank: index }, noise: 0.012, step: 0.01 },
      {
        name: 'temperature', unit: '°C', quantity: { kind: 'constant', level: 11.4 + 0.5 * index, swing: 0.06 }, noise: 0.12, step: 0.01,
        steady: { sigma: 0.13, impossible: 850 },
      },
    ],
  }; // prettier-ignore
}

function valve(index: number): DeviceSpec {
  return {
    name: `valve-${index + 1}`,
    intervalMs: FAST_MS,
    metrics: [
      { name: 'position', unit: '%', quantity: { kind: 'valve', openPercent: 45 + 15 * index }, noise: 0, step: 0.5 },
      {
        name: 'pressure', unit: 'bar', quantity: { kind: 'constant', level: 3.4 + 0.3 * index, swing: -0.03 }, noise: 0.06, step: 0.01,
        steady: { sigma: 0.065, impossible: 99.99 },
      },
      { name: 'flow', unit: 'm3/h', quantity: { kind: 'demand', share: 0.2 + 0.1 * index }, noise: 1, step: 0.1 },
    ],
  }; // prettier-ignore
}

function chlorine(index: number): DeviceSpec {
  return {
    name: `chlorine-${index + 1}`,
    intervalMs: SLOW_MS,
    metrics: [
      {
        name: 'chlorine', unit: 'mg/l', quantity: { kind: 'constant', level: 0.52 + 0.1 * index, swing: -0.008 }, noise: 0.018, step: 0.001,
        steady: { sigma: 0.02, impossible: -1 },
      },
      {
        name: 'ph', unit: 'pH', quantity: { kind: 'constant', level: 7.42 - 0.1 * index, swing: 0.01 }, noise: 0.03, step: 0.001,
        steady: { sigma: 0.031, impossible: 16.38 },
      },
      { name: 'dosing', unit: 'l/h', quantity: { kind: 'demand', share: 0.012 }, noise: 0.02, step: 0.01 },
    ],
  }; // prettier-ignore
}

/** The plant's twelve controllers. Each pump fills the tank of its number; the third is a booster with a tank of its own. */
export const PLANT_DEVICES: readonly DeviceSpec[] = [
  pump(0), pump(1), pump(2), tank(0), tank(1), valve(0), valve(1), valve(2), chlorine(0), chlorine(1),
  {
    name: 'quality-1',
    intervalMs: SLOW_MS,
    metrics: [
      {
        name: 'turbidity', unit: 'NTU', quantity: { kind: 'constant', level: 0.14, swing: 0.003 }, noise: 0.008, step: 0.001,
        steady: { sigma: 0.0085, impossible: -9.999 },
      },
      {
        name: 'conductivity', unit: 'µS/cm', quantity: { kind: 'constant', level: 412, swing: 1.2 }, noise: 3, step: 0.1,
        steady: { sigma: 3.1, impossible: -999.9 },
      },
      {
        name: 'temperature', unit: '°C', quantity: { kind: 'constant', level: 11.6, swing: 0.06 }, noise: 0.12, step: 0.01,
        steady: { sigma: 0.13, impossible: 850 },
      },
    ],
  },
  {
    name: 'meter-1',
    intervalMs: FAST_MS,
    metrics: [
      { name: 'flow', unit: 'm3/h', quantity: { kind: 'demand', share: 1 }, noise: 4, step: 0.1 },
      {
        name: 'pressure', unit: 'bar', quantity: { kind: 'constant', level: 4.3, swing: -0.04 }, noise: 0.07, step: 0.01,
        steady: { sigma: 0.075, impossible: 99.99 },
      },
    ],
  },
]; // prettier-ignore
