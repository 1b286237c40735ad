import { zeekJson } from '../../ingest/decoders/zeek-json.ts';
import type { IngestSource } from '../../ingest/ingest-source.ts';
import type { IngestPipeline } from '../../ingest/pipeline.ts';
import { lineEnds } from '../load.ts';
import { pause } from '../measure.ts';
import type { FlowFeed } from './flow-feed.ts';

const FILL_FLOWS = 20_000;
const SLOT_MS = 50;

/** Puts flows into the event log through ingest, as one source. */
export class EventFeeder {
  events = 0;
  private readonly pipeline: IngestPipeline;
  private readonly source: IngestSource;
  private position = 0;
  private isStopped = false;

  constructor(pipeline: IngestPipeline) {
    this.pipeline = pipeline;
    const decoder = zeekJson.createDecoder({ fileName: 'conn.log' });
    this.source = pipeline.openSource({ id: 'load', decoder, disorderMs: zeekJson.disorderMs, holdsTime: true });
  }

  /** So many flows, as fast as the log takes them. */
  async all(feed: FlowFeed, flows: number): Promise<void> {
    for (let left = flows; left > 0; left -= FILL_FLOWS) {
      this.write(feed.take(Math.min(left, FILL_FLOWS)));
      if (this.pipeline.isFull) await this.pipeline.flush();
      // What is appended leaves when the connections have their turn.
      await new Promise((resolve) => setImmediate(resolve));
    }
    await this.pipeline.flush();
  }

  /** By the clock, until stopped. */
  async steadily(feed: FlowFeed, rate: number): Promise<void> {
    const startMs = performance.now();
    for (let sent = 0; !this.isStopped;) {
      const due = Math.floor(((performance.now() - startMs) / 1000) * rate);
      if (due > sent) this.write(feed.take(due - sent));
      sent = due;
      await this.pipeline.flush();
      await pause(SLOT_MS);
    }
  }

  stop(): void {
    this.isStopped = true;
  }

  private write(lines: Buffer): void {
    let start = 0;
    const now = Date.now();
    for (const end of lineEnds(lines)) {
      this.source.write(lines, start, end, this.position, now);
      this.position += end - start + 1;
      this.events++;
      start = end + 1;
    }
  }
}
