import { IdiomaticTraffic } from './idiomatic/traffic.ts';
import type { FlowRecord } from './idiomatic/flow-record.ts';
import { memoryInUse, ownSeconds } from './measure.ts';
import { figure, type Report } from './report.ts';
import { createStages, defaultConfig } from './bare-stages.ts';
import {
  BLOCK_ROWS,
  eachHost,
  FlowColumns,
  hostText,
  uniformHosts,
  zipfHosts,
  type DrawHost,
} from './synthetic-flows.ts';
import { EVENTS_PER_MS, PAIRS_PER_DAY, TrafficDriver } from './traffic-driver.ts';
import { alternate, runBench, type Bench } from './trial.ts';
import { HOUR_MS, MINUTE_MS } from '../stream/time.ts';

/** Minutes that may be open at once: the running one, and five of disorder. */
const OPEN_MINUTES = 6;

type Popularity = 'uniform' | 'zipf';

interface Size {
  readonly hosts: number;
  readonly popularity: Popularity;
  readonly events: number;
}

interface StateRun {
  readonly eventsPerSecond: number;
  /** Memory in use per entity after all were seen once: heap and typed arrays; and what the process has resident. */
  readonly heldBytes: number;
  readonly residentBytes: number;
  /** Cold rows with their index. */
  readonly coldBytes: number;
  readonly pairBytes: number;
  readonly coldCount: number;
}

interface TierBytes {
  readonly cold: number;
  readonly hot: number;
  /** Of one open minute. */
  readonly minute: number;
  readonly target: number;
  readonly series: number;
}

function draws(size: Size, seed: number): DrawHost {
  return size.popularity === 'zipf' ? zipfHosts(size.hosts, seed) : uniformHosts(size.hosts, seed);
}

const trials = {
  rows: async (size: Size): Promise<StateRun> => {
    const before = memoryInUse();
    const driver = new TrafficDriver();
    driver.populate(size.hosts, eachHost(0));
    const after = memoryInUse();
    const { traffic } = driver;
    const coldBytes = traffic.cold.byteLength / traffic.cold.count;
    const flows = new FlowColumns();
    const run = async (events: number, seed: number): Promise<number> => {
      const draw = draws(size, seed);
      let seconds = 0;
      for (let done = 0; done < events; done += BLOCK_ROWS) {
        flows.fill(draw, driver.timeMs);
        seconds += await ownSeconds(() => driver.add(flows.columns));
      }
      return seconds;
    };
    await run(size.events / 4, 1);
    const eventsPerSecond = size.events / (await run(size.events, 2));
    return {
      eventsPerSecond,
      heldBytes: (after.heldBytes - before.heldBytes) / size.hosts,
      residentBytes: (after.residentBytes - before.residentBytes) / size.hosts,
      coldBytes,
      pairBytes: traffic.contacts.byteLength,
      coldCount: traffic.cold.count,
    };
  },

  /** Rows with their index of so many entities: hosts that are active in one pane, targets in stage 2, series. */
  tiers: async (input: { entities: number }): Promise<TierBytes> => {
    const driver = new TrafficDriver();
    const { traffic } = driver;
    const flows = new FlowColumns(input.entities);
    flows.fill(eachHost(0), driver.timeMs);
    driver.add(flows.columns);
    const open = [...traffic.minutes.values()][0]!;
    const minute = open.byteLength / open.count;
    driver.moveTo(driver.timeMs + MINUTE_MS);
    const { stage1, stage2 } = createStages(defaultConfig());
    const { targets } = stage2;
    const { rows } = stage1.series;
    for (let i = 0; i < input.entities; i++) {
      targets.upsert(0, 0, 0xffff0000, i);
      rows.upsert(i, 1, 2, 3);
    }
    return {
      cold: traffic.cold.byteLength / traffic.cold.count,
      hot: traffic.hot.byteLength / traffic.hot.count,
      minute,
      target: targets.byteLength / targets.count,
      series: rows.byteLength / rows.count,
    };
  },

  objects: async (size: Size): Promise<{ eventsPerSecond: number; heldBytes: number }> => {
    const before = memoryInUse();
    const traffic = new IdiomaticTraffic(() => undefined);
    let timeMs = Date.UTC(2026, 0, 5, 1) - 10_000;
    const perHour = 200_000;
    for (let host = 0; host < size.hosts; host++) {
      traffic.add(record(host, host & 3, timeMs));
      if ((host + 1) % perHour === 0 || host + 1 === size.hosts) {
        traffic.closeUpTo(timeMs + 10_000);
        timeMs += HOUR_MS;
      }
    }
    const after = memoryInUse();
    timeMs += 10_000;
    const run = async (events: number, seed: number): Promise<number> => {
      const draw = draws(size, seed);
      let seconds = 0;
      for (let done = 0; done < events; done += BLOCK_ROWS) {
        const records = Array.from({ length: BLOCK_ROWS }, (_, row) => record(draw(), row & 3, timeMs));
        seconds += await ownSeconds(() => {
          for (const each of records) traffic.add(each);
          traffic.closeUpTo(timeMs - (timeMs % 10_000));
        });
        timeMs += BLOCK_ROWS / EVENTS_PER_MS;
      }
      return seconds;
    };
    await run(size.events / 4, 1);
    const eventsPerSecond = size.events / (await run(size.events, 2));
    return { eventsPerSecond, heldBytes: (after.heldBytes - before.heldBytes) / size.hosts };
  },
};

function record(host: number, peer: number, timeMs: number): FlowRecord {
  const address = (Math.imul(host, 2_654_435_761) >>> 8) + peer;
  return {
    timeMs,
    startMs: timeMs,
    uid: 'C',
    src: hostText(host),
    srcPort: 40_000,
    dst: `203.0.${(address >>> 8) & 255}.${address & 255}`,
    dstPort: peer === 0 ? 80 : 443,
    direction: 'outbound',
    proto: 6,
    service: '',
    connState: 'SF',
    bytesOut: 500 + peer,
    bytesIn: 20_000,
    packetsOut: 8,
    packetsIn: 12,
  };
}

async function measure(bench: Bench<typeof trials>): Promise<Report> {
  const scale = bench.isQuick ? 100 : 1;
  const events = bench.isQuick ? 65_536 : 2_097_152;
  const sizes: Size[] = [
    { hosts: 10_000, popularity: 'uniform', events },
    { hosts: 10_000, popularity: 'zipf', events },
    { hosts: 1_000_000 / scale, popularity: 'uniform', events },
    { hosts: 1_000_000 / scale, popularity: 'zipf', events },
    { hosts: 10_000_000 / scale, popularity: 'uniform', events },
    { hosts: 10_000_000 / scale, popularity: 'zipf', events },
  ];
  const ours = sizes.map((): StateRun[] => []);
  const peers = sizes.map((): { eventsPerSecond: number; heldBytes: number }[] => []);
  await alternate(
    bench.runs,
    sizes.flatMap((size, i) => [
      async () => void ours[i]!.push(await bench.run('rows', size)),
      // Ten million hosts as objects would take more memory than the machine has.
      ...(size.hosts <= 1_000_000 ? [async () => void peers[i]!.push(await bench.run('objects', size))] : []),
    ]),
  );
  const tiers = await bench.run('tiers', { entities: 200_000 });
  const rates = (i: number): number[] => ours[i]!.map(({ eventsPerSecond }) => eventsPerSecond);
  const label = (hosts: number): string => (hosts >= 1e6 ? `${hosts / 1e6}m` : `${hosts / 1e3}k`);
  const all = ours.flat();
  const largest = ours.slice(4).flat();
  const objects = peers.slice(2, 4).flat();
  const unit = 'bytes an entity';
  return {
    title: 'State of hosts in stage 1',
    figures: [
      figure({
        name: 'state_cold_bytes', unit, better: 'lower', goal: 160, floor: 320, values: largest.map(({ coldBytes }) => coldBytes),
        note: `row and index, ${largest[0]!.coldCount.toLocaleString('en-US')} hosts known`,
      }), // prettier-ignore
      figure({
        name: 'state_hot_bytes', unit, better: 'lower', goal: 1536, floor: 3072,
        values: [tiers.cold + tiers.hot + tiers.minute],
        note:
          `cold row ${Math.round(tiers.cold)}, running windows of 5 m and 1 h ${Math.round(tiers.hot)}, one open minute ` +
          `${Math.round(tiers.minute)}, with their indexes, of 200,000 hosts; deterministic, so one run`,
      }), // prettier-ignore
      figure({
        name: 'state_hot_bytes_at_most', unit, better: 'lower', goal: 1536, floor: 3072,
        values: [tiers.cold + tiers.hot + OPEN_MINUTES * tiers.minute],
        note: `of a host active in each of the ${OPEN_MINUTES} minutes that the 5 min of disorder of Zeek's logs keep open`,
      }), // prettier-ignore
      figure({
        name: 'state_resident_bytes', unit, better: 'lower', values: largest.map(({ heldBytes }) => heldBytes),
        peer: objects.map(({ heldBytes }) => heldBytes),
        note:
          `what the process holds more than before (heap and typed arrays) for ${label(sizes[4]!.hosts)} hosts known, 200,000 of ` +
          `them hot, pairs and spare memory included; resident ${Math.round(middle(largest.map((run) => run.residentBytes)))}; ` +
          `the peer: objects, ${label(sizes[2]!.hosts)} hosts`,
      }), // prettier-ignore
      figure({ name: 'state_target_bytes', unit, better: 'lower', values: [tiers.target], floor: 320, note: 'a target in stage 2; deterministic, so one run' }), // prettier-ignore
      figure({ name: 'state_series_bytes', unit, better: 'lower', values: [tiers.series], note: 'a device and metric; deterministic, so one run' }), // prettier-ignore
      ...sizes.map(({ hosts, popularity }, i) =>
        figure({
          name: `state_${label(hosts)}_${popularity}`,
          unit: 'events/s of processor time',
          better: 'higher',
          values: rates(i),
          peer: peers[i]!.map(({ eventsPerSecond }) => eventsPerSecond),
        }),
      ),
      ...(['uniform', 'zipf'] as const).map((popularity, i) =>
        figure({
          name: `state_${label(sizes[4]!.hosts)}_to_10k_${popularity}`,
          unit: 'of the throughput at 10k',
          better: 'higher',
          goal: 0.5,
          values: rates(4 + i).map((rate, run) => rate / rates(i)[run]!),
        }),
      ),
    ],
    leavesOut: [
      `Flows are made as columns, outside of the measured time; ${EVENTS_PER_MS} a millisecond of event time, panes close in ` +
        'order without disorder; decoding, stage 2, the log and ClickHouse are left out.',
      `Pairs (who talks to whom) have a budget of their own, ${PAIRS_PER_DAY.toLocaleString('en-US')} a day as by default, ` +
        `beside the exact counts of the running windows; in these runs up to ${Math.round(Math.max(...all.map((run) => run.pairBytes)) / 1e6)} MB.`,
      'Each host has four peers and two ports. The Map of objects holds a Set for each distinct count.',
    ],
  };
}

function middle(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]!;
}

await runBench(import.meta.url, trials, measure);
