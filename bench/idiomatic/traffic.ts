import type { FlowRecord } from './flow-record.ts';
import { addSums, emptySums, isLargeUpload, isUnusualVolume, learnHour, newHost, type Host, type HostSums } from './host.ts'; // prettier-ignore
import { addToTarget, emptyTarget, isFlooded, isShifted, mergeTarget, newTarget, type TargetState, type TargetSums } from './target.ts'; // prettier-ignore

const PANE_MS = 10_000;
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const DAYS_KEPT = 7;
const WINDOWS = [
  { name: '1m', ms: MINUTE_MS },
  { name: '5m', ms: 5 * MINUTE_MS },
  { name: '1h', ms: 60 * MINUTE_MS },
] as const;
const FAILED = new Set(['S0', 'REJ', 'RSTOS0', 'RSTRH', 'SH', 'SHR']);

interface Pane {
  readonly hosts: Map<string, HostSums>;
  readonly targets: Map<string, TargetSums>;
}

export interface IdiomaticFinding {
  readonly detector: string;
  readonly entity: string;
  readonly paneMs: number;
}

/** Rows of finished windows and panes go here. */
export type OnRow = (table: string, row: object) => void;

/**
 * The windows and detectors of the pipeline as one would first write them: a Map of objects a host, a Set behind each
 * distinct count, an object for each pane. Panes of 10 s, windows of 1 m, 5 m and 1 h.
 */
export class IdiomaticTraffic {
  readonly hosts = new Map<string, Host>();
  readonly targets = new Map<string, TargetState>();
  readonly findings: IdiomaticFinding[] = [];
  private readonly panes = new Map<number, Pane>();
  private readonly minute = new Map<string, TargetSums>();
  private readonly onRow: OnRow;

  constructor(onRow: OnRow) {
    this.onRow = onRow;
  }

  add(flow: FlowRecord): void {
    if (flow.direction === 'external') return;
    const paneMs = Math.floor(flow.timeMs / PANE_MS) * PANE_MS;
    let pane = this.panes.get(paneMs);
    if (!pane) this.panes.set(paneMs, (pane = { hosts: new Map(), targets: new Map() }));
    const isResponder = flow.direction === 'inbound';
    const own = isResponder ? flow.dst : flow.src;
    const other = isResponder ? flow.src : flow.dst;
    let sums = pane.hosts.get(own);
    if (!sums) pane.hosts.set(own, (sums = emptySums()));
    const bytesOut = isResponder ? flow.bytesIn : flow.bytesOut;
    const bytesIn = isResponder ? flow.bytesOut : flow.bytesIn;
    sums.flows++;
    if (FAILED.has(flow.connState)) sums.failed++;
    sums.bytesOut += bytesOut;
    sums.bytesIn += bytesIn;
    sums.packetsOut += isResponder ? flow.packetsIn : flow.packetsOut;
    sums.packetsIn += isResponder ? flow.packetsOut : flow.packetsIn;
    sums.destinations.add(other);
    if (!isResponder) sums.ports.add(flow.dstPort);
    const host = this.hostOf(own, flow.timeMs);
    if (meetsFirst(host, other, flow.timeMs)) sums.newDestinations++;
    if (flow.direction !== 'lateral') {
      sums.outsideBytesOut += bytesOut;
      sums.outsideBytesIn += bytesIn;
      sums.largestFlowOut = Math.max(sums.largestFlowOut, bytesOut);
      if (isLargeUpload(host, bytesOut, bytesIn)) this.findings.push({ detector: 'upload', entity: own, paneMs });
    }
    if (flow.direction === 'inbound' || flow.direction === 'lateral') {
      let target = pane.targets.get(flow.dst);
      if (!target) pane.targets.set(flow.dst, (target = emptyTarget()));
      addToTarget(target, flow);
    }
  }

  /** Closes every pane that ends at or before a time. */
  closeUpTo(timeMs: number): void {
    const due = [...this.panes.keys()].filter((paneMs) => paneMs + PANE_MS <= timeMs).sort((a, b) => a - b);
    for (const paneMs of due) {
      const { hosts, targets } = this.panes.get(paneMs)!;
      this.panes.delete(paneMs);
      const endMs = paneMs + PANE_MS;
      this.rollHosts(hosts, endMs);
      this.judgeTargets(targets, paneMs);
      for (const window of WINDOWS) if (endMs % window.ms === 0) this.closeWindow(window, endMs);
      if (endMs % MINUTE_MS === 0) this.judgeMinute(paneMs);
    }
  }

  private hostOf(address: string, timeMs: number): Host {
    let host = this.hosts.get(address);
    if (!host) this.hosts.set(address, (host = newHost(timeMs)));
    return host;
  }

  private rollHosts(hosts: ReadonlyMap<string, HostSums>, endMs: number): void {
    for (const [address, sums] of hosts) {
      const host = this.hostOf(address, endMs);
      host.lastSeenMs = endMs;
      for (const { name } of WINDOWS) {
        let window = host.windows.get(name);
        if (!window) host.windows.set(name, (window = emptySums()));
        addSums(window, sums);
      }
    }
  }

  private judgeTargets(targets: ReadonlyMap<string, TargetSums>, paneMs: number): void {
    for (const [address, sums] of targets) {
      let state = this.targets.get(address);
      if (!state) this.targets.set(address, (state = newTarget()));
      if (isFlooded(state, sums)) this.findings.push({ detector: 'flood', entity: address, paneMs });
      this.onRow('target_features_pane', {
        target: `::ffff:${address}`,
        time: paneMs / 1000,
        flows: sums.flows,
        packets: sums.packets,
        bytes: sums.bytes,
        syn_only: sums.synOnly,
        sources: sums.sources.size,
      });
      let minute = this.minute.get(address);
      if (!minute) this.minute.set(address, (minute = emptyTarget()));
      mergeTarget(minute, sums);
    }
  }

  private judgeMinute(paneMs: number): void {
    for (const [address, sums] of this.minute)
      if (isShifted(this.targets.get(address)!, sums))
        this.findings.push({ detector: 'rate', entity: address, paneMs });
    this.minute.clear();
  }

  private closeWindow(window: (typeof WINDOWS)[number], endMs: number): void {
    for (const [address, host] of this.hosts) {
      const sums = host.windows.get(window.name);
      if (!sums) continue;
      this.onRow(`host_features_${window.name}`, featureRow(address, endMs - window.ms, sums));
      const hour = host.windows.get('1h');
      if (window.name === '1m' && hour && isUnusualVolume(host, hour))
        this.findings.push({ detector: 'volume', entity: address, paneMs: endMs - PANE_MS });
      if (window.name === '1h') learnHour(host, sums);
      host.windows.delete(window.name);
    }
  }
}

/** Notes a peer of the day, and tells whether it was met on none of the last seven days. */
function meetsFirst(host: Host, peer: string, timeMs: number): boolean {
  const day = Math.floor(timeMs / DAY_MS);
  let today = host.peersByDay.get(day);
  if (!today) {
    host.peersByDay.set(day, (today = new Set()));
    for (const other of host.peersByDay.keys()) if (other <= day - DAYS_KEPT) host.peersByDay.delete(other);
  }
  if (today.has(peer)) return false;
  today.add(peer);
  for (const [other, peers] of host.peersByDay) if (other < day && peers.has(peer)) return false;
  return true;
}

function featureRow(address: string, startMs: number, sums: HostSums): object {
  return {
    host: `::ffff:${address}`,
    time: startMs / 1000,
    flows: sums.flows,
    failed: sums.failed,
    bytes_out: sums.bytesOut,
    bytes_in: sums.bytesIn,
    packets_out: sums.packetsOut,
    packets_in: sums.packetsIn,
    dns_queries: 0,
    nxdomain: 0,
    new_destinations: sums.newDestinations,
    outside_bytes_out: sums.outsideBytesOut,
    outside_bytes_in: sums.outsideBytesIn,
    largest_flow_out: sums.largestFlowOut,
    distinct_destinations: sums.destinations.size,
    distinct_ports: sums.ports.size,
  };
}
