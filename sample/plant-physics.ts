import type { Quantity } from './plant-devices.ts';
import type { Random } from './random.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Demand of the town, m³/h, at its mean and its swing over the day. */
const DEMAND_MEAN = 86;
const DEMAND_SWING = 0.22;

/** Of each pump's tank: share of the demand that it feeds, area m², levels m between which the pump is switched. */
const TANKS = [
  { share: 0.5, areaM2: 58, lowM: 2.5, highM: 3.05 },
  { share: 0.3, areaM2: 42, lowM: 3.1, highM: 3.6 },
  { share: 0.2, areaM2: 21, lowM: 1.2, highM: 1.65 },
] as const;

const PUMPS = [
  { flow: 88, pressureOn: 5.2, pressureOff: 3.1, current: 38 },
  { flow: 54, pressureOn: 4.7, pressureOff: 3.4, current: 24 },
  { flow: 36, pressureOn: 6.1, pressureOff: 4, current: 17 },
] as const;

const IDLE_HEAT = 27;
const RUNNING_HEAT = 46;
const HEAT_TIME_MS = 15 * 60_000;

/**
 * Demand, tanks and the pumps that fill them: a pump is switched on at its tank's low level and off at its high level,
 * so its flow, pressure and current are square waves of 40 to 120 minutes.
 */
export class PlantPhysics {
  readonly #random: Random;
  readonly #levels: number[];
  readonly #running: boolean[];
  readonly #heat: number[];
  #timeMs = 0;
  /** Slow wander of the demand, relative. */
  #wander = 0;

  constructor(random: Random) {
    this.#random = random;
    this.#levels = TANKS.map((tank) => random.between(tank.lowM, tank.highM));
    this.#running = TANKS.map(() => random.chance(0.5));
    this.#heat = this.#running.map((on) => (on ? RUNNING_HEAT : IDLE_HEAT));
  }

  /** Goes on to `timeMs` from midnight; calls must not go back. */
  advance(timeMs: number): void {
    const elapsedMs = timeMs - this.#timeMs;
    if (elapsedMs <= 0) return;
    this.#timeMs = timeMs;
    this.#wander = 0.95 * this.#wander + 0.01 * this.#random.normal();
    TANKS.forEach((tank, index) => {
      const inflow = this.#isRunning(index) ? PUMPS[index]!.flow : 0;
      const volume = ((inflow - tank.share * this.#demand()) * elapsedMs) / HOUR_MS;
      const level = (this.#levels[index] ?? 0) + volume / tank.areaM2;
      this.#levels[index] = level;
      if (level <= tank.lowM) this.#running[index] = true;
      if (level >= tank.highM) this.#running[index] = false;
      const heat = this.#heat[index] ?? IDLE_HEAT;
      const target = this.#isRunning(index) ? RUNNING_HEAT : IDLE_HEAT;
      this.#heat[index] = target + (heat - target) * Math.exp(-elapsedMs / HEAT_TIME_MS);
    });
  }

  /** True value of a quantity now, without the sensor's noise. */
  valueOf(quantity: Quantity): number {
    switch (quantity.kind) {
      case 'constant':
        return quantity.level + (quantity.swing ?? 0) * rhythm(this.#timeMs);
      case 'demand':
        return quantity.share * this.#demand();
      case 'tank_level':
        return this.#levels[quantity.tank] ?? 0;
      case 'valve':
        return quantity.openPercent;
      case 'pump_flow':
        return this.#isRunning(quantity.pump) ? PUMPS[quantity.pump]!.flow : 0;
      case 'pump_pressure': {
        const pump = PUMPS[quantity.pump]!;
        return this.#isRunning(quantity.pump) ? pump.pressureOn : pump.pressureOff;
      }
      case 'pump_current':
        return this.#isRunning(quantity.pump) ? PUMPS[quantity.pump]!.current : 0;
      case 'pump_heat':
        return this.#heat[quantity.pump] ?? IDLE_HEAT;
    }
  }

  #isRunning(index: number): boolean {
    return this.#running[index] === true;
  }

  #demand(): number {
    return DEMAND_MEAN * (1 + DEMAND_SWING * rhythm(this.#timeMs) + this.#wander);
  }
}

/** Water use over the day, about −1 at night to +1 in the morning and evening. */
function rhythm(timeMs: number): number {
  const day = (2 * Math.PI * timeMs) / DAY_MS;
  return 0.75 * Math.sin(day - 1.9) + 0.35 * Math.sin(2 * day - 2.6);
}
