import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ClusterServers, openClusterServers } from '../../cli/compose-cluster.ts';
import type { Role } from '../../cli/roles.ts';
import type { Config } from '../../config/schema.ts';
import { EVENTS_TABLE } from '../../olap/schema/events-table.ts';
import { pause } from '../measure.ts';
import { AlertWatch } from './alert-watch.ts';
import type { RoleResult } from './role-worker.ts';
import { Worker } from './worker-link.ts';

const ROLES: readonly Role[] = ['ingest', 'sink', 'stream'];
const POLL_MS = 250;
const LIMIT_MS = 180_000;

/** The whole cluster form: a process for each role, and how far its events have come. */
export class PipelineRun {
  readonly workers: ReadonlyMap<Role, Worker<RoleResult>>;
  readonly alerts: AlertWatch;
  /** Rows in ClickHouse. */
  stored = 0;
  private readonly servers: ClusterServers;
  private readonly closers: (() => Promise<unknown>)[];
  private readonly abort = new AbortController();
  private readonly polling: Promise<void>;

  private constructor(
    servers: ClusterServers,
    closers: (() => Promise<unknown>)[],
    workers: ReadonlyMap<Role, Worker<RoleResult>>,
  ) {
    this.servers = servers;
    this.closers = closers;
    this.workers = workers;
    this.alerts = new AlertWatch(servers.log);
    this.polling = this.poll();
    this.polling.catch(() => undefined);
  }

  /** @param script of the benchmark, whose trial `roles` runs them */
  static async start(script: string, config: Config): Promise<PipelineRun> {
    const closers: (() => Promise<unknown>)[] = [];
    // Opened here first: workers that begin at once need not make the tables and topics side by side.
    const servers = await openClusterServers({ config, onNotice: () => undefined }, closers);
    const workers = new Map(
      ROLES.map((role) => {
        const dataDir = join(tmpdir(), `${config.kafka.prefix}-${role}`);
        return [role, new Worker<RoleResult>(script, 'roles', { config, roles: [role], dataDir })];
      }),
    );
    for (const worker of workers.values())
      while (!worker.last) await Promise.race([pause(POLL_MS), worker.result.then(() => undefined)]);
    return new PipelineRun(servers, closers, workers);
  }

  /** Events that both the stages and ClickHouse have. */
  get done(): number {
    return Math.min(this.stored, this.workers.get('stream')!.last?.events ?? 0);
  }

  /** Resolves once as many events are through. */
  async through(events: number): Promise<void> {
    for (let waitedMs = 0; this.done < events; waitedMs += POLL_MS) {
      if (waitedMs > LIMIT_MS) throw new Error(`${this.done} of ${events} events came through`);
      await Promise.race([pause(POLL_MS), this.failed]);
    }
  }

  /** Rejects when a role ends. */
  get failed(): Promise<never> {
    return Promise.race([...this.workers.values()].map(({ result }) => result)).then(() => {
      throw new Error('a role has ended');
    });
  }

  /** Rows of the table of events, which are fewer than what was published where something was lost. */
  async countRows(): Promise<{ readonly rows: number; readonly distinct: number }> {
    const [counted] = await this.servers.olap.query<{ rows: string; distinct: string }>(
      `SELECT count() AS rows, uniqExact(_src, _pos) AS distinct FROM ${EVENTS_TABLE}`,
    );
    return { rows: Number(counted!.rows), distinct: Number(counted!.distinct) };
  }

  async stop(): Promise<Map<Role, RoleResult>> {
    this.abort.abort();
    await this.polling;
    await this.alerts.stop();
    const results = new Map<Role, RoleResult>();
    for (const [role, worker] of this.workers) {
      worker.tell('stop');
      results.set(role, await worker.result);
    }
    for (const close of this.closers.splice(0).reverse()) await close();
    return results;
  }

  /** For a run that failed. */
  kill(): void {
    for (const worker of this.workers.values()) worker.kill();
  }

  private async poll(): Promise<void> {
    while (!this.abort.signal.aborted) {
      const [counted] = await this.servers.olap.query<{ rows: string }>(`SELECT count() AS rows FROM ${EVENTS_TABLE}`);
      this.stored = Number(counted!.rows);
      await pause(POLL_MS);
    }
  }
}
