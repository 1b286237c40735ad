import WebSocket from 'ws';
import { VedetteError } from '../../../model/errors.ts';
import { Backoff } from '../backoff.ts';

const PING_MS = 15_000;
/** Answers of a server that knows who asks and refuses: asking again would not help. */
const REFUSED = new Set([401, 403]);
/** A frame holds a message in base64; more than this nobody could have published. */
const MAX_FRAME_BYTES = 64 << 20;
/** A connection that held for so long was a good one: the next attempt comes soon. */
const STEADY_MS = 5000;
/** A server that has just started may need longer than usual, and each attempt cut off costs it more. */
const MOST_PATIENCE = 8;
/** As ws words it. */
const TIMED_OUT = 'Opening handshake has timed out';

export interface SocketOptions {
  /** Asked before each attempt. */
  readonly url: () => string;
  readonly token?: () => string | undefined;
  /** Time for a connection; longer after each attempt that took too long, up to eight times. */
  readonly handshakeMs: number;
  readonly onOpen: () => void;
  readonly onText: (text: string) => void;
  /** An open connection was lost. */
  readonly onLost: () => void;
  /** UNAUTHORIZED: no further attempt is made. */
  readonly onRefused: (error: VedetteError) => void;
}

/** One WebSocket that comes back: attempts with growing pauses, and a peer that no longer answers is given up. */
export class LastingSocket {
  /** Why there is no connection, for people. */
  problem = 'not connected yet';
  private readonly options: SocketOptions;
  private readonly backoff = new Backoff();
  private socket: WebSocket | undefined;
  private timer: NodeJS.Timeout | undefined;
  private isStopped = true;
  private patience = 1;

  constructor(options: SocketOptions) {
    this.options = options;
  }

  get isOpen(): boolean {
    return this.socket?.readyState === WebSocket.OPEN;
  }

  start(): void {
    if (!this.isStopped) return;
    this.isStopped = false;
    this.connect();
  }

  send(text: string): void {
    this.socket?.send(text);
  }

  /** Gives the connection up, and comes back after a pause. */
  restart(problem: string): void {
    this.problem = problem;
    this.socket?.terminate();
  }

  /** Resolves once the connection is closed, so that the other side knows. */
  async close(): Promise<void> {
    this.isStopped = true;
    clearTimeout(this.timer);
    const { socket } = this;
    if (!socket || socket.readyState === WebSocket.CLOSED) return;
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    if (socket.readyState === WebSocket.OPEN) socket.close();
    else socket.terminate();
    const late = setTimeout(() => socket.terminate(), 1000);
    await closed;
    clearTimeout(late);
  }

  private connect(): void {
    const { url, token, handshakeMs } = this.options;
    const bearer = token?.();
    const socket = new WebSocket(url(), {
      handshakeTimeout: handshakeMs * this.patience,
      perMessageDeflate: false,
      maxPayload: MAX_FRAME_BYTES,
      ...(bearer === undefined ? {} : { headers: { authorization: `Bearer ${bearer}` } }),
    });
    this.socket = socket;
    let openedAt: number | undefined;
    let isAlive = true;
    let pings: NodeJS.Timeout | undefined;
    socket.on('open', () => {
      openedAt = performance.now();
      this.patience = 1;
      this.problem = 'no answer yet';
      pings = setInterval(() => {
        if (!isAlive) {
          this.restart('the server no longer answers');
          return;
        }
        isAlive = false;
        socket.ping();
      }, PING_MS);
      this.options.onOpen();
    });
    socket.on('pong', () => {
      isAlive = true;
    });
    socket.on('message', (data) => {
      isAlive = true;
      this.backoff.reset();
      this.options.onText(textOf(data));
    });
    socket.on('unexpected-response', (request, response) => {
      const status = response.statusCode ?? 0;
      this.problem = `the server answers ${status} ${response.statusMessage ?? ''}`.trim();
      request.destroy();
      response.resume();
      if (!REFUSED.has(status)) {
        this.retry();
        return;
      }
      this.isStopped = true;
      this.options.onRefused(new VedetteError('UNAUTHORIZED', `Pulsar refuses the token: ${this.problem}`));
    });
    socket.on('error', (error) => {
      if (error.message === TIMED_OUT) this.patience = Math.min(MOST_PATIENCE, this.patience * 2);
      this.problem = error.message === '' ? String((error as NodeJS.ErrnoException).code) : error.message;
    });
    socket.on('close', (_code, reason) => {
      clearInterval(pings);
      if (openedAt !== undefined) {
        this.problem = reason.length > 0 ? reason.toString() : 'the connection was closed';
        if (performance.now() - openedAt > STEADY_MS) this.backoff.reset();
        this.options.onLost();
      }
      this.retry();
    });
  }

  private retry(): void {
    if (this.isStopped) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      if (!this.isStopped) this.connect();
    }, this.backoff.next());
  }
}

function textOf(data: WebSocket.RawData): string {
  if (Array.isArray(data)) return Buffer.concat(data).toString();
  return data instanceof ArrayBuffer ? Buffer.from(data).toString() : data.toString();
}
