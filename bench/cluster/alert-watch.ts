import { FINDINGS_TOPIC } from '../../cli/topics.ts';
import type { EventLog } from '../../log/event-log.ts';

const READ_BYTES = 1 << 20;

/** Reads the alerts as others would: out of Kafka, as OCSF findings. */
export class AlertWatch {
  /** By address: when its first alert was read, by `performance.now`. */
  readonly seenAt = new Map<string, number>();
  /** Ids of alerts that were created more than once. */
  readonly repeated = new Set<string>();
  private readonly created = new Set<string>();
  private readonly abort = new AbortController();
  private readonly ended: Promise<void>;

  constructor(log: EventLog) {
    this.ended = this.run(log);
    this.ended.catch(() => undefined);
  }

  async stop(): Promise<void> {
    this.abort.abort();
    await this.ended;
  }

  private async run(log: EventLog): Promise<void> {
    const { signal } = this.abort;
    for (let next = log.bounds(FINDINGS_TOPIC, 0).earliest; !signal.aborted;) {
      const entries = await log.read(FINDINGS_TOPIC, 0, next, { maxBytes: READ_BYTES });
      const atMs = performance.now();
      for (const { offset, data } of entries) {
        this.take(JSON.parse(Buffer.from(data).toString()) as Finding, atMs);
        next = offset + 1;
      }
      if (entries.length === 0) await log.wait(FINDINGS_TOPIC, 0, next, signal);
    }
  }

  private take({ activity_id, finding_info, resources }: Finding, atMs: number): void {
    const address = resources[0]?.ip ?? '';
    if (!this.seenAt.has(address)) this.seenAt.set(address, atMs);
    if (activity_id !== CREATE) return;
    if (this.created.has(finding_info.uid)) this.repeated.add(finding_info.uid);
    this.created.add(finding_info.uid);
  }
}

/** OCSF's id of a new finding. */
const CREATE = 1;

interface Finding {
  readonly activity_id: number;
  readonly finding_info: { readonly uid: string };
  readonly resources: readonly { readonly ip?: string }[];
}
