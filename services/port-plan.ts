import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { VedetteError } from '../model/errors.ts';
import { freePorts } from './free-ports.ts';

const Port = z.int();
const PortPlan = z.object({
  kafka: z.array(z.object({ client: Port, internal: Port, controller: Port })),
  pulsar: z.object({ broker: Port, web: Port, bookie: Port }),
  cassandra: z.object({ native: Port, storage: Port }),
  redis: z.object({ client: Port }),
  clickhouse: z.object({ http: Port }),
});

/** Loopback ports of all servers. They belong to the data: a bookie is known by its port. */
export type PortPlan = z.infer<typeof PortPlan>;

export interface PortChoice {
  /** Default: as at the first start, else 1. */
  readonly kafkaBrokers?: number;
  /** Ports are 23 to 94 above it, and 10 more for each further broker; default: random free ones. */
  readonly basePort?: number;
}

/**
 * The ports of this data folder: those of its first start, else chosen now and written down.
 *
 * @throws VedetteError CONFLICT where the folder was made for another number of brokers or other ports
 */
export async function portPlan(dataDir: string, choice: PortChoice): Promise<PortPlan> {
  const path = join(dataDir, 'ports.json');
  const recorded = readPlan(path);
  const brokers = choice.kafkaBrokers ?? recorded?.kafka.length ?? 1;
  const wanted = choice.basePort === undefined ? undefined : planFrom(choice.basePort, brokers);
  if (recorded !== undefined) {
    if (recorded.kafka.length !== brokers) {
      const count = recorded.kafka.length;
      throw new VedetteError('CONFLICT', `${dataDir} was made for ${count} Kafka broker(s); use another folder`);
    }
    if (wanted !== undefined && JSON.stringify(wanted) !== JSON.stringify(recorded)) {
      throw new VedetteError('CONFLICT', `${dataDir} was made with other ports, see ${path}; use another folder`);
    }
    return recorded;
  }
  const plan = wanted ?? (await randomPlan(brokers));
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  writeFileSync(path, JSON.stringify(plan, undefined, 2));
  return plan;
}

function planFrom(base: number, kafkaBrokers: number): PortPlan {
  const at = (offset: number): number => base + offset;
  return {
    kafka: Array.from({ length: kafkaBrokers }, (_, i) => ({
      client: at(92 + 10 * i),
      internal: at(94 + 10 * i),
      controller: at(93 + 10 * i),
    })),
    pulsar: { broker: at(65), web: at(80), bookie: at(66) },
    cassandra: { native: at(42), storage: at(43) },
    redis: { client: at(79) },
    clickhouse: { http: at(23) },
  };
}

async function randomPlan(kafkaBrokers: number): Promise<PortPlan> {
  const ports = await freePorts(3 * kafkaBrokers + 7);
  const next = (): number => ports.pop() ?? 0;
  return {
    kafka: Array.from({ length: kafkaBrokers }, () => ({ client: next(), internal: next(), controller: next() })),
    pulsar: { broker: next(), web: next(), bookie: next() },
    cassandra: { native: next(), storage: next() },
    redis: { client: next() },
    clickhouse: { http: next() },
  };
}

function readPlan(path: string): PortPlan | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
  return PortPlan.parse(JSON.parse(text));
}
