import { connect } from 'node:net';

const TIMEOUT_MS = 2000;

/** Sends bytes and hands over what comes back until `enough` says so. Undefined: no connection, or silence. */
function exchange(port: number, request: Uint8Array, enough: (reply: Buffer) => boolean): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    let reply = Buffer.alloc(0);
    const finish = (result?: Buffer): void => {
      socket.destroy();
      resolve(result);
    };
    socket.setTimeout(TIMEOUT_MS, () => finish());
    socket.once('error', () => finish());
    socket.once('close', () => finish());
    socket.once('connect', () => socket.write(request));
    socket.on('data', (chunk: Buffer) => {
      reply = Buffer.concat([reply, chunk]);
      if (enough(reply)) finish(reply);
    });
  });
}

/** Whether the address answers 200. */
export async function answersOk(url: string, headers: Readonly<Record<string, string>> = {}): Promise<boolean> {
  try {
    const response = await fetch(url, { headers, signal: AbortSignal.timeout(TIMEOUT_MS) });
    await response.arrayBuffer();
    return response.ok;
  } catch (error) {
    if (error instanceof Error) return false;
    throw error;
  }
}

/** Ids of the brokers that a Kafka broker knows of; none where it doesn't serve requests yet. */
export async function kafkaBrokers(port: number): Promise<number[]> {
  // Metadata v1 of no topics: size, api key 3, version 1, correlation id, client id (null), topics [].
  const request = Buffer.alloc(18);
  request.writeInt32BE(14, 0);
  request.writeInt16BE(3, 4);
  request.writeInt16BE(1, 6);
  request.writeInt32BE(1, 8);
  request.writeInt16BE(-1, 12);
  request.writeInt32BE(0, 14);
  const complete = (reply: Buffer): boolean => reply.length >= 4 && reply.length >= 4 + reply.readInt32BE(0);
  const reply = await exchange(port, request, complete);
  return reply === undefined ? [] : brokersOf(reply);
}

/** Size, correlation id, brokers: id, host, port, rack (a length of -1: none). */
function brokersOf(reply: Buffer): number[] {
  const ids: number[] = [];
  const count = reply.length >= 12 ? reply.readInt32BE(8) : 0;
  for (let i = 0, at = 12; i < count; i++) {
    ids.push(reply.readInt32BE(at));
    at += 4 + 2 + reply.readInt16BE(at + 4) + 4;
    at += 2 + Math.max(0, reply.readInt16BE(at));
  }
  return ids;
}

/** Whether Cassandra's native protocol answers OPTIONS with SUPPORTED. */
export async function cassandraAnswers(port: number): Promise<boolean> {
  const options = Uint8Array.from([0x04, 0, 0, 0, 0x05, 0, 0, 0, 0]);
  const reply = await exchange(port, options, (bytes) => bytes.length >= 9);
  return reply?.[4] === 0x06;
}

/** Whether Redis answers PING; one that still loads its data doesn't. */
export async function redisAnswers(port: number): Promise<boolean> {
  const reply = await exchange(port, Buffer.from('PING\r\n'), (bytes) => bytes.includes('\n'));
  return reply !== undefined && /^(\+PONG|-NOAUTH)/.test(reply.toString('latin1'));
}
