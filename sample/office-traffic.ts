import type { Actor } from './actor.ts';
import { exfiltrationActor, floodActor } from './incident-traffic.ts';
import { DAY_MS, type IncidentPlan } from './incidents.ts';
import { writtenUs, type Emit, type NetworkRecord } from './network-records.ts';
import { serverActors } from './server-traffic.ts';
import { planSite } from './site-plan.ts';
import { TimeHeap } from './time-heap.ts';
import { workstationActors } from './workstation-traffic.ts';
import { Zipf } from './zipf.ts';

/** Popularity of external sites, after the Zipf exponents near 1 that web traffic shows. */
const POPULARITY_EXPONENT = 1;

/**
 * The office's day as its sensor writes it: the records of the wanted logs, in the order of their writing. Holds only
 * what has begun and not ended, so a reader of one log costs little memory; each reader plays the same day again.
 */
export function* officeTraffic<L extends NetworkRecord['log']>(
  seed: number,
  plan: IncidentPlan,
  logs: readonly L[],
): Generator<Extract<NetworkRecord, { log: L }>> {
  const turns = new TimeHeap<Actor>();
  const site = planSite(seed);
  const popularity = new Zipf(site.externalSites.length, POPULARITY_EXPONENT);
  const actors = [
    ...site.workstations.flatMap((workstation) => workstationActors(seed, site, popularity, workstation)),
    ...serverActors(seed, site),
    floodActor(seed, plan.flood),
    exfiltrationActor(seed, plan.exfiltration),
  ];
  for (const actor of actors) turns.push(actor.firstMs, actor);

  type Wanted = Extract<NetworkRecord, { log: L }>;
  const isWanted = (record: NetworkRecord): record is Wanted => (logs as readonly string[]).includes(record.log);
  const open = new TimeHeap<Wanted>();
  const emit: Emit = (record) => {
    if (isWanted(record)) open.push(writtenUs(record), record);
  };
  for (;;) {
    const nowMs = turns.firstTime;
    // Nothing that is still to start can end before now.
    const untilUs = Math.min(nowMs, DAY_MS) * 1000;
    while (open.firstTime < untilUs) {
      const record = open.pop();
      if (record !== undefined) yield record;
    }
    if (nowMs >= DAY_MS) return;
    const actor = turns.pop();
    if (actor === undefined) return;
    const nextMs = actor.act(nowMs, emit);
    if (nextMs < DAY_MS) turns.push(nextMs, actor);
  }
}
