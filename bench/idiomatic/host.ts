/** Sums of a host over a pane or a window, with the exact sets behind its distinct counts. */
export interface HostSums {
  flows: number;
  failed: number;
  bytesOut: number;
  bytesIn: number;
  packetsOut: number;
  packetsIn: number;
  newDestinations: number;
  outsideBytesOut: number;
  outsideBytesIn: number;
  largestFlowOut: number;
  readonly destinations: Set<string>;
  readonly ports: Set<number>;
}

export function emptySums(): HostSums {
  return {
    flows: 0,
    failed: 0,
    bytesOut: 0,
    bytesIn: 0,
    packetsOut: 0,
    packetsIn: 0,
    newDestinations: 0,
    outsideBytesOut: 0,
    outsideBytesIn: 0,
    largestFlowOut: 0,
    destinations: new Set(),
    ports: new Set(),
  };
}

export function addSums(to: HostSums, from: HostSums): void {
  to.flows += from.flows;
  to.failed += from.failed;
  to.bytesOut += from.bytesOut;
  to.bytesIn += from.bytesIn;
  to.packetsOut += from.packetsOut;
  to.packetsIn += from.packetsIn;
  to.newDestinations += from.newDestinations;
  to.outsideBytesOut += from.outsideBytesOut;
  to.outsideBytesIn += from.outsideBytesIn;
  to.largestFlowOut = Math.max(to.largestFlowOut, from.largestFlowOut);
  for (const destination of from.destinations) to.destinations.add(destination);
  for (const port of from.ports) to.ports.add(port);
}

/** Everything that is kept of a host. */
export interface Host {
  readonly firstSeenMs: number;
  lastSeenMs: number;
  /** By the window's name; missing while nothing is in it. */
  readonly windows: Map<string, HostSums>;
  /** Peers met, by day. */
  readonly peersByDay: Map<number, Set<string>>;
  readonly volume: { hours: number; mean: number; deviation: number };
  readonly upload: { hours: number; flows: number; largest: number };
}

export function newHost(timeMs: number): Host {
  return {
    firstSeenMs: timeMs,
    lastSeenMs: timeMs,
    windows: new Map(),
    peersByDay: new Map(),
    volume: { hours: 0, mean: 0, deviation: 0 },
    upload: { hours: 0, flows: 0, largest: 0 },
  };
}

const RATE = 0.05;
const MIN_BYTES = 25e6;

/** Volume out of the network in the hour so far: a floor, a z-score against the host's own hours, and a one-way ratio. */
export function isUnusualVolume(host: Host, hour: HostSums): boolean {
  const { outsideBytesOut: out, outsideBytesIn: back } = hour;
  const pcr = out + back === 0 ? 0 : (out - back) / (out + back);
  const { hours, mean, deviation } = host.volume;
  const isYoung = hours < 24;
  if (out < (isYoung ? 20 * MIN_BYTES : MIN_BYTES) || pcr < (isYoung ? 0.9 : 0.5)) return false;
  return hours < 3 || (Math.log1p(out) - mean) / Math.max(0.5, deviation) >= 4;
}

/** One flow far larger than any before it. */
export function isLargeUpload(host: Host, bytesOut: number, bytesIn: number): boolean {
  const { hours, flows, largest } = host.upload;
  if (bytesOut < MIN_BYTES || hours < 6 || flows < 100) return false;
  return bytesOut >= 20 * largest && (bytesOut - bytesIn) / (bytesOut + bytesIn) >= 0.9;
}

export function learnHour(host: Host, hour: HostSums): void {
  const { volume, upload } = host;
  const value = Math.log1p(hour.outsideBytesOut);
  volume.deviation += RATE * (Math.abs(value - volume.mean) - volume.deviation);
  volume.mean += RATE * (value - volume.mean);
  volume.hours++;
  upload.hours++;
  upload.flows += hour.flows;
  upload.largest = Math.max(upload.largest, hour.largestFlowOut);
}
