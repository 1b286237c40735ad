import { fileURLToPath } from 'node:url';
import { zeekJson } from '../ingest/decoders/zeek-json.ts';
import { runBare, openRaw, type BareResult } from './cluster/bare-pulsar.ts';
import { type BenchServers, serverSeconds, startBenchServers } from './cluster/bench-servers.ts';
import { FlowFeed } from './cluster/flow-feed.ts';
import { PipelineRun } from './cluster/pipeline-run.ts';
import { Publisher } from './cluster/publisher.ts';
import { runRoles } from './cluster/role-worker.ts';
import { Worker } from './cluster/worker-link.ts';
import { pause, quantile } from './measure.ts';
import { figure, type Report } from './report.ts';
import { runBench, type Bench } from './trial.ts';
import { SERVER_KINDS } from '../services/server-spec.ts';

const SCRIPT = fileURLToPath(import.meta.url);
const trials = { roles: runRoles, bare: runBare };

const TOPIC = 'raw-zeek';
const PULSAR_PARTITIONS = 4;
/** The default. One stream worker takes several times what all servers and roles leave of two processors. */
const PARTITIONS = 1;
const FEED = { hosts: 10_000, zipf: 1.1, eventsPerMs: 20, victimsAPane: 1 };
/** Zeek's disorder: a pane closes so long after its end. */
const DISORDER_MS = zeekJson.disorderMs;
/** Lines on their way at most: some seconds at the rates asked for. */
const BOUND = 400_000;
const MINUTES = 5;
const GOAL = 60_000;
const FLOOR = 25_000;

async function measure(bench: Bench<typeof trials>): Promise<Report> {
  const plan = bench.isQuick ? { warmMs: 10_000, stretchMs: 5000 } : { warmMs: 45_000, stretchMs: 60_000 };
  const servers = await startBenchServers({
    only: SERVER_KINDS,
    prefix: 'bench',
    partitions: PARTITIONS,
    onNotice: say,
  });
  try {
    say('Pulsar alone');
    const bare = await measureBare(servers, plan.stretchMs / 2);
    say('the whole way');
    const run = await measureWhole(servers, plan);
    return report(run, bare, plan.stretchMs);
  } finally {
    await servers.services.stop();
  }
}

/** Events a second that one process gets out of Pulsar and drops. */
async function measureBare({ config }: BenchServers, forMs: number): Promise<number> {
  const rawLog = openRaw(config);
  const topic = await rawLog.open({ name: 'raw-alone', partitions: PULSAR_PARTITIONS });
  const input = { config, topic: topic.name, partitions: topic.partitions };
  const worker = new Worker<BareResult>(SCRIPT, 'bare', input);
  try {
    while (!worker.last) await pause(50);
    const feed = new FlowFeed({ ...FEED, victimsAPane: 0 });
    const endMs = performance.now() + forMs;
    const done = (): number => worker.last?.events ?? 0;
    await new Publisher(rawLog, topic, feed).closedLoop({ bound: BOUND, done, until: () => performance.now() > endMs });
    // Its first half warms the code up.
    const { samples } = worker;
    const last = samples.at(-1)!;
    const half = samples.find(({ atMs }) => atMs >= last.atMs - forMs / 2)!;
    worker.tell('stop');
    await worker.result;
    return ((last.events - half.events) / (last.atMs - half.atMs)) * 1000;
  } finally {
    worker.kill();
    await rawLog.close();
  }
}

interface WholeRun {
  /** Of each minute. */
  readonly rates: readonly number[];
  /** Lines that were on their way, at each look. */
  readonly underWay: readonly number[];
  /** Processor seconds per million events, by process. */
  readonly costs: ReadonlyMap<string, number>;
  readonly peaksMb: ReadonlyMap<string, number>;
  readonly drainSeconds: number;
  readonly lines: number;
  readonly rows: number;
  readonly distinct: number;
  readonly alertsDue: number;
  readonly alertsFound: number;
  readonly alertsRepeated: number;
}

async function measureWhole(
  { services, config }: BenchServers,
  plan: { readonly warmMs: number; readonly stretchMs: number },
): Promise<WholeRun> {
  const run = await PipelineRun.start(SCRIPT, config);
  try {
    const rawLog = openRaw(config);
    const topic = await rawLog.open({ name: TOPIC, partitions: PULSAR_PARTITIONS });
    const feed = new FlowFeed(FEED);
    let isOver = false;
    const published = new Publisher(rawLog, topic, feed).closedLoop({
      bound: BOUND,
      done: () => run.done,
      until: () => isOver,
    });
    const watched = watch(run, { feed, plan, seconds: () => secondsOf(run, services) });
    const counted = await Promise.race([watched, published.then(() => watched), run.failed]);
    isOver = true;
    await published;
    const stoppedAt = performance.now();
    await run.through(feed.lines);
    const drainSeconds = (performance.now() - stoppedAt) / 1000;
    // The alerts of what came last go through one more topic.
    await pause(2000);
    const due = [...feed.victims].filter(([, next]) => feed.after(next, DISORDER_MS) < feed.flows);
    const found = due.filter(([address]) => run.alerts.seenAt.has(address));
    const { rows, distinct } = await run.countRows();
    await rawLog.close();
    const results = await run.stop();
    return {
      ...counted,
      peaksMb: new Map([...results].map(([role, { peakMb }]) => [role, peakMb])),
      drainSeconds,
      lines: feed.lines,
      rows,
      distinct,
      alertsDue: due.length,
      alertsFound: found.length,
      alertsRepeated: run.alerts.repeated.size,
    };
  } finally {
    run.kill();
  }
}

/** Warms up and then looks on for the minutes that count. */
async function watch(
  run: PipelineRun,
  options: {
    readonly feed: FlowFeed;
    readonly plan: { readonly warmMs: number; readonly stretchMs: number };
    readonly seconds: () => Map<string, number>;
  },
): Promise<Pick<WholeRun, 'rates' | 'underWay' | 'costs'>> {
  const { feed, plan, seconds } = options;
  await pause(plan.warmMs);
  const before = { seconds: seconds(), done: run.done };
  const rates: number[] = [];
  const underWay: number[] = [];
  for (let minute = 0; minute < MINUTES; minute++) {
    const from = { atMs: performance.now(), done: run.done };
    while (performance.now() - from.atMs < plan.stretchMs) {
      underWay.push(feed.lines - run.done);
      await pause(200);
    }
    rates.push(((run.done - from.done) / (performance.now() - from.atMs)) * 1000);
    say(`${Math.round(rates.at(-1)!)} events/s, ${underWay.at(-1)} on their way`);
  }
  const events = run.done - before.done;
  const costs = new Map(
    [...seconds()].map(([name, value]) => [name, ((value - (before.seconds.get(name) ?? 0)) / events) * 1e6]),
  );
  return { rates, underWay, costs };
}

/** Processor seconds so far of everything that runs. */
function secondsOf(run: PipelineRun, services: BenchServers['services']): Map<string, number> {
  const { user, system } = process.cpuUsage();
  return new Map([
    ...serverSeconds(services),
    ...[...run.workers].map(([role, worker]): [string, number] => [role, worker.last?.cpuSeconds ?? 0]),
    ['shipper', (user + system) / 1e6],
  ]);
}

function report(run: WholeRun, bare: number, stretchMs: number): Report {
  const { rates, underWay, costs, peaksMb } = run;
  const lagSeconds = (lines: number): string => (lines / quantile(rates, 0.5)).toFixed(1);
  const inOrder = [...costs].sort(([, left], [, right]) => right - left);
  const total = inOrder.reduce((sum, [, cost]) => sum + cost, 0);
  if (run.rows !== run.lines || run.distinct !== run.lines)
    throw new Error(`${run.lines} lines were published, ${run.rows} rows (${run.distinct} distinct) are stored`);
  if (run.alertsFound !== run.alertsDue || run.alertsRepeated > 0)
    throw new Error(`${run.alertsFound} of ${run.alertsDue} floods have an alert, ${run.alertsRepeated} more than one`);
  return {
    title: 'From Pulsar’s socket to rows in ClickHouse and alerts in Kafka',
    figures: [
      figure({
        name: 'cluster_sustained', unit: 'events/s', better: 'higher', values: rates, peer: [bare], goal: GOAL, floor: FLOOR,
        note:
          `by wall clock, everything on this machine; each value is a stretch of ${stretchMs / 1000} s of one run; lag ` +
          `${lagSeconds(quantile(underWay, 0.5))} s in the median, ${lagSeconds(Math.max(...underWay))} s at most, ${run.drainSeconds.toFixed(1)} s ` +
          `to nothing after the last; ${run.lines} lines, as many rows, each once; ${run.alertsFound} of ${run.alertsDue} floods ` +
          `with an alert, none with two; peer: one process that takes the same messages out of Pulsar and drops them`,
      }), // prettier-ignore
      figure({
        name: 'cluster_cpu', unit: 'processor s/M events', better: 'lower', values: [total],
        note: inOrder.map(([name, cost]) => `${name} ${cost.toFixed(1)}`).join(', '),
      }), // prettier-ignore
      figure({
        name: 'cluster_peak_memory', unit: 'MB', better: 'lower', values: [Math.max(...peaksMb.values())],
        note: `resident, the largest of the roles: ${[...peaksMb].map(([role, mb]) => `${role} ${mb}`).join(', ')}`,
      }), // prettier-ignore
    ],
    leavesOut: [
      `Closed loop: the shipper holds back while ${BOUND.toLocaleString('en-US')} lines are on their way, so the lag cannot ` +
        'grow beyond that; the rate is what came through.',
      `Lines of 280 bytes of ${FEED.hosts.toLocaleString('en-US')} hosts (Zipf ${FEED.zipf}), ${FEED.eventsPerMs} a millisecond of event time, a flood ` +
        `a pane; messages of 250 kB of lines, in gzip as Vedette’s listeners publish, over the WebSocket service; ${PULSAR_PARTITIONS} partitions in Pulsar and ` +
        `${PARTITIONS} in Kafka; a process each for ingest, sink and stream; one replica of everything; all defaults else.`,
      'The shipper makes its lines on the same processors. The first stretch, not counted, warms the code up.',
      'A flood counts as due once its pane and Zeek’s five minutes of disorder have passed in event time.',
    ],
  };
}

/** What goes on, beside the report. */
function say(text: string): void {
  console.error(text);
}

await runBench(import.meta.url, trials, { runs: 1, measure });
