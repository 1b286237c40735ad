import { mkdtemp, open, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CheckpointStore } from '../featurestore/checkpoint-store.ts';
import { openCheckpointFiles } from '../featurestore/files/index.ts';
import type { EventLog } from '../log/event-log.ts';
import { OneAtATime } from '../stream/one-at-a-time.ts';
import { Runner, type Stage } from '../stream/runner.ts';
import type { Stage1 } from '../stream/stage1.ts';
import { createStages, defaultConfig } from './bare-stages.ts';
import { figure, type Report } from './report.ts';
import { eachHost, FlowColumns, uniformHosts } from './synthetic-flows.ts';
import { TrafficDriver } from './traffic-driver.ts';
import { alternate, runBench, type Bench } from './trial.ts';

interface CheckpointRun {
  /** How late the next block was taken at the worst from the snapshot's begin until the file was committed, ms. */
  readonly stallMs: number;
  /** The part of it that freezes the state, ms. */
  readonly beginMs: number;
  /** The same lateness while no checkpoint was being written: what else holds up the loop, ms. */
  readonly usualMs: number;
  readonly writeMs: number;
  readonly sizeBytes: number;
  readonly eventsMeanwhile: number;
  readonly hosts: number;
}

/** Checkpoints a run takes; the first, with cold code, is left out. */
const CHECKPOINTS = 2;
/** Small blocks at 100,000 events a second, so that a short stall doesn't fall between two of them. */
const BLOCK_ROWS = 512;
const BLOCK_EVERY_MS = 5;
const NAME = 'stage1-0';

const trials = {
  write: async (input: { dir: string; entities: number }): Promise<CheckpointRun> => {
    const { stage1, driver } = createState();
    driver.populate(input.entities, eachHost(0));
    const flows = new FlowColumns(BLOCK_ROWS);
    const draw = uniformHosts(input.entities, 3);
    const watch = new LoopWatch();
    const stage: Stage = {
      state: stage1,
      handle: () => {
        watch.blockBegins();
        driver.add(flows.columns);
        flows.fill(draw, driver.timeMs);
        watch.blockEnds();
      },
      settled: () => Promise.resolve(),
    };
    const files = await openCheckpointFiles({ dir: input.dir });
    const runner = createRunner(stage, watched(files, watch), { checkpointMs: 1000, untilDue: () => watch.untilDue() });
    await runner.restore();
    flows.fill(draw, driver.timeMs);
    let last: CheckpointRun | undefined;
    for (let taken = 0, seen = 0; taken < CHECKPOINTS;) {
      await runner.step();
      const { checkpoint } = runner.status;
      if (!checkpoint || checkpoint.atMs === seen) continue;
      seen = checkpoint.atMs;
      taken++;
      last = {
        ...watch.take(),
        beginMs: checkpoint.stallMs,
        sizeBytes: checkpoint.sizeBytes,
        hosts: stage1.traffic.cold.count,
      };
    }
    return last!;
  },

  restore: async (input: { dir: string; hosts: number }): Promise<{ restoreMs: number }> => {
    const { stage1 } = createState();
    const files = await openCheckpointFiles({ dir: input.dir });
    const stage: Stage = { state: stage1, handle: () => undefined, settled: () => Promise.resolve() };
    const started = performance.now();
    await createRunner(stage, files, { checkpointMs: 1e9, untilDue: () => Promise.resolve() }).restore();
    const restoreMs = performance.now() - started;
    const { count } = stage1.traffic.cold;
    if (count !== input.hosts) throw new Error(`${count} hosts came back, of ${input.hosts}`);
    return { restoreMs };
  },

  /** The peer: as many bytes written to a file and synced, and read again, with nothing else going on. */
  plainFile: async (input: { dir: string; sizeBytes: number }): Promise<{ writeMs: number; readMs: number }> => {
    const path = join(input.dir, 'plain');
    const chunk = Buffer.alloc(65_536, 7);
    let started = performance.now();
    const file = await open(path, 'w');
    for (let left = input.sizeBytes; left > 0; left -= chunk.length) await file.write(chunk);
    await file.sync();
    await file.close();
    const writeMs = performance.now() - started;
    started = performance.now();
    await readFile(path);
    const readMs = performance.now() - started;
    await rm(path);
    return { writeMs, readMs };
  },
};

function createState(): { stage1: Stage1; driver: TrafficDriver } {
  const config = defaultConfig({ maxHosts: 20_000_000, newHostsPerMinute: 1_000_000_000 });
  const { stage1 } = createStages(config);
  return { stage1, driver: new TrafficDriver(stage1.traffic) };
}

/** Blocks due at fixed times, and how late each of them is taken. */
class LoopWatch {
  private isWriting = false;
  private dueMs = performance.now();
  private freeSince = this.dueMs;
  private writingSince = 0;
  private writeMs = 0;
  private worst = { writing: 0, else: 0 };
  private blocks = 0;

  async untilDue(): Promise<void> {
    // Not a timer: its granularity of a millisecond would be part of every figure.
    do await new Promise(setImmediate);
    while (performance.now() < this.dueMs);
  }

  blockBegins(): void {
    const now = performance.now();
    const during = this.isWriting ? 'writing' : 'else';
    // What blocks themselves take, such as one that closes a minute of every host, is no stall of the checkpoint's.
    this.worst[during] = Math.max(this.worst[during], now - Math.max(this.dueMs, this.freeSince));
    if (this.isWriting) this.blocks++;
    // What was missed is not made up for: one stall is one late block.
    this.dueMs = Math.max(this.dueMs + BLOCK_EVERY_MS, now);
  }

  blockEnds(): void {
    this.freeSince = performance.now();
  }

  /** Right after the snapshot was taken: the next block may be late because of it. */
  writeBegins(): void {
    this.isWriting = true;
    this.writingSince = performance.now();
  }

  writeEnds(): void {
    this.isWriting = false;
    this.writeMs = performance.now() - this.writingSince;
    this.worst.writing = Math.max(this.worst.writing, performance.now() - Math.max(this.dueMs, this.freeSince));
  }

  take(): Pick<CheckpointRun, 'stallMs' | 'usualMs' | 'writeMs' | 'eventsMeanwhile'> {
    const { worst, writeMs, blocks } = this;
    this.worst = { writing: 0, else: 0 };
    this.blocks = 0;
    return { stallMs: worst.writing, usualMs: worst.else, writeMs, eventsMeanwhile: blocks * BLOCK_ROWS };
  }
}

function watched(store: CheckpointStore, watch: LoopWatch): CheckpointStore {
  return {
    load: (key) => store.load(key),
    begin: async (key) => {
      watch.writeBegins();
      const writer = await store.begin(key);
      return {
        write: (name, bytes) => writer.write(name, bytes),
        abort: () => writer.abort(),
        commit: async (meta) => {
          const committed = await writer.commit(meta);
          watch.writeEnds();
          return committed;
        },
      };
    },
  };
}

/** A runner over a log that never ends: each record stands for a block of events, there once it is due. */
function createRunner(
  stage: Stage,
  checkpoints: CheckpointStore,
  options: { checkpointMs: number; untilDue: () => Promise<void> },
): Runner {
  const log: Pick<EventLog, 'read' | 'bounds' | 'commit'> = {
    read: async (_topic, _partition, offset) => {
      await options.untilDue();
      return [{ offset, data: new Uint8Array(0) }];
    },
    bounds: () => ({ earliest: 0, end: Infinity }),
    commit: () => Promise.resolve(),
  };
  return new Runner(stage, {
    log: log as EventLog,
    checkpoints,
    topic: 'events',
    partition: 0,
    name: NAME,
    batchBytes: 1,
    now: Date.now,
    checkpointMs: options.checkpointMs,
    oneAtATime: new OneAtATime(),
  });
}

async function measure(bench: Bench<typeof trials>): Promise<Report> {
  const entities = bench.isQuick ? 20_000 : 1_000_000;
  const writes: CheckpointRun[] = [];
  const restores: number[] = [];
  const plain: { writeMs: number; readMs: number }[] = [];
  let sizeBytes = 250e6 * (entities / 1e6);
  await alternate(bench.runs, [
    async () => {
      const dir = await mkdtemp(join(tmpdir(), 'vedette-bench-'));
      try {
        const run = await bench.run('write', { dir, entities });
        writes.push(run);
        ({ sizeBytes } = run);
        const newest = (await readdir(dir)).find((name) => name.endsWith('.ckpt'));
        if (newest === undefined || (await stat(join(dir, newest))).size !== sizeBytes)
          throw new Error('the checkpoint is not the size that its writer said');
        restores.push((await bench.run('restore', { dir, hosts: run.hosts })).restoreMs);
      } finally {
        await rm(dir, { recursive: true, force: true });
      }
    },
    async () => {
      const dir = await mkdtemp(join(tmpdir(), 'vedette-bench-'));
      plain.push(await bench.run('plainFile', { dir, sizeBytes }));
      await rm(dir, { recursive: true, force: true });
    },
  ]);
  const most = (of: (run: CheckpointRun) => number): string => Math.max(...writes.map(of)).toFixed(1);
  return {
    title: `Checkpoint of ${entities.toLocaleString('en-US')} hosts`,
    figures: [
      figure({
        name: 'checkpoint_stall', unit: 'ms', better: 'lower', goal: 20, floor: 100,
        values: writes.map((run) => run.stallMs),
        note:
          'how long the loop was kept at the worst from a block that was due while a checkpoint was begun and written; at most ' +
          `${most((run) => run.beginMs)} ms of it to freeze the state; without a checkpoint ${most((run) => run.usualMs)} ms`,
      }), // prettier-ignore
      figure({
        name: 'checkpoint_bytes', unit: 'MB', better: 'lower', values: writes.map((run) => run.sizeBytes / 1e6),
        note: `${writes[0]!.hosts.toLocaleString('en-US')} hosts, those of the last hour hot, pairs of the day included`,
      }), // prettier-ignore
      figure({
        name: 'checkpoint_write', unit: 'ms', better: 'lower', values: writes.map((run) => run.writeMs),
        peer: plain.map(({ writeMs }) => writeMs),
        note: `while events go on (at least ${Math.min(...writes.map((run) => run.eventsMeanwhile)).toLocaleString('en-US')}); the peer: as many bytes to a file and synced, alone`,
      }), // prettier-ignore
      figure({
        name: 'checkpoint_restore', unit: 'ms', better: 'lower', goal: 2000, values: restores,
        peer: plain.map(({ readMs }) => readMs),
        note: "in a fresh process, from the system's cache; the peer: reading as many bytes",
      }), // prettier-ignore
    ],
    leavesOut: [
      'By the wall clock, so another program on the machine shows in it; stage 1 alone, uniform hosts, flows made as columns, ' +
        'in blocks of 512 every 5 ms (100,000 events/s).',
      'Copying a page at its first write is part of processing the block, not of the stall; so is closing panes and windows.',
    ],
  };
}

await runBench(import.meta.url, trials, measure);
