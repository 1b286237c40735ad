import { connect, createServer, type Server, type Socket } from 'node:net';
import { freePorts } from './free-ports.ts';
import { runLane } from './proxy-lane.ts';

export interface ProxyOptions {
  /** `host:port` of the server behind it. */
  readonly target: string;
  /** Loopback port to listen on; default: a free one. */
  readonly port?: number;
}

/** Which side sends the bytes. */
export type ProxySide = 'client' | 'server';

type Pair = Readonly<Record<ProxySide, Socket>>;

interface Interception {
  readonly from: ProxySide;
  readonly act: (pair: Pair, chunk: Buffer) => void;
}

/** Starts a proxy in front of a server. Whoever starts it closes it. */
export async function startProxy(options: ProxyOptions): Promise<FaultProxy> {
  const proxy = new FaultProxy(options.target, options.port ?? (await freePorts(1))[0] ?? 0);
  await proxy.listen();
  return proxy;
}

/**
 * A TCP proxy on loopback that plays a bad network between clients and a server. While it is open bytes pass in order
 * and unchanged.
 */
export class FaultProxy {
  readonly #target: { readonly host: string; readonly port: number };
  readonly #port: number;
  readonly #server: Server;
  readonly #pairs = new Set<Pair>();
  #refuses = false;
  #delayMs = 0;
  #gate: Promise<void> = Promise.resolve();
  #openGate: () => void = () => undefined;
  #interception: Interception | undefined;

  constructor(target: string, port: number) {
    const colon = target.lastIndexOf(':');
    this.#target = { host: target.slice(0, colon), port: Number(target.slice(colon + 1)) };
    this.#port = port;
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => this.#accept(client));
  }

  /** `host:port` for clients. */
  get address(): string {
    return `127.0.0.1:${this.#port}`;
  }

  /** How many connections are open through it. */
  get connections(): number {
    return this.#pairs.size;
  }

  listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ port: this.#port, host: '127.0.0.1' }, () => resolve());
    });
  }

  /**
   * Cuts the network. `refused`: open connections are reset, and so are new ones. `silent`: connections stay and
   * nothing passes, as over a cable that is pulled out; after {@link restore} what was held back goes on.
   */
  cut(how: 'refused' | 'silent' = 'refused'): void {
    if (how === 'refused') {
      this.#refuses = true;
      this.resetNow();
      return;
    }
    this.#openGate();
    this.#gate = new Promise((resolve) => (this.#openGate = resolve));
  }

  /** Holds back what arrives from now on for so long, both ways, ms. Bandwidth stays. */
  delay(ms: number): void {
    this.#delayMs = ms;
  }

  /**
   * Lets half of the next chunk of that side through and resets every connection: a reset in mid-frame. New ones are
   * let in at once. Resolves when it has happened, which takes traffic.
   */
  reset(from: ProxySide = 'server'): Promise<void> {
    return new Promise((resolve) => {
      const act = (pair: Pair, chunk: Buffer): void => {
        const target = pair[from === 'server' ? 'client' : 'server'];
        target.write(chunk.subarray(0, Math.ceil(chunk.length / 2)), () => {
          // The half must be on its way: a reset throws away what the kernel still holds for the reader.
          setTimeout(() => {
            this.resetNow();
            resolve();
          }, 20);
        });
      };
      this.#interception = { from, act };
    });
  }

  /** Resets every connection at once. */
  resetNow(): void {
    for (const pair of this.#pairs) {
      pair.client.resetAndDestroy();
      pair.server.resetAndDestroy();
    }
  }

  /** Ends every fault. */
  restore(): void {
    this.#refuses = false;
    this.#delayMs = 0;
    this.#interception = undefined;
    this.#openGate();
  }

  /** Ends the proxy and its connections. Safe to call twice. */
  async close(): Promise<void> {
    this.restore();
    this.#refuses = true;
    this.resetNow();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #accept(client: Socket): void {
    // A peer that goes away in mid-write is what this is for; its close is what is acted upon.
    client.on('error', () => undefined);
    if (this.#refuses) {
      client.resetAndDestroy();
      return;
    }
    const server = connect({ ...this.#target, allowHalfOpen: true, noDelay: true });
    const pair: Pair = { client, server };
    this.#pairs.add(pair);
    server.on('error', () => client.resetAndDestroy());
    const finish = (): void => {
      this.#pairs.delete(pair);
      // What is left to write goes first; a reset has destroyed both already.
      for (const socket of [client, server]) if (!socket.destroyed && !socket.writableEnded) socket.end();
    };
    client.once('close', finish);
    server.once('close', finish);
    void this.#carry(pair, 'client');
    void this.#carry(pair, 'server');
  }

  #carry(pair: Pair, from: ProxySide): Promise<void> {
    return runLane({
      source: pair[from],
      target: pair[from === 'client' ? 'server' : 'client'],
      delayMs: () => this.#delayMs,
      gate: () => this.#gate,
      onChunk: (chunk) => {
        const interception = this.#interception;
        if (interception?.from !== from) return 'pass';
        this.#interception = undefined;
        interception.act(pair, chunk);
        return 'taken';
      },
    });
  }
}
