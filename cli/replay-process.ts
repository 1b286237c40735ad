import { fork } from 'node:child_process';
import { extname, join } from 'node:path';
import type { ReplayOutcome, RunReplay } from '../batch/jobs/replay-raw.ts';
import type { Config } from '../config/schema.ts';
import { VedetteError } from '../model/errors.ts';
import type { ReplayStore } from './compose-replay.ts';
import type { ReplayOrder, ReplayReport } from './replay-child.ts';

/** How long it may take to end when told to, ms. */
const END_MS = 10_000;
/** From the sources as from the build. */
const EXTENSION = extname(import.meta.filename);
const CHILD = join(import.meta.dirname, `replay-child${EXTENSION}`);

/** Runs replays, each in a process of its own. */
export function replayProcesses(services: {
  readonly config: Config;
  readonly store: () => ReplayStore;
  readonly onNotice: (level: 'info' | 'warn' | 'error', message: string) => void;
}): RunReplay {
  return async (plan, { signal, onProgress }) => {
    signal.throwIfAborted();
    const child = fork(CHILD, [], {
      execArgv: EXTENSION === '.ts' ? ['--import', 'tsx'] : [],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    let words = '';
    child.stderr?.on('data', (data: Buffer) => (words = (words + data.toString()).slice(-2000)));
    let last: NodeJS.Timeout | undefined;
    const end = (): void => {
      child.kill('SIGTERM');
      last = setTimeout(() => child.kill('SIGKILL'), END_MS);
    };
    signal.addEventListener('abort', end, { once: true });
    try {
      return await new Promise<ReplayOutcome>((resolve, reject) => {
        child.on('error', reject);
        child.on('message', (report: ReplayReport) => {
          switch (report.kind) {
            case 'progress':
              onProgress(report);
              break;
            case 'notice':
              services.onNotice(report.level, `replay ${plan.name}: ${report.message}`);
              break;
            case 'done':
              resolve(report.outcome);
              break;
            case 'failed':
              reject(report.code === '' ? new Error(report.message) : new VedetteError(report.code, report.message));
          }
        });
        child.on('exit', (code, by) => reject(new Error(`the replay ended with ${by ?? code}: ${words.trim()}`)));
        const { config, store } = services;
        child.send({ plan, config, store: store() } satisfies ReplayOrder);
      });
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    } finally {
      clearTimeout(last);
      signal.removeEventListener('abort', end);
      // Its results are closed before anybody is told of them.
      if (child.exitCode === null && child.signalCode === null && child.connected)
        await new Promise((resolve) => child.once('exit', resolve));
    }
  };
}
