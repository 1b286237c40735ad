import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, openSync, renameSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { VedetteError } from '../model/errors.ts';
import { type ChildLimits, type ChildPaths, childPaths, writeChildConfig } from './child-config.ts';
import { CHILD_HOST_SCRIPT, type ChildLibraries, resolveChildLibraries } from './child-host.ts';
import { forgetChild, recordChild, waitForOrphan } from './child-lock.ts';
import type { OlapEndpoint } from './client.ts';
import { ping } from './http-transport.ts';

export interface ChildServerOptions {
  /** Folder of the server's own files; made where it is missing. One server a folder. */
  readonly dataDir: string;
  readonly limits?: Partial<ChildLimits>;
  /** How long a start may take until the server answers, ms. */
  readonly startTimeoutMs?: number;
  /** How long each step of a stop (closed input, TERM) may take before the next, ms. */
  readonly stopTimeoutMs?: number;
  /** First and longest pause before a dead server is started again, ms; doubled each time. */
  readonly backoffMs?: { readonly first: number; readonly max: number };
  /** Told what an operator may want to know. */
  readonly onNotice?: (level: 'info' | 'warn' | 'error', message: string) => void;
}

export type ChildServerState = 'stopped' | 'starting' | 'ready' | 'waiting' | 'stopping';

const DEFAULT_LIMITS: ChildLimits = { maxMemoryBytes: 700e6, maxQueryMemoryBytes: 500e6, maxThreads: 2 };
const LOG_LIMIT_BYTES = 10e6;
const STABLE_AFTER_MS = 60_000;

/**
 * A ClickHouse server as a child process, on a random loopback port under a secret path, out of npm packages alone.
 *
 * It is started again when it dies, with growing pauses; what asks it meanwhile gets OLAP_UNAVAILABLE. It ends with
 * this process, also when that is killed. Errors of {@link start}: UNSUPPORTED, LOCKED, OLAP_UNAVAILABLE.
 */
export class ChildServer {
  readonly #options: Required<Omit<ChildServerOptions, 'limits'>>;
  readonly #limits: ChildLimits;
  readonly #paths: ChildPaths;
  readonly #secret = randomBytes(24).toString('hex');
  readonly #restartListeners: (() => void)[] = [];
  #libraries: ChildLibraries | undefined;
  #child: ChildProcess | undefined;
  #exited: Promise<void> = Promise.resolve();
  #port = 0;
  #state: ChildServerState = 'stopped';
  #restarts = 0;
  #failuresInRow = 0;
  #stopSignal = new AbortController();

  constructor(options: ChildServerOptions) {
    this.#options = {
      dataDir: resolve(options.dataDir),
      startTimeoutMs: options.startTimeoutMs ?? 60_000,
      stopTimeoutMs: options.stopTimeoutMs ?? 10_000,
      backoffMs: options.backoffMs ?? { first: 200, max: 15_000 },
      onNotice: options.onNotice ?? (() => undefined),
    };
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#paths = childPaths(this.#options.dataDir);
  }

  /** Where it answers now: the port may change with a restart. */
  get endpoint(): OlapEndpoint {
    return { url: `http://127.0.0.1:${this.#port}`, pathname: `/${this.#secret}` };
  }

  get state(): ChildServerState {
    return this.#state;
  }

  /** How many times it was started again since {@link start}. */
  get restarts(): number {
    return this.#restarts;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  get logFile(): string {
    return this.#paths.log;
  }

  /** Calls back each time the server answers again after it died. */
  onRestart(listener: () => void): void {
    this.#restartListeners.push(listener);
  }

  /** Resolves once the server answers. */
  async start(): Promise<void> {
    if (this.#state !== 'stopped') throw new VedetteError('CONFLICT', `the server is ${this.#state}`);
    this.#state = 'starting';
    this.#stopSignal = new AbortController();
    try {
      this.#libraries = resolveChildLibraries();
      await this.#launch();
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /** Ends the server: closes its input, then TERM, then KILL. Safe to call twice. */
  async stop(): Promise<void> {
    this.#stopSignal.abort();
    const child = this.#child;
    if (child !== undefined) {
      this.#state = 'stopping';
      child.stdin?.end();
      for (const signal of ['SIGTERM', 'SIGKILL', undefined] as const) {
        const ended = await Promise.race([this.#exited.then(() => true), pause(this.#options.stopTimeoutMs)]);
        if (ended === true) break;
        if (signal !== undefined) child.kill(signal);
      }
    }
    this.#state = 'stopped';
  }

  async #launch(): Promise<void> {
    await waitForOrphan(this.#paths.lock, this.#options.stopTimeoutMs);
    writeChildConfig(this.#paths, this.#secret, this.#limits);
    this.#port = await freePort(this.#port);
    const child = this.#spawn();
    const deadline = performance.now() + this.#options.startTimeoutMs;
    while (!(await ping(this.endpoint))) {
      if (child.exitCode !== null || child.signalCode !== null || this.#stopSignal.signal.aborted) {
        throw new VedetteError('OLAP_UNAVAILABLE', `the ClickHouse server ended at its start; see ${this.#paths.log}`);
      }
      if (performance.now() > deadline) {
        child.kill('SIGKILL');
        throw new VedetteError('OLAP_UNAVAILABLE', `the ClickHouse server does not answer; see ${this.#paths.log}`);
      }
      await sleep(20);
    }
    this.#state = 'ready';
    const readyAt = performance.now();
    void this.#exited.then(() => {
      if (performance.now() - readyAt > STABLE_AFTER_MS) this.#failuresInRow = 0;
      if (!this.#stopSignal.signal.aborted) void this.#relaunch(describeExit(child));
    });
  }

  #spawn(): ChildProcess {
    const libraries = this.#libraries;
    if (libraries === undefined) throw new VedetteError('CONFLICT', 'the server was not started');
    const log = openLog(this.#paths.log);
    const child = spawn(
      process.execPath,
      [
        '--max-old-space-size=32',
        '--v8-pool-size=0',
        '-e',
        CHILD_HOST_SCRIPT,
        '--',
        libraries.clickhouse,
        libraries.ffi,
        `--path=${this.#paths.store}`,
        '--listen_host=127.0.0.1',
        `--http_port=${this.#port}`,
        `--config-file=${this.#paths.config}`,
        '--logger.level=warning',
        "--query=SYSTEM START LISTEN HTTP; SELECT count() FROM file('-', 'LineAsString', 'l String') FORMAT Null",
      ],
      // A clean environment: SQL can read it. A group of its own: Ctrl-C is for us, and rows are stored before it ends.
      {
        stdio: ['pipe', log, log],
        detached: true,
        cwd: this.#options.dataDir,
        env: { PATH: '/usr/bin:/bin', TZ: 'UTC' },
      },
    );
    closeSync(log);
    this.#child = child;
    this.#exited = new Promise((resolveExit) => {
      const finish = (): void => {
        forgetChild(this.#paths.lock);
        this.#child = undefined;
        resolveExit();
      };
      child.once('exit', finish);
      child.once('error', finish);
    });
    // The pipe breaks when the server dies; its exit is what is acted upon.
    child.stdin?.on('error', () => undefined);
    if (child.pid !== undefined) recordChild(this.#paths.lock, child.pid);
    return child;
  }

  async #relaunch(reason: string): Promise<void> {
    const { first, max } = this.#options.backoffMs;
    while (!this.#stopSignal.signal.aborted) {
      const waitMs = Math.min(max, first * 2 ** this.#failuresInRow);
      this.#failuresInRow++;
      this.#state = 'waiting';
      this.#options.onNotice('warn', `${reason}; starting it again in ${waitMs} ms`);
      await pause(waitMs, this.#stopSignal.signal);
      if (this.#stopSignal.signal.aborted) return;
      this.#state = 'starting';
      try {
        await this.#launch();
        this.#restarts++;
        this.#options.onNotice('info', 'the ClickHouse server answers again');
        for (const listener of this.#restartListeners) listener();
        return;
      } catch (error) {
        reason = error instanceof Error ? error.message : String(error);
      }
    }
  }
}

async function pause(ms: number, signal?: AbortSignal): Promise<undefined> {
  await sleep(ms, undefined, { ref: false, ...(signal && { signal }) }).catch(() => undefined);
  return undefined;
}

function describeExit(child: ChildProcess): string {
  return `the ClickHouse server ended (${child.signalCode ?? `code ${child.exitCode}`})`;
}

function openLog(path: string): number {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (size > LOG_LIMIT_BYTES) renameSync(path, `${path}.1`);
  return openSync(path, 'a', 0o600);
}

/** A free loopback port: `preferred` where it still is free, so that clients may keep their connections' address. */
async function freePort(preferred: number): Promise<number> {
  const attempt = (port: number): Promise<number> =>
    new Promise((resolvePort, reject) => {
      const server = createServer();
      server.once('error', reject);
      server.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
        const address = server.address();
        server.close(() => {
          resolvePort(typeof address === 'object' && address !== null ? address.port : port);
        });
      });
    });
  return attempt(preferred).catch(() => attempt(0));
}
