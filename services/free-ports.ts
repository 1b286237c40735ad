import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import { VedetteError } from '../model/errors.ts';

/**
 * Below the range that the system hands out to outgoing connections (32,768 on Linux): a port from that range may be
 * taken by some client while its server is down, and a server that is killed has to come back on the same port.
 */
const FIRST = 20_000;
const LAST = 32_000;

/** So many loopback ports that nothing listens on now, none of them twice. */
export async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  for (let tries = 0; ports.size < count && tries < 1000; tries++) {
    const port = randomInt(FIRST, LAST);
    if (!ports.has(port) && (await isFree(port))) ports.add(port);
  }
  if (ports.size < count) {
    throw new VedetteError('STORE_UNAVAILABLE', `no ${count} free ports between ${FIRST} and ${LAST}`);
  }
  return [...ports];
}

export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
  });
}
