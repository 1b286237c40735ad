import { HostTraffic, type HostOutput } from '../stream/host-traffic.ts';
import { configureDetectors } from '../stream/detector-registry.ts';
import type { EventColumnsView } from '../stream/event-columns-view.ts';
import { HOUR_MS, PANE_MS, paneOf } from '../stream/time.ts';
import { FlowColumns, type DrawHost } from './synthetic-flows.ts';

/** Hosts that are new in an hour while the state is filled. */
const NEW_AN_HOUR = 200_000;
/** Events a millisecond of event time. */
export const EVENTS_PER_MS = 20;

/** The pairs that are remembered, as by default: the state of pairs has its own budget. */
export const PAIRS_PER_DAY = 2_000_000;

export function createTraffic(): HostTraffic {
  return new HostTraffic({
    detectors: configureDetectors({}).host,
    groupOf: () => '',
    maxHosts: 20_000_000,
    newHostsPerMinute: 1_000_000_000,
    maxPairs: PAIRS_PER_DAY,
  });
}

/** Moves event time over stage 1's traffic of hosts, with no disorder: a pane closes once the next one begins. */
export class TrafficDriver {
  readonly traffic: HostTraffic;
  readonly given = { findings: 0, windows: 0, targets: 0 };
  timeMs = Date.UTC(2026, 0, 5);
  private pane = paneOf(this.timeMs);
  private readonly output: HostOutput = {
    finding: () => this.given.findings++,
    window: () => this.given.windows++,
    targets: () => this.given.targets++,
  };

  constructor(traffic = createTraffic()) {
    this.traffic = traffic;
  }

  add(columns: EventColumnsView): void {
    this.moveTo(this.timeMs);
    for (let row = 0; row < columns.rows; row++) this.traffic.add(columns, row, this.pane);
    this.timeMs += columns.rows / EVENTS_PER_MS;
  }

  /** Closes every pane before this time. */
  moveTo(timeMs: number): void {
    this.timeMs = timeMs;
    const pane = paneOf(timeMs);
    if (pane === this.pane) return;
    for (; this.pane < pane; this.pane++) {
      this.traffic.closePane(this.pane, this.output);
      const steps = this.traffic.closeHosts(this.pane, this.output);
      while (steps.next().done !== true);
    }
    this.traffic.contacts.closeUpTo(pane * PANE_MS);
  }

  /** One flow of every host, 200,000 an hour: those of hours before become cold. */
  populate(hosts: number, draw: DrawHost): void {
    for (let done = 0; done < hosts;) {
      const rows = Math.min(hosts - done, NEW_AN_HOUR);
      const flows = new FlowColumns(rows);
      flows.fill(draw, this.timeMs);
      this.moveTo(this.timeMs);
      for (let row = 0; row < rows; row++) this.traffic.add(flows.columns, row, this.pane);
      this.moveTo(this.timeMs + HOUR_MS);
      done += rows;
    }
  }
}
