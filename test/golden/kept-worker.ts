import { readFileSync } from 'node:fs';
import type { ClusterSite, Worker } from './cluster-site.ts';
import type { ClusterJob, WorkerFault } from './cluster-worker.ts';

/** What happens to the so-manieth process of its kind, from 0 on; undefined: nothing. */
export type FaultOf = (start: number) => WorkerFault | undefined;

/**
 * A worker that is started again whenever it ends, as a service's supervisor does. Only a kill may end it: all other
 * ends are failures, kept with what the process said.
 */
export class KeptWorker {
  readonly failures: string[] = [];
  restarts = 0;
  private readonly site: ClusterSite;
  private readonly roles: ClusterJob['roles'];
  private readonly faultOf: FaultOf;
  private said = '';
  private isStopped = false;
  private current: Worker;

  constructor(site: ClusterSite, roles: ClusterJob['roles'], faultOf: FaultOf = () => undefined) {
    this.site = site;
    this.roles = roles;
    this.faultOf = faultOf;
    this.current = this.start();
  }

  /** What all processes said. */
  get notices(): string {
    return this.said + this.current.notices;
  }

  get ready(): Promise<void> {
    return this.current.ready;
  }

  /** SIGKILL; the next one starts at once. */
  async kill(): Promise<void> {
    const { ended } = this.current;
    this.current.process.kill('SIGKILL');
    await ended;
  }

  /** Whether it was stopped by SIGSTOP and has not gone on. */
  get isFrozen(): boolean {
    try {
      const stat = readFileSync(`/proc/${this.current.process.pid!}/stat`, 'utf8');
      return stat.slice(stat.lastIndexOf(')') + 2).startsWith('T');
    } catch {
      // It has ended.
      return false;
    }
  }

  freeze(): void {
    this.current.process.kill('SIGSTOP');
  }

  thaw(): void {
    this.current.process.kill('SIGCONT');
  }

  /** Ends it in good order, or by SIGKILL, and for good. */
  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    const { current } = this;
    if (this.isStopped) {
      await current.ended;
      return;
    }
    this.isStopped = true;
    if (signal === 'SIGTERM') this.thaw();
    current.process.kill(signal);
    const how = await current.ended;
    if (signal === 'SIGTERM' && how !== 0) this.failures.push(`told to end, it ended by ${how}:\n${current.notices}`);
  }

  private start(): Worker {
    const fault = this.faultOf(this.restarts);
    const worker = this.site.start(this.roles, fault);
    void worker.ended.then((how) => {
      if (this.isStopped) return;
      this.said += worker.notices;
      if (how !== 'SIGKILL') this.failures.push(`${this.roles.join('+')} ended by ${how}:\n${worker.notices}`);
      this.restarts++;
      this.current = this.start();
    });
    return worker;
  }
}
