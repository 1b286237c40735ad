import { connect as connectPlain, isIP, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';

export interface SocketOptions {
  readonly host: string;
  readonly port: number;
  readonly ssl: ConnectionOptions | null;
  readonly onConnect: () => void;
}

const READ_BYTES = 256 << 10;
const LENGTH_BYTES = 4;
/** Far above any answer that is asked for. */
const MOST_BYTES = 512 << 20;

/**
 * A socket for kafkajs's connections. Without TLS it hands on one whole answer after the other, each copied once out of
 * one buffer that is read into again and again: a new buffer for each 64 KiB, joined at the end, costs as much as all the
 * rest of reading.
 */
export function openSocket({ host, port, ssl, onConnect }: SocketOptions): Socket {
  if (ssl) {
    const socket = connectTls({ host, port, ...(isIP(host) === 0 && { servername: host }), ...ssl }, onConnect);
    return socket.setNoDelay(true).setKeepAlive(true, 60_000);
  }
  const frames = new Frames();
  const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
  const socket: Socket = connectPlain(
    {
      host,
      port,
      onread: {
        buffer,
        callback(bytesRead) {
          try {
            frames.take(buffer.subarray(0, bytesRead), (frame) => socket.emit('data', frame));
          } catch (error) {
            socket.destroy(error as Error);
          }
          return true;
        },
      },
    },
    onConnect,
  );
  return socket.setNoDelay(true).setKeepAlive(true, 60_000);
}

/** Puts together what comes in pieces: a length of four bytes and so many bytes behind it. */
class Frames {
  #head = Buffer.alloc(LENGTH_BYTES);
  #frame: Buffer | undefined;
  #have = 0;

  take(bytes: Buffer, emit: (frame: Buffer) => void): void {
    let at = 0;
    while (at < bytes.length) {
      const target = this.#frame ?? this.#head;
      const count = Math.min(target.length - this.#have, bytes.length - at);
      bytes.copy(target, this.#have, at, at + count);
      this.#have += count;
      at += count;
      if (this.#have < target.length) return;
      if (this.#frame) {
        this.#frame = undefined;
        this.#have = 0;
        emit(target);
      } else {
        const length = target.readInt32BE(0);
        if (length < 0 || length > MOST_BYTES) throw new Error(`an answer of ${length} bytes`);
        this.#frame = Buffer.allocUnsafe(LENGTH_BYTES + length);
        target.copy(this.#frame);
      }
    }
  }
}
