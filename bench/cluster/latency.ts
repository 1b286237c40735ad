import { zeekJson } from '../../ingest/decoders/zeek-json.ts';
import { pause, quantile } from '../measure.ts';
import { figure, type Report } from '../report.ts';
import { SERVER_KINDS } from '../../services/server-spec.ts';
import { type BareResult, openRaw } from './bare-pulsar.ts';
import { type BenchServers, startBenchServers } from './bench-servers.ts';
import { FlowFeed } from './flow-feed.ts';
import { PipelineRun } from './pipeline-run.ts';
import { Publisher } from './publisher.ts';
import { Worker } from './worker-link.ts';

const PULSAR_PARTITIONS = 4;
/** The default. One stream worker takes several times what all servers and roles leave of two processors. */
const PARTITIONS = 1;
/** Four flows a millisecond: event time runs some times faster than the clock, so that panes close often. */
const FEED = { hosts: 10_000, zipf: 1.1, eventsPerMs: 4, victimsAPane: 4 };
/** Zeek's: a pane closes so long after its end. */
const DISORDER_MS = zeekJson.disorderMs;
const BOUND = 400_000;
const GOAL = 250;
const FLOOR = 1000;
/** An alert that takes longer has not come. */
const PATIENCE_MS = 10_000;

interface Plan {
  readonly sustainedMs: number;
  readonly openMs: number;
  /** Of each open loop: sent, and not counted. */
  readonly settleMs: number;
}

interface Loop {
  readonly p50: number;
  readonly p99: number;
  readonly samples: number;
  readonly worstLagMs: number;
}

/** Event to alert through Pulsar and Kafka, at half of the rate that the same processes sustain. */
export async function measureClusterLatency(
  bench: { readonly runs: number; readonly isQuick: boolean },
  script: string,
): Promise<Report> {
  const plan = bench.isQuick
    ? { sustainedMs: 20_000, openMs: 12_000, settleMs: 4000 }
    : { sustainedMs: 75_000, openMs: 45_000, settleMs: 10_000 };
  const servers = await startBenchServers({
    only: SERVER_KINDS,
    prefix: 'bench',
    partitions: PARTITIONS,
    onNotice: (text) => console.error(text),
  });
  try {
    const feed = bench.isQuick ? { ...FEED, eventsPerMs: 1 } : FEED;
    const { rate, loops, unseen } = await measureWhole(script, servers, {
      plan,
      runs: bench.runs,
      feed: new FlowFeed(feed),
    });
    const bare = await measureBare(script, servers, { rate, plan });
    return report({ rate, loops, unseen, bare, plan });
  } finally {
    await servers.services.stop();
  }
}

async function measureWhole(
  script: string,
  { config }: BenchServers,
  { plan, runs, feed }: { readonly plan: Plan; readonly runs: number; readonly feed: FlowFeed },
): Promise<{ readonly rate: number; readonly loops: readonly Loop[]; readonly unseen: number }> {
  const run = await PipelineRun.start(script, config);
  try {
    const rawLog = openRaw(config);
    const topic = await rawLog.open({ name: 'raw-zeek', partitions: PULSAR_PARTITIONS });
    const publisher = new Publisher(rawLog, topic, feed);
    const endMs = performance.now() + plan.sustainedMs;
    let half: { readonly atMs: number; readonly done: number } | undefined;
    await publisher.closedLoop({
      bound: BOUND,
      done: () => run.done,
      until: () => {
        const now = performance.now();
        if (now > endMs - plan.sustainedMs / 2) half ??= { atMs: now, done: run.done };
        return now > endMs;
      },
    });
    const sustained = ((run.done - half!.done) / (performance.now() - half!.atMs)) * 1000;
    const rate = Math.floor(sustained / 2);
    console.error(`sustained: ${Math.round(sustained)} events/s; the latencies at ${rate}`);
    await run.through(feed.lines);
    const loops: Loop[] = [];
    let unseen = 0;
    for (let i = 0; i < runs; i++) {
      const loop = await Promise.race([measureLoop(run, publisher, feed, { rate, plan }), run.failed]);
      loops.push(loop);
      unseen += loop.unseen;
      console.error(`p50 ${loop.p50.toFixed(0)} ms, p99 ${loop.p99.toFixed(0)} ms, ${loop.samples} alerts`);
    }
    await rawLog.close();
    await run.stop();
    return { rate, loops, unseen };
  } finally {
    run.kill();
  }
}

async function measureLoop(
  run: PipelineRun,
  publisher: Publisher,
  feed: FlowFeed,
  { rate, plan }: { readonly rate: number; readonly plan: Plan },
): Promise<Loop & { readonly unseen: number }> {
  const startMs = performance.now() + 100;
  const firstFlow = feed.flows;
  const flows = Math.floor((rate * plan.openMs) / 1000);
  const worstLagMs = await publisher.openLoop({ rate, flows, startMs });
  const due = [...feed.victims].flatMap(([address, nextPane]) => {
    const flow = feed.after(nextPane, DISORDER_MS);
    const dueMs = startMs + ((flow - firstFlow) / rate) * 1000;
    return flow < feed.flows && dueMs >= startMs + plan.settleMs ? [{ address, dueMs }] : [];
  });
  const isSeen = ({ address }: { readonly address: string }): boolean => run.alerts.seenAt.has(address);
  const until = performance.now() + PATIENCE_MS;
  while (!due.every(isSeen) && performance.now() < until) await pause(50);
  const latencies = due.filter(isSeen).map(({ address, dueMs }) => run.alerts.seenAt.get(address)! - dueMs);
  return {
    p50: quantile(latencies, 0.5),
    p99: quantile(latencies, 0.99),
    samples: latencies.length,
    unseen: due.length - latencies.length,
    worstLagMs,
  };
}

/** The same messages at the same times through Pulsar alone. */
async function measureBare(
  script: string,
  { config }: BenchServers,
  { rate, plan }: { readonly rate: number; readonly plan: Plan },
): Promise<{ readonly p50: number; readonly p99: number }> {
  const rawLog = openRaw(config);
  const topic = await rawLog.open({ name: 'raw-alone', partitions: PULSAR_PARTITIONS });
  const worker = new Worker<BareResult>(script, 'bare', { config, topic: topic.name, partitions: topic.partitions });
  try {
    while (!worker.last) await pause(50);
    const feed = new FlowFeed({ ...FEED, victimsAPane: 0 });
    const flows = Math.floor((rate * plan.openMs) / 1000);
    await new Publisher(rawLog, topic, feed).openLoop({ rate, flows, startMs: performance.now() + 100 });
    await pause(1000);
    worker.tell('stop');
    const { latenciesMs } = await worker.result;
    const counted = latenciesMs.slice(Math.floor((latenciesMs.length * plan.settleMs) / plan.openMs));
    return { p50: quantile(counted, 0.5), p99: quantile(counted, 0.99) };
  } finally {
    worker.kill();
    await rawLog.close();
  }
}

function report(run: {
  readonly rate: number;
  readonly loops: readonly Loop[];
  readonly unseen: number;
  readonly bare: { readonly p50: number; readonly p99: number };
  readonly plan: Plan;
}): Report {
  const { rate, loops, unseen, bare, plan } = run;
  if (unseen > 0) throw new Error(`${unseen} alerts did not come within ${PATIENCE_MS / 1000} s`);
  const samples = loops.reduce((sum, loop) => sum + loop.samples, 0);
  return {
    title: 'Event to alert through Pulsar and Kafka, beyond the pane and the format’s disorder',
    figures: [
      figure({
        name: 'cluster_latency_p50', unit: 'ms', better: 'lower', values: loops.map(({ p50 }) => p50), peer: [bare.p50],
        note: `${samples} alerts in all; at ${rate.toLocaleString('en-US')} events/s, half of what the same processes sustain`,
      }), // prettier-ignore
      figure({
        name: 'cluster_latency_p99', unit: 'ms', better: 'lower', values: loops.map(({ p99 }) => p99), peer: [bare.p99],
        goal: GOAL, floor: FLOOR,
        note:
          'from the intended time of the first flow behind the pane and the disorder until the alert is read out of Kafka; ' +
          `the shipper lagged by up to ${Math.max(...loops.map(({ worstLagMs }) => worstLagMs)).toFixed(0)} ms, which is included`,
      }), // prettier-ignore
    ],
    leavesOut: [
      `Event time runs faster than the clock (${FEED.eventsPerMs} flows a millisecond), so panes close more often than live.`,
      'Open loop: a message a partition every 50 ms by the clock; the wait for the end of that slot is part of the latency.',
      `All loops run one after another on the same processes; the first ${plan.settleMs / 1000} s of each are not counted.`,
      'The peer: the same messages at the same rate from the begin of their publishing until another process has them out of ' +
        'Pulsar; the wait for the slot is not in it.',
      'All servers, a process each for ingest, sink and stream, and the shipper share this machine.',
    ],
  };
}
