import { type ChildProcess, fork } from 'node:child_process';

/** Where a worker stands: sums since its start. */
export interface Sample {
  /** Wall clock, ms since 1970, with fractions. */
  readonly atMs: number;
  readonly events: number;
  readonly evaluations: number;
  /** Processor time of the worker's process, threads included. */
  readonly cpuSeconds: number;
  /** What else the worker tells. */
  readonly state?: unknown;
}

const SAMPLE_MS = 20;

export function nowMs(): number {
  return performance.timeOrigin + performance.now();
}

/** In a worker: tells the benchmark's main process where the work stands. */
export class Reporter {
  private readonly read: () => Pick<Sample, 'events' | 'evaluations' | 'state'>;
  private lastMs = -Infinity;

  constructor(read: () => Pick<Sample, 'events' | 'evaluations' | 'state'>) {
    this.read = read;
  }

  reportIfDue(): void {
    if (performance.now() - this.lastMs >= SAMPLE_MS) this.report();
  }

  report(): void {
    this.lastMs = performance.now();
    const { user, system } = process.cpuUsage();
    const sample: Sample = { atMs: nowMs(), cpuSeconds: (user + system) / 1e6, ...this.read() };
    process.send?.({ sample });
  }
}

/** In a worker: says that it is ready, and resolves when all may begin. */
export function untilGo(): Promise<void> {
  const told = untilTold('go');
  process.send?.({ ready: true });
  return told;
}

/** In a worker: resolves when the main process says so. */
export function untilTold(word: 'go' | 'stop'): Promise<void> {
  // Nobody is left to tell, or to stop it.
  process.once('disconnect', () => process.exit(1));
  return new Promise((resolve) => {
    process.on('message', (message) => {
      if (message === word) resolve();
    });
  });
}

interface Told {
  readonly ready?: true;
  readonly sample?: Sample;
  readonly result?: unknown;
}

const HEAP_MB = 4096;

/** A trial that runs as one of several processes, and tells where it stands. */
export class Worker<R> {
  readonly samples: Sample[] = [];
  readonly ready: Promise<void>;
  readonly result: Promise<R>;
  readonly #child: ChildProcess;

  constructor(script: string, trial: string, input: unknown) {
    // The young generation as the image has it.
    const execArgv = [...process.execArgv, `--max-old-space-size=${HEAP_MB}`, '--max-semi-space-size=4'];
    const args = ['--trial', trial, '--input', JSON.stringify(input)];
    const child = fork(script, args, { execArgv, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    this.#child = child;
    let answer: { readonly result: unknown } | undefined;
    let isReady: () => void = () => undefined;
    const ready = new Promise<void>((resolve) => (isReady = resolve));
    child.on('message', (message) => {
      const told = message as Told;
      if (told.ready) isReady();
      if (told.sample) this.samples.push(told.sample);
      if ('result' in told) answer = { result: told.result };
    });
    this.result = new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code, signal) => {
        if (answer) resolve(answer.result as R);
        else reject(new Error(`a worker of ${trial} ended with ${code ?? signal} and without a result`));
      });
    });
    // Whoever waits for it is told; while nobody does, it must not end the benchmark.
    this.result.catch(() => undefined);
    this.ready = Promise.race([ready, this.result.then(() => undefined)]);
    this.ready.catch(() => undefined);
  }

  get last(): Sample | undefined {
    return this.samples.at(-1);
  }

  tell(word: 'go' | 'stop'): void {
    if (this.#child.connected) this.#child.send(word);
  }

  /** For one that has not come to its end. */
  kill(): void {
    this.#child.kill('SIGKILL');
  }
}

/** Runs one trial in several processes at once, and ends them all where one fails. */
export async function withWorkers<R, T>(
  workers: readonly Worker<R>[],
  use: (workers: readonly Worker<R>[]) => Promise<T>,
): Promise<T> {
  try {
    return await use(workers);
  } finally {
    for (const worker of workers) worker.kill();
  }
}
