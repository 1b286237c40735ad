/**
 * One process of a cluster, with the roles of its job, until it is told to end: prints `ready` once it has joined. A
 * console listens.
 * `node --import tsx cluster-worker.ts '{"config": …, "roles": […], "dataDir": …}'`
 */
import { Cluster, type ClusterOptions } from '../../cli/cluster.ts';
import type { Role } from '../../cli/roles.ts';
import { serveCluster } from '../../cli/serve-cluster.ts';
import type { Config } from '../../config/schema.ts';

export interface ClusterJob {
  readonly config: Config;
  readonly roles: readonly Role[];
  readonly dataDir: string;
  readonly fault?: WorkerFault;
}

/** What the process does to itself when this point is reached for the so-manieth time. */
export interface WorkerFault {
  readonly point: string;
  readonly times: number;
  /** Default: SIGKILL. */
  readonly signal?: 'SIGKILL' | 'SIGSTOP';
}

const job = JSON.parse(process.argv[2]!) as ClusterJob;
let seen = 0;
const options: ClusterOptions = {
  config: job.config,
  roles: new Set(job.roles),
  dataDir: job.dataDir,
  onNotice: (level, message) => console.error(`${level}: ${message}`),
  sinkLimits: { flushMs: 20, maxRows: 5000 },
  at: (point) => {
    const { fault } = job;
    if (point === fault?.point && ++seen === fault.times) process.kill(process.pid, fault.signal ?? 'SIGKILL');
  },
};
const { cluster, stop } = options.roles.has('console') ? await serveCluster(options) : await startCluster(options);
process.once('SIGTERM', () => {
  stop().then(
    () => process.exit(0),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});
cluster.failed.catch((error: unknown) => {
  console.error(error);
  process.exit(1);
});
console.log('ready');

async function startCluster(given: ClusterOptions): Promise<{ cluster: Cluster; stop: () => Promise<void> }> {
  const started = await Cluster.start(given);
  return { cluster: started, stop: () => started.stop() };
}
