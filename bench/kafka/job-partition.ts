import { RecordCursor, type RecordRange } from '../../log/kafka/record-cursor.ts';
import { formatAddress } from '../../model/address.ts';
import type { Snapshotable } from '../../stream/snapshot.ts';
import { RowTable } from '../../stream/state/row-table.ts';
import type { FlowRecord } from './flow-record.ts';
import {
  addFlow,
  HOST_LAYOUT,
  HOST_WORDS,
  type HostRow,
  HostWindow,
  isInWindow,
  PANE_MS,
  stepDetector,
} from './host-row.ts';

const TABLE = 'hosts';

interface SavedJob {
  readonly next: number;
  readonly pane: number;
}

/**
 * Job J for the hosts of one partition: flows into panes of ten seconds; at each pane's end, in event time, the last
 * minute of every host through its detector. Records come in order.
 */
export class JobPartition implements Snapshotable {
  /** Offset of the record to be taken next. */
  next = 0;
  readonly counters = { flows: 0, unreadable: 0, evaluations: 0 };
  private readonly hosts = new RowTable(HOST_WORDS);
  private readonly window = new HostWindow();
  private readonly row: HostRow = { f64: new Float64Array(0), words: new Uint32Array(0), at: 0 };
  private readonly flow: FlowRecord;
  /** Pane that fills; −1 before the first flow. */
  private pane = -1;
  private paneEndMs = 0;

  /** @param flow may be shared by the partitions of a process. */
  constructor(flow: FlowRecord) {
    this.flow = flow;
  }

  /** Takes the records of a batch from `next` on; gives the alerts they led to, as JSON. */
  take(range: RecordRange): Uint8Array[] {
    const alerts: Uint8Array[] = [];
    const cursor = new RecordCursor(range);
    const { flow, counters } = this;
    while (cursor.next()) {
      if (cursor.offset < this.next) continue;
      if (cursor.valueStart >= 0 && flow.read(range.bytes, cursor.valueStart, cursor.valueEnd)) {
        counters.flows++;
        this.add(alerts);
      } else counters.unreadable++;
    }
    this.next = range.nextOffset;
    return alerts;
  }

  private add(alerts: Uint8Array[]): void {
    const { flow, hosts, row } = this;
    if (flow.timeMs >= this.paneEndMs) this.moveTo(Math.floor(flow.timeMs / PANE_MS), alerts);
    const { source } = flow;
    const slot = hosts.upsert(source[0]!, source[1]!, source[2]!, source[3]!);
    hosts.open(slot);
    row.f64 = hosts.f64;
    row.words = hosts.keyWords(slot);
    row.at = hosts.at;
    addFlow(row, this.pane, flow);
  }

  /** Closes the panes before this one. */
  private moveTo(pane: number, alerts: Uint8Array[]): void {
    if (this.pane >= 0) for (let closing = this.pane; closing < pane; closing++) this.close(closing, alerts);
    this.pane = pane;
    this.paneEndMs = (pane + 1) * PANE_MS;
  }

  private close(pane: number, alerts: Uint8Array[]): void {
    const { hosts, row, window, counters } = this;
    for (let slot = 0; slot < hosts.slotLimit; slot++) {
      hosts.peek(slot);
      if (!isInWindow(hosts.f64, hosts.at, pane)) continue;
      hosts.open(slot);
      row.f64 = hosts.f64;
      row.words = hosts.keyWords(slot);
      row.at = hosts.at;
      if (!window.read(row, pane)) continue;
      counters.evaluations++;
      const series = stepDetector(row.f64, row.at, window);
      if (series !== 0) alerts.push(this.alert(slot, pane, series));
    }
  }

  /** As the peers write it. */
  private alert(slot: number, pane: number, series: number): Uint8Array {
    const { window, hosts } = this;
    const keys = hosts.keyWords(slot);
    const host = formatAddress(new Uint8Array(keys.buffer, hosts.keyAt(slot) * 4, 16));
    return Buffer.from(
      `{"ts":${(pane + 1) * PANE_MS},"host":"${host}","series":${series},"count":${window.count},` +
        `"bytes_out":${window.bytesOut},"distinct":${Math.floor(window.distinct)}}`,
    );
  }

  tables(): [string, RowTable][] {
    return [[TABLE, this.hosts]];
  }

  sets(): [] {
    return [];
  }

  saveMeta(): SavedJob {
    return { next: this.next, pane: this.pane };
  }

  restoreMeta(meta: unknown): void {
    const { next, pane } = meta as SavedJob;
    this.next = next;
    this.pane = pane;
    this.paneEndMs = pane < 0 ? 0 : (pane + 1) * PANE_MS;
  }

  tableOf(name: string): RowTable | undefined {
    return name === TABLE ? this.hosts : undefined;
  }

  restoreSet(): void {
    throw new Error('the job has no sets');
  }

  restored(): void {
    // Nothing is derived from the table.
  }

  nameWords(): readonly number[] {
    return [];
  }

  layout(): string {
    return HOST_LAYOUT;
  }
}
