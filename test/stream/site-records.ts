/** What a record says, beside its line: what a plain computation of features starts from. */
export interface SiteFlow {
  readonly kind: 'flow' | 'dns';
  readonly timeMs: number;
  readonly startMs: number;
  readonly src: string;
  readonly dst: string;
  readonly dstPort: number;
  readonly proto: 'tcp' | 'udp' | 'icmp';
  readonly state: string;
  readonly bytesOut: number;
  readonly bytesIn: number;
  readonly packetsOut: number;
  readonly packetsIn: number;
  readonly rcode: string;
}

export interface SiteReading {
  readonly kind: 'reading';
  readonly timeMs: number;
  readonly device: string;
  readonly metric: string;
  readonly value: number;
}

/** One step of the input, in the order in which ingest sees it. */
export type SiteStep =
  | {
      readonly source: number;
      readonly action: 'record';
      readonly line: string;
      readonly about: SiteFlow | SiteReading;
    }
  | { readonly source: number; readonly action: 'pause' | 'close' };

export interface SiteSource {
  readonly id: string;
  readonly format: 'zeek-json' | 'readings-ndjson';
  readonly disorderMs: number;
}

export const SITE_SOURCES: readonly SiteSource[] = [
  { id: 'zeek-a#1', format: 'zeek-json', disorderMs: 60_000 },
  { id: 'zeek-b#1', format: 'zeek-json', disorderMs: 30_000 },
  { id: 'plant#1', format: 'readings-ndjson', disorderMs: 10_000 },
];
export const ROSTER: ReadonlySet<string> = new Set(['pump-1', 'pump-2', 'pump-3']);

const START_MS = Date.UTC(2026, 2, 3, 9, 58, 20);
const INSIDE = ['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4', '10.0.0.5', 'fd00::7'];
const OUTSIDE = ['198.51.100.1', '198.51.100.2', '203.0.113.9', '2001:db8::5'];
const STATES = ['SF', 'S0', 'REJ', 'RSTO', 'RSTRH', 'SH', ''];

/** mulberry32: small, and the same everywhere. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/**
 * About an hour and a quarter of a small site from three sources that drift apart by minutes: traffic out of order
 * within each source's disorder and sometimes beyond, one flood, three pumps of which one stops, and a pause.
 */
export function siteSteps(seed: number, options: { minutes: number }): SiteStep[] {
  const random = seededRandom(seed);
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]!;
  const endMs = options.minutes * 60_000;
  const steps: SiteStep[] = [];
  const clocks = [0, 0, 0];
  const deadFromMs = endMs * 0.6;
  const floodAtMs = endMs * 0.4;
  let hasFlooded = false;
  while (clocks.some((clock) => clock < endMs)) {
    // Not the oldest one always: sources run ahead of each other.
    const source = random() < 0.8 ? clocks.indexOf(Math.min(...clocks)) : Math.floor(random() * 3);
    if (clocks[source]! >= endMs) continue;
    const clock = (clocks[source]! += source === 2 ? 5_000 : random() * 8_000);
    if (random() < 0.004) {
      steps.push({ source, action: 'pause' });
      continue;
    }
    const { disorderMs } = SITE_SOURCES[source]!;
    const lag = random() < 0.03 ? disorderMs * (1 + random()) : random() * disorderMs * 0.8;
    const timeMs = START_MS + Math.floor(Math.max(0, clock - lag));
    if (source === 2) {
      const device = pick([...ROSTER, 'valve']);
      if (device === 'pump-2' && clock > deadFromMs) continue;
      const atMs = START_MS + Math.floor(clock - (random() < 0.05 ? 7_000 : 0));
      const reading = { kind: 'reading', timeMs: atMs, device, metric: pick(['flow', 'level']), value: Math.round(random() * 1000) / 8 } as const; // prettier-ignore
      steps.push({ source, action: 'record', line: readingLine(reading), about: reading });
      continue;
    }
    const isFlood = source === 0 && clock > floodAtMs && !hasFlooded;
    if (isFlood) hasFlooded = true;
    for (let copy = isFlood ? 40 : 1; copy > 0; copy--) {
      const flow = isFlood ? floodFlow(timeMs, random) : someFlow(timeMs, random, pick);
      steps.push({ source, action: 'record', line: flowLine(flow), about: flow });
    }
  }
  for (const source of SITE_SOURCES.keys()) steps.push({ source, action: 'close' });
  return steps;
}

function someFlow(timeMs: number, random: () => number, pick: <T>(from: readonly T[]) => T): SiteFlow {
  const way = random();
  const isDns = random() < 0.2;
  const src = way < 0.55 || way > 0.95 ? pick(INSIDE) : pick(OUTSIDE);
  const dst = way < 0.4 || (way >= 0.55 && way < 0.6) || way > 0.95 ? pick(OUTSIDE) : pick(INSIDE);
  const durationMs = isDns ? 0 : Math.floor(random() ** 4 * 90_000);
  return {
    kind: isDns ? 'dns' : 'flow',
    timeMs,
    startMs: timeMs - durationMs,
    src,
    dst,
    dstPort: isDns ? 53 : pick([22, 80, 443, 8080]),
    proto: isDns ? 'udp' : pick(['tcp', 'tcp', 'udp', 'icmp']),
    state: isDns ? '' : pick(STATES),
    bytesOut: isDns ? 0 : Math.floor(random() ** 6 * 40_000_000),
    bytesIn: isDns ? 0 : Math.floor(random() ** 8 * 400_000),
    packetsOut: isDns ? 0 : Math.floor(random() ** 3 * 4_000),
    packetsIn: isDns ? 0 : Math.floor(random() * 50),
    rcode: isDns ? pick(['NOERROR', 'NXDOMAIN']) : '',
  };
}

function floodFlow(timeMs: number, random: () => number): SiteFlow {
  return {
    kind: 'flow', timeMs, startMs: timeMs, src: `203.0.113.${Math.floor(random() * 250)}`, dst: '10.0.0.2', dstPort: 80,
    proto: 'tcp', state: 'S0', bytesOut: 0, bytesIn: 0, packetsOut: 900, packetsIn: 0, rcode: '',
  }; // prettier-ignore
}

function readingLine({ timeMs, device, metric, value }: SiteReading): string {
  return JSON.stringify({ time: new Date(timeMs).toISOString(), device, metric, value, unit: 'l/s' });
}

function flowLine(flow: SiteFlow): string {
  const ids = {
    ts: flow.startMs / 1000,
    'id.orig_h': flow.src,
    'id.orig_p': 40_000,
    'id.resp_h': flow.dst,
    'id.resp_p': flow.dstPort,
    proto: flow.proto,
  };
  if (flow.kind === 'dns')
    return JSON.stringify({ _path: 'dns', ...ids, query: 'a.example', rcode_name: flow.rcode, qtype_name: 'A' });
  return JSON.stringify({
    _path: 'conn', ...ids, duration: (flow.timeMs - flow.startMs) / 1000, orig_bytes: flow.bytesOut,
    resp_bytes: flow.bytesIn, ...(flow.state === '' ? {} : { conn_state: flow.state }), orig_pkts: flow.packetsOut,
    resp_pkts: flow.packetsIn,
  }); // prettier-ignore
}
