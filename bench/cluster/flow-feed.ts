import { generateFlows } from '../../sample/load-generator.ts';
import { PANE_MS } from '../../stream/time.ts';
import { lineEnds, synLine } from '../load.ts';

export interface FeedSpec {
  readonly hosts: number;
  /** Exponent of their popularity; 0 is uniform. */
  readonly zipf: number;
  /** Flows a millisecond of event time. */
  readonly eventsPerMs: number;
  /** End of the first flow, ms since 1970 UTC, a multiple of the pane; default a day in January. */
  readonly startMs?: number;
  /** Hosts that are flooded in a pane, each in one pane only. */
  readonly victimsAPane: number;
}

const START_MS = Date.UTC(2026, 0, 5, 10);
/** SYNs of one flood record: a rate above the ceiling over the pane. */
const SYN_PACKETS = 6000;

/**
 * An endless stream of Zeek conn lines, made while it is taken: at the rates of a cluster it would not fit in memory.
 * Event time rises evenly with the number of flows.
 */
export class FlowFeed {
  /** Lines taken so far, floods included. */
  lines = 0;
  /** Flows taken so far. */
  flows = 0;
  /** By address of a flooded host: the number of the first flow behind its pane. */
  readonly victims = new Map<string, number>();
  private readonly spec: FeedSpec;
  private readonly chunks: Generator<Uint8Array>;
  private chunk: Uint8Array = new Uint8Array(0);
  private ends: Uint32Array = new Uint32Array(0);
  private line = 0;
  private readonly startMs: number;

  constructor(spec: FeedSpec) {
    this.spec = spec;
    const { hosts, zipf, eventsPerMs, startMs = START_MS } = spec;
    this.startMs = startMs;
    const count = Number.MAX_SAFE_INTEGER;
    this.chunks = generateFlows({ hosts, zipf, eventsPerMs, count, seed: 11, startMs, format: 'zeek-json' });
  }

  /** End of the next flow, ms since 1970 UTC. */
  get timeMs(): number {
    return this.startMs + this.flows / this.spec.eventsPerMs;
  }

  private get flowsAPane(): number {
    return this.spec.eventsPerMs * PANE_MS;
  }

  /** The next flows as whole lines, with the floods that are due among them. */
  take(flows: number): Buffer {
    const pieces: Uint8Array[] = [];
    for (let left = flows; left > 0;) {
      if (this.line === this.ends.length) this.nextChunk();
      const untilFlood = this.nextFlood() - this.flows;
      if (untilFlood === 0) pieces.push(this.flood());
      const lines = Math.min(left, this.ends.length - this.line, untilFlood === 0 ? Infinity : untilFlood);
      pieces.push(this.chunk.subarray(this.line === 0 ? 0 : this.ends[this.line - 1]! + 1, this.ends[this.line + lines - 1]! + 1)); // prettier-ignore
      this.line += lines;
      this.flows += lines;
      this.lines += lines;
      left -= lines;
    }
    return Buffer.concat(pieces);
  }

  /** Number of the first flow whose end is so many milliseconds of event time behind the flow's. */
  after(flow: number, ms: number): number {
    return flow + ms * this.spec.eventsPerMs;
  }

  private nextChunk(): void {
    this.chunk = this.chunks.next().value as Uint8Array;
    this.ends = lineEnds(this.chunk);
    this.line = 0;
  }

  /** The flow before which the next flood is due: they lie evenly in each pane. */
  private nextFlood(): number {
    const { victimsAPane } = this.spec;
    if (victimsAPane === 0) return Infinity;
    const next = this.victims.size;
    const pane = Math.floor(next / victimsAPane);
    return Math.floor((pane + ((next % victimsAPane) + 0.5) / victimsAPane) * this.flowsAPane);
  }

  private flood(): Uint8Array {
    const number = this.victims.size;
    const victim = `10.200.${number >>> 8}.${number & 255}`;
    const pane = Math.floor(number / this.spec.victimsAPane);
    this.victims.set(victim, (pane + 1) * this.flowsAPane);
    this.lines++;
    return Buffer.from(synLine(this.timeMs, number, victim, SYN_PACKETS));
  }
}
