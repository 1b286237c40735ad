import { BlockList, isIP } from 'node:net';
import { VedetteError } from '../model/errors.ts';

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');
LOOPBACK.addSubnet('::ffff:127.0.0.0', 104, 'ipv6');

/** Whether a numeric address is this machine's own: 127.0.0.0/8, ::1, and the first within IPv6. */
export function isLoopbackAddress(address: string | undefined): boolean {
  const version = isIP(address ?? '');
  return version !== 0 && LOOPBACK.check(address ?? '', version === 4 ? 'ipv4' : 'ipv6');
}

/**
 * Refuses to listen where others can connect: there are no keys yet that would tell them apart.
 *
 * @throws VedetteError CONFIG_INVALID
 */
export function assertLoopback(host: string): void {
  if (host === 'localhost' || isLoopbackAddress(host)) return;
  throw new VedetteError(
    'CONFIG_INVALID',
    `won't listen on ${host}: there are no access keys yet, so anyone who can connect could read and close alerts. ` +
      'Use 127.0.0.1 or ::1, and an SSH tunnel or an authenticating proxy on this machine to reach it from elsewhere',
  );
}

/**
 * Whether a Host header names this machine: `localhost`, `127.0.0.1:8080`, `[::1]:8080`. Any other name that leads here
 * is one that somebody's DNS server pointed at us (DNS rebinding), from a page that may then read what we answer.
 */
export function isLoopbackHost(header: string | undefined): boolean {
  const match = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9.-]+))(?::\d{1,5})?$/i.exec(header ?? '');
  if (match === null) return false;
  const name = (match[1] ?? match[2] ?? '').toLowerCase();
  return name === 'localhost' || isLoopbackAddress(name);
}
