import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, constants, mkdirSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { VedetteError } from '../model/errors.ts';
import { isFree } from './free-ports.ts';
import { isRunning, type ProcessMark, readMark, recordMark, signalProcess } from './process-mark.ts';
import type { ServerKind, ServerSpec } from './server-spec.ts';

const STOP_TIMEOUT_MS = 20_000;
const PORT_PATIENCE_MS = 5000;
const POLL_MS = 25;
const LOG_LINES = 40;

/**
 * One server: a process that may be stopped, killed, frozen and started again, on the same ports and data throughout.
 *
 * It doesn't end with this process; whoever starts it stops it. Errors: STORE_UNAVAILABLE with the end of its log
 * where it doesn't come up.
 */
export class ServerProcess {
  readonly #spec: ServerSpec;
  #mark: ProcessMark | undefined;
  #child: ChildProcess | undefined;

  /** Takes over the process that another program started on the same folder, where it still runs. */
  constructor(spec: ServerSpec) {
    this.#spec = spec;
    this.#mark = readMark(spec.dir);
  }

  get name(): string {
    return this.#spec.name;
  }

  get kind(): ServerKind {
    return this.#spec.kind;
  }

  get ports(): Readonly<Record<string, number>> {
    return this.#spec.ports;
  }

  /** `host:port` for clients; `purpose` names another of its ports. */
  address(purpose?: string): string {
    const port = purpose === undefined ? Object.values(this.ports)[0] : this.ports[purpose];
    if (port === undefined) throw new VedetteError('NOT_FOUND', `${this.name} has no port ${purpose ?? ''}`);
    return `127.0.0.1:${port}`;
  }

  get logFile(): string {
    return join(this.#spec.dir, `${this.kind}.log`);
  }

  get pid(): number | undefined {
    return this.running ? this.#mark?.pid : undefined;
  }

  get running(): boolean {
    return this.#mark !== undefined && isRunning(this.#mark);
  }

  answers(): Promise<boolean> {
    return this.#spec.answers();
  }

  /** Starts it unless it runs, and resolves once it answers. */
  async start(): Promise<void> {
    await this.launch();
    await this.waitUntilAnswers();
  }

  /** Starts the process without waiting for an answer. */
  async launch(): Promise<void> {
    if (this.running) return;
    for (const [purpose, port] of Object.entries(this.ports)) {
      if (await becomesFree(port)) continue;
      throw new VedetteError('CONFLICT', `port ${port} (${this.name}, ${purpose}) is in use by another program`);
    }
    mkdirSync(this.#spec.dir, { recursive: true, mode: 0o700 });
    await this.#spec.prepare();
    const log = openSync(this.logFile, 'a', 0o600);
    // Opened for reading and writing, so that it never ends, whoever else closes it.
    const input = this.#spec.stdin === undefined ? undefined : openSync(this.#spec.stdin, constants.O_RDWR);
    try {
      const child = spawn(this.#spec.command, this.#spec.args, {
        // A group of its own: Ctrl-C is for the program that started it.
        detached: true,
        cwd: this.#spec.dir,
        env: { ...this.#spec.env },
        stdio: [input ?? 'ignore', log, log],
      });
      child.unref();
      await new Promise<void>((resolve, reject) => {
        child.once('spawn', resolve);
        child.once('error', (cause) =>
          reject(new VedetteError('UNSUPPORTED', `${this.#spec.command} does not start`, { cause })),
        );
      });
      this.#child = child;
      if (child.pid !== undefined) this.#mark = recordMark(this.#spec.dir, child.pid);
    } finally {
      closeSync(log);
      if (input !== undefined) closeSync(input);
    }
  }

  async waitUntilAnswers(timeoutMs = this.#spec.startTimeoutMs): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const answers = await this.#spec.answers();
      if (!this.running) throw this.#failure('ended at its start');
      if (performance.now() > deadline) throw this.#failure(`did not answer within ${timeoutMs / 1000} s`);
      if (answers) return;
      await sleep(POLL_MS * 2);
    }
  }

  /** Ends it cleanly with SIGTERM; with SIGKILL where that takes longer than 20 s. */
  async stop(): Promise<void> {
    if (this.#mark === undefined) return;
    // A frozen process takes no SIGTERM.
    this.thaw();
    signalProcess(this.#mark, 'SIGTERM');
    if (!(await this.#gone(STOP_TIMEOUT_MS))) await this.kill();
  }

  /** Ends it with SIGKILL, frozen or not; resolves once it is gone. */
  async kill(): Promise<void> {
    if (this.#mark === undefined) return;
    signalProcess(this.#mark, 'SIGKILL');
    if (!(await this.#gone(STOP_TIMEOUT_MS))) throw this.#failure('does not end, even killed');
  }

  /** SIGKILL without waiting, for the last moments of this process. */
  killNow(): void {
    if (this.#mark !== undefined) signalProcess(this.#mark, 'SIGKILL');
  }

  /** Stops its clock: connections stay open and nothing answers. */
  freeze(): void {
    if (this.#mark !== undefined) signalProcess(this.#mark, 'SIGSTOP');
  }

  thaw(): void {
    if (this.#mark !== undefined) signalProcess(this.#mark, 'SIGCONT');
  }

  /** The last lines of its log. */
  logTail(lines = LOG_LINES): string {
    try {
      return readFileSync(this.logFile, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '';
      throw error;
    }
  }

  async #gone(timeoutMs: number): Promise<boolean> {
    const deadline = performance.now() + timeoutMs;
    while (this.running) {
      if (performance.now() > deadline) return false;
      await sleep(POLL_MS);
    }
    return true;
  }

  #failure(what: string): VedetteError {
    const exit = this.#child?.signalCode ?? this.#child?.exitCode;
    const how = exit === undefined || exit === null ? '' : ` (${exit})`;
    return new VedetteError(
      'STORE_UNAVAILABLE',
      `${this.name} ${what}${how}. The end of ${this.logFile}:\n${this.logTail()}`,
    );
  }
}

/** The threads of a killed JVM hold its ports for a moment after its pid is gone. */
async function becomesFree(port: number): Promise<boolean> {
  const deadline = performance.now() + PORT_PATIENCE_MS;
  while (!(await isFree(port))) {
    if (performance.now() > deadline) return false;
    await sleep(POLL_MS);
  }
  return true;
}
