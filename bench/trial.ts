import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { asJson, asTable, type Report } from './report.ts';

/** What a benchmark asks of each of its runs: JSON in, JSON out, in a process of its own. */
export type Trials = Readonly<Record<string, (input: never) => Promise<unknown>>>;

export interface Bench<T extends Trials> {
  /** How often each trial is to be run. */
  readonly runs: number;
  /** Small inputs: to see that it works, not to measure. */
  readonly isQuick: boolean;
  /** Whether the cluster form is to be measured, where a benchmark has both. */
  readonly isCluster: boolean;
  /** Runs one trial in a fresh process, so that neither compiled code nor a grown heap carries over. */
  run<N extends keyof T & string>(name: N, input: Parameters<T[N]>[0]): Promise<Awaited<ReturnType<T[N]>>>;
}

const RUNS = 5;

/** Runs the trials and reports. */
type Measure<T extends Trials> = (bench: Bench<T>) => Promise<Report>;

/**
 * A benchmark's main: `--json` prints one object a line, else a table; `--quick` runs each trial once, with little data;
 * `--runs N`, where it isn't given `runs` or 5; `--cluster`, where there is such a form of it.
 */
export async function runBench<T extends Trials>(
  scriptUrl: string,
  trials: T,
  main: Measure<T> | { readonly runs: number; readonly measure: Measure<T> },
): Promise<void> {
  const { runs, measure } = typeof main === 'function' ? { runs: RUNS, measure: main } : main;
  const { values } = parseArgs({
    options: {
      json: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
      cluster: { type: 'boolean', default: false },
      runs: { type: 'string' },
      trial: { type: 'string' },
      input: { type: 'string' },
    },
  });
  if (values.trial !== undefined) {
    const result = await trials[values.trial]!(JSON.parse(values.input ?? 'null') as never);
    process.send?.({ result }, () => process.exit(0));
    return;
  }
  const report = await measure({
    runs: values.quick ? 1 : Number(values.runs ?? runs),
    isQuick: values.quick,
    isCluster: values.cluster,
    run: (name, input) => runTrial(fileURLToPath(scriptUrl), name, input),
  });
  console.log(values.json ? asJson(report) : asTable(report));
  if (report.figures.some(({ ok }) => ok === false) && !values.quick) process.exitCode = 1;
}

/** Room for the peers' objects; ours hardly use the heap. */
const HEAP_MB = 12_288;

function runTrial<R>(script: string, name: string, input: unknown): Promise<R> {
  return new Promise((resolve, reject) => {
    const args = ['--trial', name, '--input', JSON.stringify(input)];
    const execArgv = [...process.execArgv, '--expose-gc', `--max-old-space-size=${HEAP_MB}`];
    const child = fork(script, args, { execArgv, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    let answer: { result: R } | undefined;
    child.once('message', (message) => {
      answer = message as { result: R };
    });
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      if (answer) resolve(answer.result);
      else reject(new Error(`the run of ${name} ended with ${code ?? signal} and without a result`));
    });
  });
}

/** Runs the contestants `runs` times, each time in the other order, so that what the machine does meanwhile hits both. */
export async function alternate(runs: number, contestants: readonly (() => Promise<void>)[]): Promise<void> {
  for (let run = 0; run < runs; run++)
    for (const contestant of run % 2 === 0 ? contestants : [...contestants].reverse()) await contestant();
}
