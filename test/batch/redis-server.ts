import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const READY_MS = 10_000;

/** A Redis of our own, from the system's package, on a port that was free. */
export class RedisServer {
  readonly port: number;
  readonly dir: string;
  private readonly args: readonly string[];
  private child: ChildProcess | undefined;

  private constructor(port: number, dir: string, args: readonly string[]) {
    this.port = port;
    this.dir = dir;
    this.args = args;
  }

  /** `config`: lines of a configuration file. `tls`: with a certificate of its own, `cert.pem` in its folder. */
  static async start(
    args: readonly string[] = [],
    given: { readonly config?: string; readonly tls?: true } = {},
  ): Promise<RedisServer> {
    const dir = await mkdtemp(join(tmpdir(), 'vedette-redis-'));
    const file = join(dir, 'redis.conf');
    const port = await freePort();
    await writeFile(file, given.config ?? '');
    const server = new RedisServer(port, dir, [
      file,
      ...(given.tls ? ['--port', '0', '--tls-port', String(port), ...certificate(dir)] : ['--port', String(port)]),
      ...args,
    ]);
    await server.resume();
    return server;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Starts it, or starts it again with what it had. */
  async resume(): Promise<void> {
    const persistence = this.args.includes('--sentinel') ? [] : ['--save', '', '--appendonly', 'yes'];
    const child = spawn(
      'redis-server',
      [...this.args, '--bind', '127.0.0.1', '::1', '--dir', this.dir, ...persistence],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    this.child = child;
    let said = '';
    child.stdout.on('data', (data: Buffer) => (said += data.toString()));
    child.stderr.on('data', (data: Buffer) => (said += data.toString()));
    child.on('error', (error) => (said += error.message));
    const deadline = performance.now() + READY_MS;
    while (!(await accepts(this.port)) || !/Ready to accept|Sentinel ID/.test(said)) {
      if (child.exitCode !== null || performance.now() > deadline) throw new Error(`redis-server: ${said}`);
      await sleep(20);
    }
  }

  /** As if the machine had taken it. */
  async kill(): Promise<void> {
    const { child } = this;
    this.child = undefined;
    if (child?.exitCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }

  async remove(): Promise<void> {
    await this.kill();
    await rm(this.dir, { recursive: true, force: true });
  }
}

export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/** A certificate for localhost, signed by itself. Gives the options that name it. */
function certificate(dir: string): string[] {
  const [key, cert] = [join(dir, 'key.pem'), join(dir, 'cert.pem')];
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  const form = ['-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2'];
  execFileSync('openssl', ['req', ...form, '-keyout', key, '-out', cert, ...subject], { stdio: 'ignore' });
  return ['--tls-cert-file', cert, '--tls-key-file', key, '--tls-ca-cert-file', cert, '--tls-auth-clients', 'no'];
}
