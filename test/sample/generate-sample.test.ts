import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { generateSample, writeSample } from '../../sample/generate-sample.ts';
import { DAY_MS, sampleIncidents, type SampleIncident } from '../../sample/incidents.ts';
import { isInternal, SERVERS } from '../../sample/site-plan.ts';

// A day takes about a second to generate and read, several times that on a busy machine.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const END_MS = Date.UTC(2026, 10, 21, 10);
const START_MS = END_MS - DAY_MS;
const HOUR_MS = 3_600_000;
const SEEDS = [1, 2, 3, 42, 2026];

type Json = Readonly<Record<string, string | number | boolean | undefined>>;

function linesOf(seed: number, name: string): string[] {
  const source = generateSample({ seed, endMs: END_MS }).sources.find((candidate) => candidate.name === name);
  if (source === undefined) throw new Error(`no source ${name}`);
  const text = Buffer.concat([...source.lines]).toString('utf8');
  expect(text.endsWith('\n')).toBe(true);
  return text.slice(0, -1).split('\n');
}

function digestOf(seed: number, name: string): string {
  const hash = createHash('sha256');
  const source = generateSample({ seed, endMs: END_MS }).sources.find((candidate) => candidate.name === name);
  for (const chunk of source?.lines ?? []) hash.update(chunk);
  return hash.digest('hex');
}

function parsed(lines: readonly string[]): Json[] {
  return lines.map((line) => JSON.parse(line) as Json);
}

function incident(seed: number, kind: SampleIncident['kind']): SampleIncident {
  const found = sampleIncidents(seed, START_MS).filter((candidate) => candidate.kind === kind);
  expect(found).toHaveLength(1);
  return found[0]!;
}

interface Flow {
  readonly endMs: number;
  readonly orig: string;
  readonly resp: string;
  readonly out: number;
  readonly in: number;
  readonly state: string;
}

function flowOf(record: Json): Flow {
  return {
    endMs: (Number(record['ts']) + Number(record['duration'] ?? 0)) * 1000,
    orig: String(record['id.orig_h']),
    resp: String(record['id.resp_h']),
    out: Number(record['orig_bytes'] ?? 0),
    in: Number(record['resp_bytes'] ?? 0),
    state: String(record['conn_state']),
  };
}

/** Bytes from each internal host to the outside by hour; key `address hour`. */
function outboundByHour(flows: readonly Flow[]): Map<string, number> {
  const sums = new Map<string, number>();
  for (const flow of flows) {
    if (isInternal(flow.orig) === isInternal(flow.resp)) continue;
    const [host, bytes] = isInternal(flow.orig) ? [flow.orig, flow.out] : [flow.resp, flow.in];
    const key = `${host} ${Math.floor(flow.endMs / HOUR_MS)}`;
    sums.set(key, (sums.get(key) ?? 0) + bytes);
  }
  return sums;
}

describe.each(SEEDS)('the sample of seed %i', (seed) => {
  let flows: Flow[] = [];
  let readings: Json[] = [];
  let connCount = 0;
  beforeAll(() => {
    const conns = parsed(linesOf(seed, 'zeek/conn.log'));
    connCount = conns.length;
    flows = conns.map(flowOf);
    readings = readingsOf(seed);
  });

  it('has its four incidents inside the day, each on one victim', () => {
    const incidents = sampleIncidents(seed, START_MS);
    expect(incidents.map((one) => one.kind).sort()).toEqual(['exfiltration', 'flood', 'silence', 'wrong_values']);
    for (const one of incidents) {
      expect(one.startMs).toBeGreaterThan(START_MS + 3 * HOUR_MS);
      expect(one.endMs).toBeGreaterThan(one.startMs);
      expect(one.endMs).toBeLessThanOrEqual(END_MS);
    }
    expect(incident(seed, 'silence').entity).not.toBe(incident(seed, 'wrong_values').entity);
  });

  it('writes flows in the order of their ends and readings in the order of sending, inside the day', () => {
    // Half a microsecond of floating point apart.
    const ends = flows.map((flow) => flow.endMs);
    expect(ends.findIndex((endMs, index) => endMs < (ends[index - 1] ?? START_MS) - 0.001)).toBe(-1);
    expect(ends.at(-1)).toBeLessThanOrEqual(END_MS);
    const times = readings.map((reading) => Date.parse(String(reading['time'])));
    expect(times.findIndex((timeMs, index) => timeMs < (times[index - 1] ?? START_MS))).toBe(-1);
    expect(times.at(-1)).toBeLessThanOrEqual(END_MS);
  });

  it('stays small', () => {
    expect(connCount + readings.length).toBeGreaterThan(130_000);
    expect(connCount + readings.length).toBeLessThan(240_000);
  });

  it('floods the web server with more than 500 unanswered SYNs a second, from thousands of sources, and only then', () => {
    const { entity, startMs, endMs } = incident(seed, 'flood');
    expect(entity).toBe(SERVERS.web);
    const panes = new Map<number, number>();
    const sources = new Set<string>();
    for (const flow of flows) {
      if (flow.resp !== entity || flow.state !== 'S0') continue;
      const pane = Math.floor(flow.endMs / 10_000) * 10_000;
      panes.set(pane, (panes.get(pane) ?? 0) + 1);
      if (flow.endMs >= startMs && flow.endMs <= endMs) sources.add(flow.orig);
    }
    for (let pane = Math.ceil(startMs / 10_000) * 10_000; pane + 10_000 <= endMs; pane += 10_000) {
      expect(panes.get(pane)).toBeGreaterThan(5000);
      expect(panes.get(pane)).toBeLessThan(10_000);
    }
    expect(sources.size).toBeGreaterThan(5000);
    const quiet = [...panes].filter(([pane]) => pane < startMs - 10_000 || pane > endMs + 2000);
    expect(Math.max(...quiet.map(([, count]) => count))).toBeLessThan(20);
  });

  it('uploads the stolen data to one address that nobody else talks to', () => {
    const { entity, startMs, endMs } = incident(seed, 'exfiltration');
    const peers = new Map<string, { out: number; in: number; hosts: Set<string>; inTime: boolean; flows: number }>();
    for (const flow of flows) {
      if (!isInternal(flow.orig) || isInternal(flow.resp)) continue;
      const peer = peers.get(flow.resp) ?? { out: 0, in: 0, hosts: new Set(), inTime: true, flows: 0 };
      peer.out += flow.out;
      peer.in += flow.in;
      peer.hosts.add(flow.orig);
      peer.inTime &&= flow.endMs >= startMs && flow.endMs <= endMs;
      peer.flows++;
      peers.set(flow.resp, peer);
    }
    const drop = [...peers.values()].sort((one, other) => other.out - one.out)[0]!;
    expect([...drop.hosts]).toEqual([entity]);
    expect(drop.inTime).toBe(true);
    expect(drop.flows).toBeGreaterThanOrEqual(6);
    expect(drop.out).toBeGreaterThan(400e6);
    expect((drop.out - drop.in) / (drop.out + drop.in)).toBeGreaterThan(0.98);
  });

  it('lets no other host send 25 MB to the outside in an hour, nor in one flow what looks like a single large upload', () => {
    const { entity } = incident(seed, 'exfiltration');
    const loud = [...outboundByHour(flows)].filter(([key, bytes]) => bytes > 25e6 && !key.startsWith(`${entity} `));
    expect(loud).toEqual([]);
    const users = new Map<string, Set<string>>();
    for (const flow of flows) users.set(flow.resp, (users.get(flow.resp) ?? new Set()).add(flow.orig));
    const rareUploads = flows.filter(
      (flow) =>
        isInternal(flow.orig) &&
        !isInternal(flow.resp) &&
        flow.orig !== entity &&
        flow.out >= 1 << 20 &&
        flow.in < flow.out * 0.5 &&
        users.get(flow.resp)!.size < 20,
    );
    expect(rareUploads).toEqual([]);
  });

  it('silences one device for the rest of the day and no other', () => {
    const { entity, startMs } = incident(seed, 'silence');
    const lastSeen = new Map<string, number>();
    let worstGapMs = 0;
    for (const reading of readings) {
      const device = String(reading['device']);
      const timeMs = Date.parse(String(reading['time']));
      worstGapMs = Math.max(worstGapMs, timeMs - (lastSeen.get(device) ?? timeMs));
      lastSeen.set(device, timeMs);
    }
    expect(lastSeen.size).toBe(12);
    expect(worstGapMs).toBeLessThanOrEqual(62_000);
    for (const [device, timeMs] of lastSeen) {
      if (device === entity) expect(Math.abs(timeMs - startMs)).toBeLessThanOrEqual(62_000);
      else expect(timeMs).toBeGreaterThan(END_MS - 62_000);
    }
    expect(END_MS - startMs).toBeGreaterThanOrEqual(3 * HOUR_MS);
  });

  it('sends wrong values from one metric only, from the start of that incident on', () => {
    const { entity, description } = incident(seed, 'wrong_values');
    const changed = changedSeries(seed, readings);
    expect(changed).toHaveLength(1);
    expect(changed[0]).toContain(`of ${entity}`);
    expect(description).toContain(changed[0]);
  });
});

function readingsOf(seed: number): Json[] {
  return parsed(linesOf(seed, 'plant/readings.ndjson'));
}

/** Series that differ after the start of the seed's wrong values: `metric of device`. */
function changedSeries(seed: number, readings: readonly Json[]): string[] {
  const { startMs } = incident(seed, 'wrong_values');
  const startIso = new Date(startMs).toISOString();
  const series = new Map<string, { before: number[]; after: number[] }>();
  for (const reading of readings) {
    const key = `${String(reading['metric'])} of ${String(reading['device'])}`;
    const values = series.get(key) ?? { before: [], after: [] };
    (String(reading['time']) >= startIso ? values.after : values.before).push(Number(reading['value']));
    series.set(key, values);
  }
  return [...series].filter(([, { before, after }]) => after.length > 0 && differs(before, after)).map(([key]) => key);
}

/** Beyond twice the range of before, or standing still although it did not. */
function differs(before: readonly number[], after: readonly number[]): boolean {
  const low = Math.min(...before);
  const high = Math.max(...before);
  const far = (high - low) / 2;
  const standsStill = new Set(after).size === 1 && high > low;
  return standsStill || after.some((value) => value > high + far || value < low - far);
}

describe('the sample', () => {
  it('is the same bytes for the same seed and another for another seed', () => {
    for (const name of ['zeek/conn.log', 'plant/readings.ndjson']) {
      const first = digestOf(7, name);
      expect(digestOf(7, name)).toBe(first);
      expect(digestOf(8, name)).not.toBe(first);
    }
  });

  it('gives lines that are Zeek JSON with the fields of their logs', () => {
    const dns = parsed(linesOf(5, 'zeek/dns.log'));
    expect(dns.every((record) => typeof record['query'] === 'string' && record['id.resp_p'] === 53)).toBe(true);
    expect(dns.some((record) => record['rcode_name'] === 'NXDOMAIN')).toBe(true);
    const web = parsed(linesOf(5, 'zeek/web.log'));
    expect(new Set(web.map((record) => record['@stream']))).toEqual(new Set(['http', 'ssl']));
    expect(web.every((record) => typeof record['id_orig_h'] === 'string')).toBe(true);
    for (const records of [dns, web]) {
      // Written when the answer is there: a little out of order by start.
      let newest = 0;
      const disorder = records.map((record) => {
        newest = Math.max(newest, Number(record['ts']));
        return newest - Number(record['ts']);
      });
      expect(Math.max(...disorder)).toBeLessThan(3);
    }
    const uids = new Set(linesOf(5, 'zeek/conn.log').map((line) => /"uid":"(C\w+)"/.exec(line)?.[1]));
    const strays = [...dns, ...web].filter((record) => !uids.has(String(record['uid'])));
    // Connections that outlive the day have no record of their own yet.
    expect(strays.length).toBeLessThan(20);
  });

  it('knows six kinds of wrong values, each of which stands out from a normal day', () => {
    const told = new Map<string, number>();
    for (let seed = 100; told.size < 6 && seed < 300; seed++) {
      const kind = incident(seed, 'wrong_values').description.split(': ')[1] ?? '';
      if (!told.has(kind)) told.set(kind, seed);
    }
    expect(told.size).toBe(6);
    for (const seed of told.values()) expect(changedSeries(seed, readingsOf(seed))).toHaveLength(1);
  });

  it('has a working day: most traffic between 8 and 18 h, a dip at noon', () => {
    const hours = new Float64Array(24);
    for (const flow of parsed(linesOf(5, 'zeek/conn.log')).map(flowOf)) {
      const isOffice = flow.orig.startsWith('10.20.1.');
      if (isOffice) hours[Math.floor((flow.endMs - START_MS) / HOUR_MS)]! += 1;
    }
    expect(hours[10]!).toBeGreaterThan(5 * hours[3]!);
    expect(hours[12]!).toBeLessThan(0.85 * hours[10]!);
    expect(hours[15]!).toBeGreaterThan(5 * hours[21]!);
  });

  it('can be written to a folder', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'vedette-sample-'));
    try {
      const paths = await writeSample(folder, 3, END_MS);
      expect(paths.map((path) => path.slice(folder.length + 1))).toEqual([
        'zeek/conn.log',
        'zeek/dns.log',
        'zeek/web.log',
        'plant/readings.ndjson',
      ]);
      const written = await readFile(join(folder, 'plant/readings.ndjson'), 'utf8');
      expect(written).toBe(linesOf(3, 'plant/readings.ndjson').join('\n') + '\n');
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
