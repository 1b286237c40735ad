import { parseAddress, NetworkSet, DEFAULT_INTERNAL_NETWORKS } from '../../model/address.ts';
import { SITE_SOURCES, type SiteFlow, type SiteReading, type SiteStep } from './site-records.ts';

type Row = Record<string, number | string>;
const INTERNAL = new NetworkSet(DEFAULT_INTERNAL_NETWORKS);
const FAILED = ['S0', 'REJ', 'RSTOS0', 'RSTRH', 'SH', 'SHR'];
const SYN_ONLY = ['S0', 'REJ', 'RSTOS0', 'SH'];

/** The features of a site in the words of their declaration, from its records, by Maps and arrays. */
export function naiveFeatures(steps: readonly SiteStep[], isLate: ReadonlyMap<string, boolean>): Record<string, Row> {
  const positions = SITE_SOURCES.map(() => 0);
  const flows: SiteFlow[] = [];
  const readings: SiteReading[] = [];
  for (const step of steps) {
    if (step.action !== 'record') continue;
    if (isLate.get(`${SITE_SOURCES[step.source]!.id} ${positions[step.source]!++}`) === true) continue;
    if (step.about.kind === 'reading') readings.push(step.about);
    else flows.push(step.about);
  }
  return {
    ...hostRows(flows.filter((flow) => directionOf(flow) !== 'external')),
    ...targetRows(flows),
    ...seriesRows(readings),
  };
}

function directionOf(flow: SiteFlow): 'lateral' | 'outbound' | 'inbound' | 'external' {
  const [from, to] = [INTERNAL.contains(parseAddress(flow.src)!), INTERNAL.contains(parseAddress(flow.dst)!)];
  return from ? (to ? 'lateral' : 'outbound') : to ? 'inbound' : 'external';
}

function hostRows(flows: readonly SiteFlow[]): Record<string, Row> {
  const rows: Record<string, Row> = {};
  const met = new Set<string>();
  for (const [name, windowMs] of [
    ['1m', 60_000],
    ['5m', 300_000],
    ['1h', 3_600_000],
  ] as const) {
    met.clear();
    const windows = groupBy(
      flows,
      (flow) => `${directionOf(flow) === 'inbound' ? flow.dst : flow.src} ${floor(flow.timeMs, windowMs)}`,
    );
    for (const [key, all] of windows) {
      const [host, time] = key.split(' ') as [string, string];
      const own = all.filter(({ kind }) => kind === 'flow').map((flow) => {
        const isInbound = directionOf(flow) === 'inbound';
        return {
          flow,
          isInbound,
          isOutside: directionOf(flow) !== 'lateral',
          peer: isInbound ? flow.src : flow.dst,
          out: isInbound ? flow.bytesIn : flow.bytesOut,
          in: isInbound ? flow.bytesOut : flow.bytesIn,
          packetsOut: isInbound ? flow.packetsIn : flow.packetsOut,
          packetsIn: isInbound ? flow.packetsOut : flow.packetsIn,
        };
      }); // prettier-ignore
      const asked = all.filter((flow) => flow.kind === 'dns' && directionOf(flow) !== 'inbound');
      if (own.length === 0 && asked.length === 0) continue;
      const outside = own.filter(({ isOutside }) => isOutside);
      rows[`host_features_${name} ${hex(host)} ${time}`] = {
        time: Number(time),
        host: hex(host),
        flows: own.length,
        failed: own.filter(({ flow }) => FAILED.includes(flow.state)).length,
        bytes_out: sum(own.map((one) => one.out)),
        bytes_in: sum(own.map((one) => one.in)),
        packets_out: sum(own.map((one) => one.packetsOut)),
        packets_in: sum(own.map((one) => one.packetsIn)),
        dns_queries: asked.length,
        nxdomain: asked.filter(({ rcode }) => rcode === 'NXDOMAIN').length,
        outside_bytes_out: sum(outside.map((one) => one.out)),
        outside_bytes_in: sum(outside.map((one) => one.in)),
        largest_flow_out: Math.max(0, ...outside.map((one) => one.out)),
        distinct_destinations: new Set(own.map(({ peer }) => peer)).size,
        distinct_ports: new Set(own.filter(({ isInbound }) => !isInbound).map(({ flow }) => flow.dstPort)).size,
      };
    }
  }
  return rows;
}

function targetRows(flows: readonly SiteFlow[]): Record<string, Row> {
  const rows: Record<string, Row> = {};
  const toTargets = flows
    .filter((flow) => flow.kind === 'flow')
    .flatMap((flow) => {
      const direction = directionOf(flow);
      if (direction === 'inbound' || direction === 'lateral') return [flow];
      // An answer that nobody asked for is traffic to the originator, and no SYN.
      if (direction !== 'outbound' || flow.packetsOut !== 0 || flow.packetsIn === 0) return [];
      const { src, dst, bytesIn, packetsIn } = flow;
      return [{ ...flow, src: dst, dst: src, bytesOut: bytesIn, packetsOut: packetsIn, state: 'OTH' }];
    });
  for (const [key, all] of groupBy(toTargets, (flow) => `${flow.dst} ${floor(flow.timeMs, 10_000)}`)) {
    const [target, time] = key.split(' ') as [string, string];
    const share = (flow: SiteFlow): number => {
      const packets = Math.max(1, flow.packetsOut);
      const durationMs = flow.timeMs - flow.startMs;
      return durationMs > 10_000 ? Math.ceil((packets * 10_000) / durationMs) : packets;
    };
    rows[`target_features_pane ${hex(target)} ${time}`] = {
      time: Number(time),
      target: hex(target),
      flows: all.length,
      packets: sum(all.map((flow) => Math.max(1, flow.packetsOut))),
      bytes: sum(all.map(({ bytesOut }) => bytesOut)),
      syn_only: sum(all.filter(({ state, proto }) => proto === 'tcp' && SYN_ONLY.includes(state)).map(share)),
      sources: new Set(all.map(({ src }) => src)).size,
    };
  }
  return rows;
}

/** In the order of arrival: the latest of two samples of one moment is the last, and a gap is to the newest before. */
function seriesRows(readings: readonly SiteReading[]): Record<string, Row> {
  const rows: Record<string, Row> = {};
  for (const [series, samples] of groupBy(readings, ({ device, metric }) => `${device} ${metric}`)) {
    const gaps = new Map<SiteReading, number>();
    let newestMs = Infinity;
    for (const sample of samples) {
      gaps.set(sample, Math.max(0, sample.timeMs - newestMs));
      newestMs = newestMs === Infinity ? sample.timeMs : Math.max(newestMs, sample.timeMs);
    }
    for (const [time, all] of groupBy(samples, ({ timeMs }) => String(floor(timeMs, 60_000)))) {
      const values = all.map(({ value }) => value);
      const mean = sum(values) / values.length;
      const lastMs = Math.max(...all.map(({ timeMs }) => timeMs));
      rows[`reading_features_1m ${series} ${time}`] = {
        time: Number(time),
        device: series.split(' ')[0]!,
        metric: series.split(' ')[1]!,
        n: values.length,
        mean,
        min: Math.min(...values),
        max: Math.max(...values),
        sd: Math.sqrt(sum(values.map((value) => (value - mean) ** 2)) / values.length),
        last: all.filter(({ timeMs }) => timeMs === lastMs).at(-1)!.value,
        longest_gap_ms: Math.max(...all.map((sample) => gaps.get(sample)!)),
      };
    }
  }
  return rows;
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group) group.push(item);
    else groups.set(key, [item]);
  }
  return groups;
}

function floor(timeMs: number, windowMs: number): number {
  return Math.floor(timeMs / windowMs) * windowMs;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function hex(address: string): string {
  return Buffer.from(parseAddress(address)!).toString('hex');
}
