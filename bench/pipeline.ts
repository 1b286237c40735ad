import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { allAlerts } from '../cli/analyze-run.ts';
import { ChildServer } from '../olap/child-server.ts';
import { OlapClient } from '../olap/client.ts';
import { migrate } from '../olap/migrate.ts';
import { BareStages, createBareIngest, defaultConfig } from './bare-stages.ts';
import { processAll, readAll, withEmbedded } from './embedded-run.ts';
import { IdiomaticPipeline, type InsertRows } from './idiomatic/pipeline.ts';
import { makeLoad, type LoadSpec } from './load.ts';
import { ownSeconds, pause, processorSeconds } from './measure.ts';
import { figure, type Report } from './report.ts';
import { alternate, runBench, type Bench } from './trial.ts';

interface WholeRun {
  readonly events: number;
  /** Processor time until every effect is stored: of this process, and of ClickHouse. */
  readonly ownSeconds: number;
  readonly olapSeconds: number;
  /** The same of all processes until ClickHouse had merged what it merges at once. */
  readonly mergedSeconds: number;
  readonly wallSeconds: number;
  readonly flooded: readonly string[];
  readonly alerts: number;
}

interface PartRun {
  readonly events: number;
  readonly seconds: number;
  readonly flooded: readonly string[];
}

const QUIET_MS = 2000;
const MERGES_MAX_MS = 60_000;

const trials = {
  /** The whole program: bytes to rows and alerts. */
  embedded: async (spec: LoadSpec): Promise<WholeRun> => {
    const load = makeLoad(spec);
    return withEmbedded(async (instance) => {
      const run = await measureWhole(instance.olap, () => processAll(instance, load.chunks));
      await expectRows(instance.olap, load.events);
      const alerts = await allAlerts(instance);
      const floods = alerts.filter(({ episode }) => episode.family === 'denial-of-service');
      const flooded = floods.map(({ episode }) => episode.entity).sort();
      return { ...run, events: load.events, flooded, alerts: alerts.length };
    });
  },

  /** The same job in idiomatic code, into the same tables with the same views. */
  idiomatic: async (spec: LoadSpec): Promise<WholeRun> => {
    const load = makeLoad(spec);
    const dataDir = await mkdtemp(join(tmpdir(), 'vedette-bench-'));
    const child = new ChildServer({ dataDir, limits: { maxMemoryBytes: defaultConfig().olap.memoryBytes } });
    await child.start();
    const olap = new OlapClient({ endpoint: () => child.endpoint });
    try {
      await migrate(olap);
      let inserts = 0;
      const pipeline = new IdiomaticPipeline((table, rows) =>
        olap.insertRows(`vedette_store.${table}`, rows, { token: `${table}/${inserts++}` }),
      );
      const run = await measureWhole(olap, () => pushAll(pipeline, load.chunks));
      await expectRows(olap, load.events);
      const { flooded, traffic } = pipeline;
      const alerts = new Set(traffic.findings.map(({ detector, entity }) => `${detector} ${entity}`)).size;
      return { ...run, events: load.events, flooded, alerts };
    } finally {
      await olap.close();
      await child.stop();
      await rm(dataDir, { recursive: true, force: true });
    }
  },

  /** Bytes to the blocks that would be appended to the log and inserted. */
  ingest: async (spec: LoadSpec): Promise<PartRun> => {
    const load = makeLoad(spec);
    let blocks = 0;
    const ingest = createBareIngest(defaultConfig(), () => blocks++);
    const seconds = await ownSeconds(() => readAll(ingest, load.chunks, () => Promise.resolve()));
    return { events: load.events, seconds, flooded: [] };
  },

  /** Bytes to blocks, features and alerts, in memory: everything but the log and the insert. */
  beforeInsert: async (spec: LoadSpec): Promise<PartRun> => {
    const load = makeLoad(spec);
    const stages = new BareStages(defaultConfig());
    const ingest = createBareIngest(defaultConfig(), (block) => stages.take(block));
    const seconds = await ownSeconds(() => readAll(ingest, load.chunks, () => Promise.resolve()));
    const floods = [...stages.episodes.values()].filter(({ family }) => family === 'denial-of-service');
    return { events: load.events, seconds, flooded: floods.map(({ entity }) => entity).sort() };
  },

  /** The peer's part: bytes to the JSONEachRow bodies, features and alerts. */
  idiomaticBeforeInsert: async (spec: LoadSpec): Promise<PartRun> => {
    const load = makeLoad(spec);
    let bodyBytes = 0;
    const encode: InsertRows = (_table, rows) => {
      bodyBytes += Buffer.from(rows.map((row) => JSON.stringify(row)).join('\n')).length;
      return Promise.resolve();
    };
    const pipeline = new IdiomaticPipeline(encode);
    const seconds = await ownSeconds(() => pushAll(pipeline, load.chunks));
    if (bodyBytes === 0) throw new Error('nothing was encoded');
    return { events: load.events, seconds, flooded: pipeline.flooded };
  },
};

async function pushAll(pipeline: IdiomaticPipeline, chunks: readonly Uint8Array[]): Promise<void> {
  for (const chunk of chunks) await pipeline.push(chunk);
  await pipeline.end();
}

async function measureWhole(
  olap: OlapClient,
  work: () => Promise<void>,
): Promise<Pick<WholeRun, 'ownSeconds' | 'olapSeconds' | 'mergedSeconds' | 'wallSeconds'>> {
  const before = processorSeconds();
  const started = performance.now();
  await work();
  const wallSeconds = (performance.now() - started) / 1000;
  const after = processorSeconds();
  await mergesQuiet(olap);
  const merged = processorSeconds();
  return {
    ownSeconds: after.own - before.own,
    olapSeconds: after.children - before.children,
    mergedSeconds: merged.own - before.own + merged.children - before.children,
    wallSeconds,
  };
}

/** Resolves once no merge has run and no part has appeared for a while. */
async function mergesQuiet(olap: OlapClient): Promise<void> {
  let seen = '';
  let since = performance.now();
  const until = since + MERGES_MAX_MS;
  while (performance.now() < until) {
    const [now] = await olap.query<object>(
      `SELECT (SELECT count() FROM system.merges) AS merges, (SELECT groupArray(name) FROM system.parts
       WHERE active AND database = 'vedette_store') AS parts`,
    );
    const state = JSON.stringify(now);
    if (state !== seen || !state.includes('"merges":0')) since = performance.now();
    seen = state;
    if (performance.now() - since >= QUIET_MS) return;
    await pause(250);
  }
}

async function expectRows(olap: OlapClient, events: number): Promise<void> {
  const [found] = await olap.query<{ rows: number }>('SELECT count() AS rows FROM vedette_store.events');
  if (found?.rows !== events) throw new Error(`${found?.rows} rows are stored, of ${events} events`);
}

const GOAL = 200_000;
const FLOOR = 80_000;

async function measure(bench: Bench<typeof trials>): Promise<Report> {
  const spec: LoadSpec = bench.isQuick
    ? { events: 100_000, hosts: 10_000, eventsPerMs: 2 }
    : { events: 2_000_000, hosts: 10_000, eventsPerMs: 20 };
  const whole: WholeRun[] = [];
  const wholePeer: WholeRun[] = [];
  const ingest: PartRun[] = [];
  const before: PartRun[] = [];
  const beforePeer: PartRun[] = [];
  await alternate(bench.runs, [
    async () => void whole.push(await bench.run('embedded', spec)),
    async () => void wholePeer.push(await bench.run('idiomatic', spec)),
    async () => void ingest.push(await bench.run('ingest', spec)),
    async () => void before.push(await bench.run('beforeInsert', spec)),
    async () => void beforePeer.push(await bench.run('idiomaticBeforeInsert', spec)),
  ]);
  const victims = expectSameFloods([...whole, ...wholePeer, ...before, ...beforePeer].map(({ flooded }) => flooded));
  const rate = (runs: readonly PartRun[]): number[] => runs.map(({ events, seconds }) => events / seconds);
  const drained = (runs: readonly WholeRun[]): number[] =>
    runs.map(({ events, ownSeconds: own, olapSeconds }) => events / (own + olapSeconds));
  const merged = (runs: readonly WholeRun[]): number[] =>
    runs.map(({ events, mergedSeconds }) => events / mergedSeconds);
  const micros = (of: (run: WholeRun) => number): string =>
    middle(whole.map((run) => (of(run) * 1e6) / run.events)).toFixed(2);
  const unit = 'events/s of processor time';
  return {
    title: 'Bytes to rows in ClickHouse and alerts, all detectors on',
    figures: [
      figure({
        name: 'pipeline', unit, better: 'higher', values: drained(whole), peer: drained(wholePeer), goal: GOAL,
        floor: FLOOR, goalRatio: 2,
        note:
          `until everything is stored, merges that ran meanwhile included; ${micros((run) => run.ownSeconds)} µs an event ` +
          `of our process, ${micros((run) => run.olapSeconds)} of ClickHouse; both sides found the floods of ${victims}; ` +
          `${whole[0]!.alerts} alerts in all`,
      }), // prettier-ignore
      figure({
        name: 'pipeline_merged', unit, better: 'higher', values: merged(whole), peer: merged(wholePeer), goal: GOAL,
        floor: FLOOR, goalRatio: 2,
        note:
          'until ClickHouse has been quiet for 2 s: all merges of the statistics and features; parts of events above ' +
          '32 MB wait until their day has been quiet for an hour, and that merge is in neither',
      }), // prettier-ignore
      figure({
        name: 'pipeline_before_insert', unit, better: 'higher', values: rate(before), peer: rate(beforePeer), goalRatio: 5,
        note: 'bytes to encoded blocks, features and alerts in memory; the peer: to JSONEachRow bodies; no log on either side',
      }), // prettier-ignore
      figure({
        name: 'pipeline_ingest',
        unit,
        better: 'higher',
        values: rate(ingest),
        note: 'bytes to encoded blocks',
      }),
      figure({
        name: 'pipeline_stages', unit, better: 'higher',
        values: before.map((run, i) => run.events / (run.seconds - ingest[i]!.seconds)),
        note: 'stage 1 and 2 from the blocks on: pipeline_before_insert less pipeline_ingest',
      }), // prettier-ignore
      figure({
        name: 'pipeline_store', unit, better: 'higher',
        values: whole.map((run, i) => run.events / (run.ownSeconds + run.olapSeconds - before[i]!.seconds)),
        note: 'event log, sink, alert store, checkpoints and ClickHouse: pipeline less pipeline_before_insert',
      }), // prettier-ignore
      figure({
        name: 'pipeline_wall', unit: 'events/s', better: 'higher',
        values: whole.map(({ events, wallSeconds }) => events / wallSeconds),
        peer: wholePeer.map(({ events, wallSeconds }) => events / wallSeconds),
        note: 'by the wall clock: depends on what else the machine does',
      }), // prettier-ignore
    ],
    leavesOut: [
      `${spec.events.toLocaleString('en-US')} generated flows of ${spec.hosts.toLocaleString('en-US')} hosts (Zipf 1.1), ` +
        `${spec.eventsPerMs} a millisecond of event time, and three injected SYN floods; made before and held in memory, so ` +
        'reading files or sockets and decompression are left out.',
      'One kind of log (Zeek conn as JSON), in order, one source, one partition; disorder 5 min as by default.',
      'The peer has no durable log, no restart, no duplicates, dead letters, late records, IPv6 or limits, and no evidence.',
      'Start and stop of the program and of ClickHouse are left out; so are recall and false alarms: npm run quality.',
    ],
  };
}

function middle(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]!;
}

function expectSameFloods(found: readonly (readonly string[])[]): string {
  const texts = new Set(found.map((flooded) => flooded.join(', ')));
  const [first] = texts;
  if (texts.size !== 1 || first === undefined || first === '')
    throw new Error(`the runs found different floods: ${[...texts].map((text) => `[${text}]`).join(' ')}`);
  return first;
}

await runBench(import.meta.url, trials, measure);
