import { setTimeout as sleep } from 'node:timers/promises';
import type { Role } from '../../cli/roles.ts';
import { PulsarAdmin } from '../../ingest/pulsar/admin.ts';
import type { RawLog, RawTopic } from '../../ingest/raw-log.ts';
import { missingRequirements } from '../../services/requirements.ts';
import { SERVER_KINDS, type ServerKind } from '../../services/server-spec.ts';
import { type Services, startServices } from '../../services/start-services.ts';
import { ClusterSite } from './cluster-site.ts';
import { type FaultLoad, type KnownBy, type LoadMessage, rawMessage } from './fault-load.ts';
import { type FaultOf, KeptWorker } from './kept-worker.ts';
import { LoadPublisher, type PublisherOptions } from './load-publisher.ts';
import type { FaultResult, Numbered } from './results.ts';

/** From servers and roles that are all there again until events flow. */
const RECOVERY_MS = 60_000;
const SETTLE_MS = 180_000;
const POLL_MS = 250;
const MEMORY = { pulsar: 512, kafka: 384, cassandra: 512 };

/** Whether this machine can start them. Where it cannot, suites skip, but not where CI expects them. */
export const hasServers = missingRequirements(SERVER_KINDS).length === 0 || process.env['CI'] === 'true';
if (!hasServers) console.warn('skipped: this machine cannot start the servers of a cluster');

/** All five servers, for one test file; their addresses are in the environment until {@link Services.stop}. */
export async function startFaultServers(options: { readonly proxied?: readonly ServerKind[] } = {}): Promise<Services> {
  const services = await startServices({ memoryMb: MEMORY, ...options });
  Object.assign(process.env, services.env);
  return services;
}

/**
 * The whole pipeline: logs are published to Pulsar from here, and everything after that is done by worker processes of
 * the roles ingest, stream and sink.
 */
export class FaultSite {
  readonly site: ClusterSite;
  readonly workers: KeptWorker[] = [];
  private readonly rawLog: RawLog;
  private readonly topic: RawTopic;
  private readonly admin: PulsarAdmin;

  private constructor(site: ClusterSite, rawLog: RawLog, topic: RawTopic) {
    this.site = site;
    this.rawLog = rawLog;
    this.topic = topic;
    const { adminUrl, tenant, namespace, handshakeMs } = site.config.pulsar;
    this.admin = new PulsarAdmin({ adminUrl, tenant, namespace, timeoutMs: handshakeMs });
  }

  static async open(options: { readonly rawPartitions?: number; readonly httpPort?: number } = {}): Promise<FaultSite> {
    const spec = { name: 'zeek', partitions: options.rawPartitions ?? 1 };
    const site = await ClusterSite.open({
      log: { partitions: 4 },
      // Often enough for a kill to fall between.
      stream: { checkpointMs: 500, blockRows: 512 },
      // By the wall clock a sender that cannot publish for long is idle, and what it brings afterwards may be late. Here
      // the clock has no say, so that equal events give equal results however long a fault lasts.
      sources: { idleMs: 600_000 },
      http: { port: options.httpPort ?? 0 },
      // A job whose worker died is begun again soon.
      jobs: { lockMs: 5000, stalledCheckMs: 2000 },
      // A kill of ingest shall find what is in the log and not yet acknowledged.
      pulsar: { topics: [spec], commitMs: 1000 },
    });
    const rawLog = await site.servers.openRawLog();
    return new FaultSite(site, rawLog, await rawLog.open({ ...spec, name: `raw-${spec.name}` }));
  }

  /** One worker, started again whenever it is killed. */
  keep(roles: readonly Role[], faultOf?: FaultOf): KeptWorker {
    const worker = new KeptWorker(this.site, roles, faultOf);
    this.workers.push(worker);
    return worker;
  }

  /** A worker of each role; resolves once all have joined. */
  async keepEach(): Promise<Record<'ingest' | 'stream' | 'sink', KeptWorker>> {
    const [ingest, stream, sink] = [this.keep(['ingest']), this.keep(['stream']), this.keep(['sink'])];
    await Promise.all([ingest, stream, sink].map(({ ready }) => ready));
    return { ingest, stream, sink };
  }

  /**
   * With one partition of the raw log, what becomes of an event depends on the load alone. Of several, each counts in
   * time from its first message on, and what it brings that is older than the others' time is late: so they all begin
   * before any goes on.
   */
  publish(
    load: FaultLoad,
    options: Partial<PublisherOptions> & { readonly paceMs: number; readonly knownBy?: KnownBy },
  ): LoadPublisher {
    const { rawLog, topic } = this;
    const { knownBy = 'position', ...others } = options;
    const send = (message: LoadMessage) =>
      rawLog.publish(topic.name, message.sensor % topic.partitions, rawMessage(message, knownBy));
    const begun = topic.partitions > 1 ? { begun: () => this.drained() } : {};
    return new LoadPublisher({ load, send, ...begun, ...others });
  }

  /** Resolves once ingest has acknowledged everything that was published. */
  async drained(timeoutMs = SETTLE_MS): Promise<void> {
    const { name } = this.topic;
    const { subscription } = this.site.config.pulsar;
    const until = Date.now() + timeoutMs;
    for (;;) {
      const backlog = await this.admin.backlog(name, subscription);
      if (backlog?.every(({ messages }) => messages === 0)) return;
      if (Date.now() > until) throw new Error(`left in Pulsar: ${JSON.stringify(backlog)}\n${this.said()}`);
      await sleep(POLL_MS);
    }
  }

  /** Rows of events that are stored now; undefined where ClickHouse does not answer. */
  async storedEvents(): Promise<number | undefined> {
    const query = 'SELECT count() AS rows FROM vedette.events';
    return this.site.servers.olap.query<{ rows: number }>(query).then(
      ([row]) => row!.rows,
      () => undefined,
    );
  }

  /** How many inserts made the rows of events that are stored now. */
  async insertsOfEvents(): Promise<number> {
    const { olap } = this.site.servers;
    const [row] = await olap.query<{ inserts: number }>(
      `SELECT max(max_block_number) AS inserts FROM system.parts
         WHERE database = {database:String} AND table = 'events' AND active`,
      { database: olap.databases.store },
    );
    return row!.inserts;
  }

  /** Resolves once there are so many more rows of events than now; gives the time that took, ms. */
  async flows(options: { readonly rows?: number } = {}): Promise<number> {
    const began = performance.now();
    let goal = Infinity;
    while (performance.now() - began < RECOVERY_MS) {
      const rows = await this.storedEvents();
      if (rows !== undefined && goal === Infinity) goal = rows + (options.rows ?? 1);
      if (rows !== undefined && rows >= goal) return Math.round(performance.now() - began);
      await sleep(POLL_MS);
    }
    throw new Error(`no events were stored for ${RECOVERY_MS / 1000} s:\n${this.said()}`);
  }

  /** Waits until everything published is through, ends the workers, and tells what there is. */
  async finish(): Promise<FaultResult> {
    await this.drained();
    await this.site.settled(SETTLE_MS);
    await Promise.all(this.workers.map((worker) => worker.stop()));
    const { alerts, rows, digest } = await this.site.result();
    const [numbered] = await this.site.servers.olap.query<Numbered>(
      `SELECT count() AS rows, uniqExact(session_uid) AS distinct, sum(toUInt64(substring(session_uid, 2))) AS sum,
         countIf(late) AS late FROM vedette.events`,
    );
    return {
      alerts,
      rows,
      digest,
      numbered: numbered!,
      deadLetters: await this.site.servers.deadLetters.counts(),
    };
  }

  /** What the workers said. */
  said(): string {
    return this.workers.map(({ notices, failures }) => [notices, ...failures].join('\n')).join('\n---\n');
  }

  async close(): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker.stop('SIGKILL')));
    await this.site.close();
  }
}
