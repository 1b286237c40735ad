import { summarise } from '../measure.ts';
import { figure, type Figure, type Report } from '../report.ts';
import type { JobRun } from './job-run.ts';
import type { PeerRun } from './peers.ts';
import type { DecodeRun, StagesRun } from './stream-run.ts';

export interface KafkaRuns {
  /** Flows made, and those in the topic of blocks, floods included. */
  readonly events: number;
  readonly blockEvents: number;
  readonly stages: readonly StagesRun[];
  readonly decode: readonly DecodeRun[];
  /** Empty where the peers are missing. */
  readonly job: readonly JobRun[];
  readonly flinkPanes: readonly PeerRun[];
  readonly flinkLean: readonly PeerRun[];
  readonly streamsHeap: readonly PeerRun[];
}

const STAGES_GOAL = 400_000;
const STAGES_FLOOR = 150_000;
const UNIT = 'events/s on the machine';

export function reportFigures(runs: KafkaRuns): Report {
  return {
    title: 'Through Kafka on the same machine',
    figures: [...stageFigures(runs), ...(runs.job.length > 0 ? jobFigures(runs) : [])],
    leavesOut: leavesOut(runs),
  };
}

function stageFigures({ stages, decode, blockEvents }: KafkaRuns): Figure[] {
  const each = (of: (run: StagesRun) => number): string => perMillion(stages.map((run) => of(run) / blockEvents));
  const judged = ({ judgedMinutes, judgedTargets, whole }: StagesRun): number =>
    (judgedMinutes + judgedTargets) / whole.wallSeconds;
  return [
    figure({
      name: 'kafka_stages', unit: UNIT, better: 'higher', values: stages.map(({ whole }) => rate(whole)),
      peer: decode.map(({ whole }) => rate(whole)), goal: STAGES_GOAL, floor: STAGES_FLOOR, goalRatio: 0.25,
      note:
        `from the first block to no lag on both topics, all effects stored; processor seconds per million events: ` +
        `${each(({ whole }) => whole.cpuSeconds)} of the two workers, ${each((run) => run.brokerSeconds)} of the broker, ` +
        `${each((run) => run.cassandraSeconds)} of Cassandra; ${middle(stages.map((run) => run.checkpoints))} checkpoints; ` +
        `${middle(stages.map((run) => run.alerts))} records in the topic of alerts, ${middle(stages.map((run) => run.findings))} in ` +
        `that of findings; ${middle(stages.map((run) => run.peakMb))} MB resident at most, both workers`,
    }), // prettier-ignore
    figure({
      name: 'kafka_stages_2nd_half', unit: UNIT, better: 'higher', values: stages.map(({ secondHalf }) => rate(secondHalf)),
      peer: decode.map(({ secondHalf }) => rate(secondHalf)),
      note: 'from half of the events on: without most of the compiler’s warm-up and the group’s first dealing',
    }), // prettier-ignore
    figure({
      name: 'kafka_stages_cpu', unit: 'events/s of processor time of the workers', better: 'higher',
      values: stages.map(({ whole }) => whole.events / whole.cpuSeconds),
      peer: decode.map(({ whole }) => whole.events / whole.cpuSeconds),
      note: `the consumer beside it: ${perMillion(decode.map((run) => run.brokerSeconds / blockEvents))} s per million of the broker`,
    }), // prettier-ignore
    figure({
      name: 'kafka_stages_evaluations', unit: 'evaluations/s', better: 'higher', values: stages.map(judged),
      note:
        `hosts judged at the ends of their minutes (${middle(stages.map((run) => run.judgedMinutes))} in a run) and targets at ` +
        `the ends of panes and minutes (${middle(stages.map((run) => run.judgedTargets))})`,
    }), // prettier-ignore
  ];
}

function jobFigures({ job, flinkPanes, flinkLean, streamsHeap }: KafkaRuns): Figure[] {
  const ours = job.map(({ eps }) => eps);
  const peers = [
    { name: 'job_j', runs: flinkPanes, goalRatio: 0.5, is: 'Flink, panes, all fields (the goal is to be ahead of it: 1.00×)' },
    { name: 'job_j_beside_flink_lean', runs: flinkLean, is: 'Flink, panes, only the needed fields parsed and shuffled' },
    { name: 'job_j_beside_streams', runs: streamsHeap, is: 'Kafka Streams, Processor API, heap' },
  ] as const; // prettier-ignore
  const median = (of: (run: JobRun) => number): number => middle(job.map(of));
  return [
    ...peers.map(
      (peer) =>
      figure({
        name: peer.name, unit: UNIT, better: 'higher', values: ours, peer: peer.runs.map(({ eps }) => eps),
        ...('goalRatio' in peer ? { goalRatio: peer.goalRatio } : {}),
        note:
          `peer: ${peer.is}; ${cost(peer.runs)}` +
          (peer.name === 'job_j'
            ? `. Ours: ${median((run) => run.cpuPerM).toFixed(2)} processor s per million (second half ` +
              `${median((run) => run.secondHalfCpuPerM).toFixed(2)}), broker ${median((run) => run.brokerCpuPerM).toFixed(2)}, ` +
              `${median((run) => run.peakMb)} MB, ${median((run) => run.alerts)} alerts, as every contestant; ` +
              `${median((run) => run.checkpoints)} checkpoints a worker; ` +
              `${Math.round(median((run) => run.evaluationsPerSecond)).toLocaleString('en-US')} evaluations/s of three series each`
            : ''),
      }), // prettier-ignore
    ),
    figure({
      name: 'job_j_2nd_half', unit: UNIT, better: 'higher', values: job.map(({ secondHalfEps }) => secondHalfEps),
      peer: flinkPanes.map((run) => run.eps_2nd_half), note: 'peer: Flink, panes, all fields; events n/2 to n',
    }), // prettier-ignore
    figure({
      name: 'job_j_cpu', unit: 'events/s of processor time of the contestant', better: 'higher',
      values: job.map(({ cpuPerM }) => 1e6 / cpuPerM), peer: flinkPanes.map((run) => 1e6 / run.cpu_s_per_M),
      note: 'peer: Flink, panes, all fields; the broker’s not counted',
    }), // prettier-ignore
  ];
}

function cost(runs: readonly PeerRun[]): string {
  const median = (of: keyof PeerRun): number => middle(runs.map((run) => run[of]));
  return (
    `${median('cpu_s_per_M').toFixed(2)} processor s per million (second half ${median('cpu_s_per_M_2nd').toFixed(2)}), ` +
    `broker ${median('broker_cpu_s_per_M').toFixed(2)}, ${median('rss_MB')} MB, second half ` +
    `${Math.round(median('eps_2nd_half')).toLocaleString('en-US')} events/s`
  );
}

function leavesOut({ events, blockEvents, job }: KafkaRuns): string[] {
  const count = (value: number): string => value.toLocaleString('en-US');
  return [
    `One broker, one replica, on the processors of the workers; loopback; the topics lie in the page cache. Runs of a ` +
      `catch-up, not of latency: npm run bench:latency.`,
    `The stages: ${count(blockEvents)} events in blocks of the default size (generated Zeek flows of 10,000 hosts, Zipf 1.1, ` +
      `20 a millisecond of event time, three SYN floods), made before by ingest; 8 partitions, 2 processes that share them by ` +
      `Kafka's group; all defaults; checkpoints, positions and alerts in Cassandra. Pulsar, ingest and the sink stand still; ` +
      `ClickHouse runs and gets nothing. Start of the processes is left out, the group's dealing is not.`,
    'The consumer beside them reads the same blocks through the same log in as many processes, decodes them to columns, ' +
      'reads every value once and drops them; its partitions are dealt out by hand; it writes and keeps nothing.',
    ...(job.length > 0
      ? [
          `Job J: ${count(events)} JSON records of 259 bytes of peers.Gen in 8 partitions, without compression; ours in 2 ` +
            'processes of 4 partitions, dealt out by hand, a checkpoint of all state to local files every 10 s, as Flink; ' +
            'alerts in Kafka before a checkpoint counts. Each JSON record is checked whole, but the other fields are not ' +
            'kept: Flink’s panes-lean does the same. Our hosts are addresses of 16 bytes, not texts. Start-up is in no rate; ' +
            'ours counts until the last alert is stored, the peers until the last event is taken.',
          'The peers’ processor time and memory are from their own meter; ours is of both worker processes.',
        ]
      : [
          'Job J and its peers: no folder of the peers (VEDETTE_PEERS), no Java 17 or no Maven here; or they were not built.',
        ]),
    'No run here kills or restarts anything; recall and false alarms: npm run quality.',
    'Three runs by default, since one round of all contestants takes minutes; runs alternate in order.',
  ];
}

function rate({ events, wallSeconds }: { readonly events: number; readonly wallSeconds: number }): number {
  return events / wallSeconds;
}

function middle(values: readonly number[]): number {
  return values.length === 0 ? NaN : summarise(values).median;
}

function perMillion(values: readonly number[]): string {
  return (middle(values) * 1e6).toFixed(2);
}
