/**
 * One run of the whole pipeline over given logs, in a process of its own so that it can be killed: prints what it stored
 * and knows as one line of JSON. `node --import tsx instance.ts '{"paths": […], "dataDir": …, …}'`
 */
import { allAlerts, analyze } from '../../cli/analyze-run.ts';
import { parseConfig } from '../../config/load.ts';
import { digestOf } from '../../stream/snapshot.ts';
import { comparedAlerts, type GoldenResult, storedRows } from './results.ts';

export interface GoldenJob {
  readonly paths: readonly string[];
  readonly dataDir: string;
  readonly config: Record<string, unknown>;
  /** Ends by kill -9 when this point is reached for the so-manieth time. */
  readonly kill?: { readonly point: string; readonly times: number };
  readonly killAfterMs?: number;
  /** Wall clock, ms ahead of the machine's. */
  readonly aheadMs?: number;
}

async function run(job: GoldenJob): Promise<GoldenResult> {
  let seen = 0;
  if (job.killAfterMs !== undefined) setTimeout(() => process.kill(process.pid, 'SIGKILL'), job.killAfterMs);
  return analyze(
    {
      paths: job.paths,
      dataDir: job.dataDir,
      config: parseConfig(job.config),
      onNotice: (level, message) => {
        if (level !== 'info') console.error(`${level}: ${message}`);
      },
      embedded: {
        now: () => Date.now() + (job.aheadMs ?? 0),
        sinkLimits: { flushMs: 20, maxRows: 5000 },
        at: (point) => {
          if (point === job.kill?.point && ++seen === job.kill.times) process.kill(process.pid, 'SIGKILL');
        },
      },
    },
    async (instance, summary) => ({
      alerts: comparedAlerts(await allAlerts(instance)),
      rows: await storedRows(instance.olap),
      digest: digestOf([...instance.stage1, ...instance.stage2].map(({ worker }) => worker.state)),
      events: summary.events,
      late: summary.late,
      deadLetters: Object.values(summary.deadLetters).reduce((sum, count) => sum + count, 0),
    }),
  );
}

console.log(JSON.stringify(await run(JSON.parse(process.argv[2]!) as GoldenJob)));
