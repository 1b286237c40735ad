import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type FaultProxy, startProxy } from '../../services/fault-proxy.ts';

const MIB = 1024 * 1024;

describe('a proxy that plays a bad network', () => {
  let echo: Server;
  let proxy: FaultProxy;
  const clients: Socket[] = [];

  beforeEach(async () => {
    echo = createServer({ allowHalfOpen: true }, (socket) => {
      socket.on('error', () => undefined);
      socket.pipe(socket);
    });
    echo.listen(0, '127.0.0.1');
    await once(echo, 'listening');
    proxy = await startProxy({ target: `127.0.0.1:${String((echo.address() as AddressInfo).port)}` });
  });
  afterEach(async () => {
    for (const client of clients.splice(0)) client.destroy();
    await proxy.close();
    echo.close();
  });

  async function open(): Promise<{ socket: Socket; received: () => Buffer; failure: () => string | undefined }> {
    const socket = connect(Number(proxy.address.split(':')[1]), '127.0.0.1');
    clients.push(socket);
    const chunks: Buffer[] = [];
    let failure: string | undefined;
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('error', (error) => (failure = 'code' in error ? String(error.code) : error.message));
    await until(() => !socket.connecting);
    return { socket, received: () => Buffer.concat(chunks), failure: () => failure };
  }

  async function until(condition: () => boolean): Promise<void> {
    const deadline = performance.now() + 10_000;
    while (!condition()) {
      if (performance.now() > deadline) throw new Error('the condition did not come true within 10 s');
      await sleep(5);
    }
  }

  it('passes bytes unchanged, also many and after the client has finished', async () => {
    const { socket, received } = await open();
    const sent = Buffer.alloc(20 * MIB, 'abcdefghijk');
    socket.end(sent);
    await once(socket, 'close');
    expect(received().equals(sent)).toBe(true);
    expect(proxy.connections).toBe(0);
  });

  it('holds bytes back for a while and keeps their order', async () => {
    const { socket, received } = await open();
    proxy.delay(150);
    const began = performance.now();
    for (let i = 0; i < 10; i++) {
      socket.write(`${i},`);
      await sleep(5);
    }
    await until(() => received().length === 20);
    expect(received().toString()).toBe('0,1,2,3,4,5,6,7,8,9,');
    // There and back: latency, not bandwidth.
    expect(performance.now() - began).toBeGreaterThan(290);
    expect(performance.now() - began).toBeLessThan(1500);
  });

  it('resets connections when it is cut, and new ones until it is restored', async () => {
    const first = await open();
    proxy.cut();
    await until(() => first.socket.destroyed);
    expect(first.failure()).toBe('ECONNRESET');
    const second = await open();
    await until(() => second.socket.destroyed);
    expect(second.failure()).toBe('ECONNRESET');
    proxy.restore();
    const third = await open();
    third.socket.write('hello');
    await until(() => third.received().toString() === 'hello');
  });

  it('lets nothing pass while it is silent, and goes on with what was held back', async () => {
    const { socket, received, failure } = await open();
    proxy.cut('silent');
    socket.write('held');
    const late = await open();
    late.socket.write('late');
    await sleep(200);
    expect(received()).toHaveLength(0);
    proxy.restore();
    await until(() => received().toString() === 'held' && late.received().toString() === 'late');
    expect(failure()).toBeUndefined();
  });

  it('resets in mid-frame: half of the answer arrives', async () => {
    const { socket, received, failure } = await open();
    const happened = proxy.reset();
    socket.write('0123456789');
    await happened;
    await until(() => socket.destroyed);
    expect(received().toString()).toBe('01234');
    expect(failure()).toBe('ECONNRESET');
    const again = await open();
    again.socket.write('whole');
    await until(() => again.received().toString() === 'whole');
  });

  it('is as if there were no server when there is none', async () => {
    echo.close();
    const { socket, failure } = await open();
    await until(() => socket.destroyed);
    expect(failure()).toBe('ECONNRESET');
  });
});
