import { fileURLToPath } from 'node:url';
import { kafkaSchema } from '../config/kafka.ts';
import { readSections } from '../config/server-sections.ts';
import type { Config } from '../config/schema.ts';
import { startServices } from '../services/start-services.ts';
import { fillBlocks } from './kafka/block-topic.ts';
import { runDecode } from './kafka/decode-worker.ts';
import { reportFigures } from './kafka/figures.ts';
import { runJob } from './kafka/job-j.ts';
import { FLOWS_TOPIC, type JobRun, measureJob } from './kafka/job-run.ts';
import { PEER_CASES, type PeerCase, type PeerRun, Peers } from './kafka/peers.ts';
import { type DecodeRun, measureDecode, measureStages, type StagesRun } from './kafka/stream-run.ts';
import { runRoles } from './cluster/role-worker.ts';
import type { LoadSpec } from './load.ts';
import type { Report } from './report.ts';
import { alternate, runBench, type Bench } from './trial.ts';

const SCRIPT = fileURLToPath(import.meta.url);

/** The first fills the log; the others are workers, of which several run at a time. */
const trials = { fill: fillBlocks, stages: runRoles, decode: runDecode, job: runJob };

/** A run of one contestant takes a minute: fewer of them than of the other benchmarks. */
const RUNS = 3;
const PREFIX = 'bench';
const PARTITIONS = 8;
const EVENTS = { whole: 16_000_000, quick: 1_000_000 };
/** What job J must write, whoever does it, by the number of events. */
const ALERTS = new Map([
  [4_000_000, 19_707],
  [16_000_000, 98_004],
]);

async function measure(bench: Bench<typeof trials>): Promise<Report> {
  const events = bench.isQuick ? EVENTS.quick : EVENTS.whole;
  const services = await startServices({
    only: ['kafka', 'cassandra', 'clickhouse'],
    // The flows' own time is months ago: with a retention they would go.
    settings: { kafka: { 'log.retention.ms': '-1' } },
    onNotice: say,
  });
  const peers = await openPeers();
  try {
    const pids = { kafka: services.server('kafka').pid!, cassandra: services.server('cassandra').pid! };
    const config = configOf(services.env);
    const load: LoadSpec = { events, hosts: 10_000, eventsPerMs: 20 };
    say(`filling the topic of blocks with ${events} flows`);
    const blockEvents = await bench.run('fill', { config: withKeyspace(config, 'fill'), load });
    const server = {
      bootstrap: config.kafka.brokers.join(','),
      brokerPid: pids.kafka,
      topic: `${PREFIX}.${FLOWS_TOPIC}`,
    };
    const stages: StagesRun[] = [];
    const decode: DecodeRun[] = [];
    const job: JobRun[] = [];
    const others = { flinkPanes: [] as PeerRun[], flinkLean: [] as PeerRun[], streamsHeap: [] as PeerRun[] };
    const contestants = [
      async () => {
        say('the stages');
        const own = withKeyspace(config, `run${stages.length}`);
        stages.push(await measureStages({ script: SCRIPT, config: own, events: blockEvents, pids }));
      },
      async () => {
        say('the consumer that decodes blocks');
        decode.push(
          await measureDecode({ script: SCRIPT, config: withKeyspace(config, 'fill'), events: blockEvents, pids }),
        );
      },
    ];
    if (peers) {
      say(`filling the topic of JSON records with ${events} flows`);
      await peers.generate(server, events);
      const kafka = kafkaSchema.parse({ brokers: config.kafka.brokers, prefix: PREFIX, mirrorPositions: false });
      contestants.push(async () => {
        say('job J');
        const name = String(job.length);
        job.push(await measureJob({ script: SCRIPT, kafka, brokerPid: pids.kafka, name }));
      });
      for (const [key, peer] of Object.entries(PEER_CASES) as [keyof typeof others, PeerCase][])
        contestants.push(async () => {
          say(peer.name);
          others[key].push(await peers.run(peer, server));
        });
    }
    await alternate(bench.runs, contestants);
    const expected = ALERTS.get(events);
    const found = [
      ...job.map(({ alerts }) => alerts),
      ...Object.values(others)
        .flat()
        .map((run) => run.alerts_in_topic),
    ];
    const due = expected ?? found[0];
    if (found.some((alerts) => alerts !== due))
      throw new Error(`job J has ${due} alerts, but the runs wrote ${found.join(', ')}`);
    return reportFigures({ events, blockEvents, stages, decode, job, ...others });
  } finally {
    peers?.close();
    await services.stop();
  }
}

async function openPeers(): Promise<Peers | undefined> {
  const peers = await Peers.open();
  if (peers instanceof Peers) return peers;
  say(`job J and its peers are left out: ${peers}`);
  return undefined;
}

function configOf(environment: Readonly<Record<string, string>>): Config {
  // ClickHouse's password is read from the environment, by the workers as well.
  Object.assign(process.env, environment);
  const { config } = readSections(undefined, process.env);
  return { ...config, kafka: { ...config.kafka, prefix: PREFIX }, log: { ...config.log, partitions: PARTITIONS } };
}

/** Checkpoints, positions and alerts of one run are nothing to another. */
function withKeyspace(config: Config, name: string): Config {
  return { ...config, cassandra: { ...config.cassandra, keyspace: `bench_${name}` } };
}

/** What goes on, beside the report. */
function say(text: string): void {
  console.error(text);
}

await runBench(import.meta.url, trials, { runs: RUNS, measure });
