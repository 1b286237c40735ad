import type { Actor } from './actor.ts';
import { failedConnection } from './connections.ts';
import type { IncidentPlan } from './incidents.ts';
import { Random } from './random.ts';
import { strangerAddress } from './site-plan.ts';
import { lookUp, tlsExchange } from './web-traffic.ts';

/** The SYN flood: each source address is used once or twice, few SYNs are sent again. */
export function floodActor(seed: number, flood: IncidentPlan['flood']): Actor {
  const random = new Random(seed, 'flood');
  const stepMs = 100;
  const flowsPerStep = (flood.flowsPerSecond * stepMs) / 1000;
  let owed = 0;
  return {
    firstMs: flood.startMs,
    act: (nowMs, emit) => {
      owed += flowsPerStep * random.between(0.95, 1.05);
      for (; owed >= 1; owed--) {
        emit(
          failedConnection(
            {
              startMs: nowMs + random.between(0, stepMs),
              orig: strangerAddress(random),
              origPort: random.integer(1024, 65_535),
              resp: flood.target,
              respPort: flood.port,
              answer: 'none',
              synBytes: random.pick([40, 44, 60]),
              retries: random.chance(0.08) ? 1 : 0,
            },
            random,
          ),
        );
      }
      return nowMs + stepMs < flood.endMs ? nowMs + stepMs : Infinity;
    },
  };
}

/** The exfiltration: uploads one after the other to an address that nobody else talks to. */
export function exfiltrationActor(seed: number, plan: IncidentPlan['exfiltration']): Actor {
  const random = new Random(seed, 'exfiltration');
  const weights = Array.from({ length: plan.flows }, () => random.between(0.6, 1.4));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  let index = 0;
  return {
    firstMs: plan.startMs,
    act: (nowMs, emit) => {
      const share = (weights[index++] ?? 0) / total;
      const slotMs = (plan.endMs - plan.startMs) * share;
      const bytesUp = plan.bytes * share;
      const client = plan.culprit;
      const site = { name: plan.name, addresses: [plan.destination] };
      const atMs = lookUp({ client, name: site.name, atMs: nowMs, answers: site.addresses }, random, emit);
      const durationMs = slotMs * random.between(0.75, 0.95);
      tlsExchange({ client, site, atMs, durationMs, bytesUp, bytesDown: bytesUp * 0.004 }, random, emit);
      return index < plan.flows ? nowMs + slotMs : Infinity;
    },
  };
}
