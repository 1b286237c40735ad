import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly out: string;
  readonly errors: string;
}

/** The program, as a user runs it. */
export class Program {
  readonly process: ChildProcess;
  readonly ended: Promise<Ended>;
  out = '';
  errors = '';

  constructor(args: readonly string[], options: { readonly prefix?: readonly string[] } = {}) {
    const [command, ...rest] = [...(options.prefix ?? []), process.execPath, '--import', 'tsx', MAIN, ...args];
    this.process = spawn(command!, rest, { stdio: ['pipe', 'pipe', 'pipe'] });
    this.process.stdin!.on('error', () => undefined);
    this.process.stdout!.on('data', (data: Buffer) => (this.out += data.toString()));
    this.process.stderr!.on('data', (data: Buffer) => (this.errors += data.toString()));
    this.ended = new Promise((resolve) => {
      this.process.on('close', (code, signal) => resolve({ code, signal, out: this.out, errors: this.errors }));
    });
  }

  /** Runs a command to its end. */
  static run(args: readonly string[]): Promise<Ended> {
    const program = new Program(args);
    program.process.stdin!.end();
    return program.ended;
  }

  /** The address that it tells, once it does. */
  async url(): Promise<string> {
    const told = await waitFor(() => {
      if (this.process.exitCode !== null) throw new Error(`it ended:\n${this.errors}`);
      return /Vedette runs at (\S+)/.exec(this.errors)?.[1];
    }, 'the address');
    return told;
  }

  async kill(signal: NodeJS.Signals): Promise<Ended> {
    this.process.kill(signal);
    return this.ended;
  }
}

/** Asks again and again until there is an answer. */
export async function waitFor<T>(
  ask: () => T | undefined | false | Promise<T | undefined | false>,
  what: string,
  timeoutMs = 30_000,
): Promise<T> {
  const until = performance.now() + timeoutMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    if (performance.now() > until) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

export async function sql<T>(url: string, query: string): Promise<T[]> {
  const response = await fetch(`${url}/api/v1/sql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query, format: 'ndjson' }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(text);
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T);
}

export async function post(
  url: string,
  body: string | Uint8Array,
  headers: Record<string, string> = {},
): Promise<{ status: number; type: string; json: Record<string, unknown> }> {
  const response = await fetch(`${url}/api/v1/ingest`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson', ...headers },
    body: typeof body === 'string' ? body : new Uint8Array(body),
  });
  const json = (await response.json()) as Record<string, unknown>;
  return { status: response.status, type: response.headers.get('content-type') ?? '', json };
}
