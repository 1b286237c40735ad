import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { zeekJson } from '../ingest/decoders/zeek-json.ts';
import { openSegmentLog } from '../log/segments/index.ts';
import { generateFlows } from '../sample/load-generator.ts';
import { PANE_MS } from '../stream/time.ts';
import { runBare } from './cluster/bare-pulsar.ts';
import { measureClusterLatency } from './cluster/latency.ts';
import { runRoles } from './cluster/role-worker.ts';
import { processAll, withEmbedded } from './embedded-run.ts';
import { lineEnds, makeLoad, synLine } from './load.ts';
import { pause, quantile } from './measure.ts';
import { figure, type Report } from './report.ts';
import { alternate, runBench, type Bench } from './trial.ts';

/** Events a millisecond of event time: one flow in 250 µs, so that a pane is 40,000 events. */
const EVENTS_PER_MS = 4;
const EVENTS_A_PANE = EVENTS_PER_MS * PANE_MS;
const VICTIMS_A_PANE = 2;
const START_MS = Date.UTC(2026, 0, 5, 10);
/** SYNs of one flood record: a rate above the ceiling over the pane. */
const SYN_PACKETS = 6000;

interface OpenLoop {
  /** Events a second of wall clock. */
  readonly rate: number;
  readonly seconds: number;
  /** What is due in the first seconds is sent, and not counted: code is being compiled. */
  readonly warmUpSeconds: number;
}

interface Latencies {
  readonly p50: number;
  readonly p99: number;
  readonly samples: number;
  /** The generator's own lag behind its schedule at the worst, ms; part of the latencies. */
  readonly worstLagMs: number;
}

const trials = {
  roles: runRoles,
  bare: runBare,

  /** Events a second of wall clock, when fed as fast as it takes them. */
  sustained: async (input: { events: number }): Promise<number> => {
    const load = makeLoad({ events: input.events, hosts: 10_000, eventsPerMs: EVENTS_PER_MS });
    return withEmbedded(async (instance) => {
      const started = performance.now();
      await processAll(instance, load.chunks);
      return load.events / ((performance.now() - started) / 1000);
    });
  },

  embedded: async (input: OpenLoop): Promise<Latencies> => {
    const schedule = makeSchedule(Math.floor(input.rate * input.seconds));
    return withEmbedded(async (instance) => {
      const storedAt = new Map<string, number>();
      instance.publisher.onChange((uid: string) => {
        if (!storedAt.has(uid)) storedAt.set(uid, performance.now());
      });
      const { pipeline } = instance;
      const decoder = zeekJson.createDecoder({ fileName: 'conn.log' });
      const source = pipeline.openSource({ id: 'load', decoder, disorderMs: 0, holdsTime: true });
      let position = 0;
      const send = (bytes: Uint8Array, start: number, end: number): void => {
        source.write(bytes, start, end, position, Date.now());
        position += end - start + 1;
      };
      const startedAt = performance.now() + 100;
      const worstLagMs = await openLoop({ ...input, startedAt, events: schedule.events }, async (from, to) => {
        for (let event = from; event < to; event++) {
          const flood = schedule.floods.get(event);
          if (flood) send(flood, 0, flood.length - 1);
          schedule.line(event, send);
        }
        await Promise.race([pipeline.flush(), instance.failed]);
      });
      source.close();
      pipeline.end();
      await pipeline.flush();
      await instance.drain();
      const isCounted = (event: number): boolean =>
        event < schedule.events && event >= input.warmUpSeconds * input.rate;
      const latencies: number[] = [];
      for (const [uid, at] of storedAt) {
        const nextPaneAt = schedule.victims.get((await instance.alerts.get(uid))?.episode.entity ?? '');
        if (nextPaneAt !== undefined && isCounted(nextPaneAt))
          latencies.push(at - startedAt - (nextPaneAt / input.rate) * 1000);
      }
      // The last pane may be one that only the end closed.
      const expected = [...schedule.victims.values()].filter(isCounted).length;
      if (latencies.length !== expected) throw new Error(`${latencies.length} alerts of ${expected} floods`);
      return { p50: quantile(latencies, 0.5), p99: quantile(latencies, 0.99), samples: latencies.length, worstLagMs };
    });
  },

  /** The peer: the same bytes at the same times into a durable log and out again, nothing else. */
  logAlone: async (input: OpenLoop): Promise<Latencies> => {
    const dir = await mkdtemp(join(tmpdir(), 'vedette-bench-'));
    const topics = [{ name: 'events', partitions: 1 }];
    const log = await openSegmentLog({ dir, topics, maxBytes: 1e11, segmentBytes: 128 << 20, fsync: 'group' });
    const events = Math.floor(input.rate * input.seconds);
    const schedule = makeSchedule(Math.min(events, EVENTS_A_PANE));
    const lineBytes = Math.round(schedule.sizeBytes / schedule.events);
    const sentFrom: number[] = [];
    const latencies: number[] = [];
    const startedAt = performance.now() + 100;
    const stop = new AbortController();
    const reader = (async () => {
      for (let next = 0; !stop.signal.aborted;) {
        const entries = await log.read('events', 0, next, { maxBytes: 4 << 20 });
        for (const { offset } of entries) {
          const event = sentFrom[offset]!;
          if (event >= input.warmUpSeconds * input.rate)
            latencies.push(performance.now() - startedAt - (event / input.rate) * 1000);
        }
        next += entries.length;
        if (entries.length === 0) await log.wait('events', 0, next, stop.signal);
      }
    })();
    const worstLagMs = await openLoop({ ...input, startedAt, events }, async (from, to) => {
      sentFrom.push(from);
      await log.append('events', 0, [new Uint8Array((to - from) * lineBytes)]);
    });
    await pause(100);
    stop.abort();
    await reader;
    await log.close();
    await rm(dir, { recursive: true, force: true });
    return { p50: quantile(latencies, 0.5), p99: quantile(latencies, 0.99), samples: latencies.length, worstLagMs };
  },
};

/** Sends what is due by the clock, one batch at a time, whatever became of the one before; gives the worst lag, ms. */
async function openLoop(
  plan: { rate: number; events: number; startedAt: number },
  send: (from: number, to: number) => Promise<void>,
): Promise<number> {
  let sent = 0;
  let worstLagMs = 0;
  while (sent < plan.events) {
    const elapsedMs = performance.now() - plan.startedAt;
    const due = Math.min(plan.events, Math.floor((elapsedMs * plan.rate) / 1000) + 1);
    if (due > sent && elapsedMs >= 0) {
      worstLagMs = Math.max(worstLagMs, elapsedMs - (sent / plan.rate) * 1000);
      await send(sent, due);
      sent = due;
    } else await pause(1);
  }
  return worstLagMs;
}

interface Schedule {
  readonly events: number;
  readonly sizeBytes: number;
  /** A flood's record, by the event before which it is sent. */
  readonly floods: ReadonlyMap<number, Uint8Array>;
  /** First event of the pane after the victim's own: when its pane could have closed. */
  readonly victims: ReadonlyMap<string, number>;
  line(event: number, send: (bytes: Uint8Array, start: number, end: number) => void): void;
}

/** Flows in memory with the end of each line; in every pane two hosts are flooded, each host once. */
function makeSchedule(count: number): Schedule {
  const chunks: { bytes: Uint8Array; ends: Uint32Array; from: number }[] = [];
  let events = 0;
  let sizeBytes = 0;
  const flows = generateFlows({
    hosts: 10_000, zipf: 1.1, seed: 11, eventsPerMs: EVENTS_PER_MS, count, startMs: START_MS, format: 'zeek-json',
  }); // prettier-ignore
  for (const bytes of flows) {
    const ends = lineEnds(bytes);
    chunks.push({ bytes, ends, from: events });
    events += ends.length;
    sizeBytes += bytes.length;
  }
  const floods = new Map<number, Uint8Array>();
  const victims = new Map<string, number>();
  for (let pane = 0; (pane + 1) * EVENTS_A_PANE <= events; pane++) {
    for (let each = 0; each < VICTIMS_A_PANE; each++) {
      const number = pane * VICTIMS_A_PANE + each;
      const victim = `10.200.${number >>> 8}.${number & 255}`;
      const event = pane * EVENTS_A_PANE + Math.floor(((each + 0.5) / VICTIMS_A_PANE) * EVENTS_A_PANE);
      floods.set(event, Buffer.from(synLine(START_MS + event / EVENTS_PER_MS, number, victim, SYN_PACKETS)));
      victims.set(victim, (pane + 1) * EVENTS_A_PANE);
    }
  }
  let current = 0;
  return {
    events,
    sizeBytes,
    floods,
    victims,
    line: (event, send) => {
      while (event >= chunks[current]!.from + chunks[current]!.ends.length) current++;
      const { bytes, ends, from } = chunks[current]!;
      const index = event - from;
      send(bytes, index === 0 ? 0 : ends[index - 1]! + 1, ends[index]!);
    },
  };
}

async function measure(bench: Bench<typeof trials>): Promise<Report> {
  if (bench.isCluster) return measureClusterLatency(bench, fileURLToPath(import.meta.url));
  const sustained: number[] = [];
  for (let run = 0; run < bench.runs; run++)
    sustained.push(await bench.run('sustained', { events: bench.isQuick ? 200_000 : 1_000_000 }));
  const half = [...sustained].sort((a, b) => a - b)[sustained.length >> 1]! / 2;
  // At least 200 samples in all runs together, and in each as many panes as the memory holds events for.
  const plan: OpenLoop = bench.isQuick
    ? { rate: half, seconds: 5, warmUpSeconds: 1 }
    : { rate: half, seconds: Math.min(60, 3_000_000 / half), warmUpSeconds: 8 };
  const ours: Latencies[] = [];
  const peer: Latencies[] = [];
  await alternate(bench.runs, [
    async () => void ours.push(await bench.run('embedded', plan)),
    async () => void peer.push(await bench.run('logAlone', plan)),
  ]);
  const samples = ours.reduce((sum, run) => sum + run.samples, 0);
  return {
    title: 'Event to alert beyond the pane',
    figures: [
      figure({
        name: 'latency_p50', unit: 'ms', better: 'lower', values: ours.map(({ p50 }) => p50), peer: peer.map(({ p50 }) => p50),
        note: `${samples} alerts in all; at ${Math.round(half).toLocaleString('en-US')} events/s`,
      }), // prettier-ignore
      figure({
        name: 'latency_p99', unit: 'ms', better: 'lower', goal: 25, values: ours.map(({ p99 }) => p99),
        peer: peer.map(({ p99 }) => p99),
        note:
          `from the intended time of the first record of the next pane to the stored alert; the generator itself lagged by up to ` +
          `${Math.max(...ours.map(({ worstLagMs }) => worstLagMs)).toFixed(0)} ms, which is included`,
      }), // prettier-ignore
      figure({
        name: 'latency_sustained', unit: 'events/s', better: 'higher', values: sustained,
        note: 'by the wall clock, fed as fast as it takes them; the latencies are taken at half of it',
      }), // prettier-ignore
    ],
    leavesOut: [
      `Event time runs faster than the clock (a pane of 10 s is ${EVENTS_A_PANE.toLocaleString('en-US')} events), so panes close ` +
        'more often than live; the disorder of the source is 0, and the wait for the pane itself is not counted.',
      'The generator runs in the same process and thread; receiving over HTTP or from files is left out.',
      'The peer appends the same number of bytes at the same times to the same durable log and reads them: produce-to-consume.',
      `The first ${plan.warmUpSeconds} s of each run are sent but not counted: code is being compiled.`,
      'Open loop: records are sent by the clock, and latency counts from when they should have been sent.',
    ],
  };
}

await runBench(import.meta.url, trials, measure);
