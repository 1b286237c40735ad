import { describe, expect, it } from 'vitest';
import { assertLoopback, isLoopbackAddress, isLoopbackHost } from '../../console/loopback.ts';

describe('loopback', () => {
  it.each(['127.0.0.1', '127.255.0.9', '::1', 'localhost'])('listens on %s', (host) => {
    expect(() => assertLoopback(host)).not.toThrow();
  });

  it.each(['0.0.0.0', '::', '192.168.1.4', '', 'example.org', '127.1', '::ffff:10.0.0.1'])(
    'won’t listen on %j',
    (host) => {
      expect(() => assertLoopback(host)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
    },
  );

  it('knows the addresses of this machine', () => {
    expect(['127.0.0.1', '::1', '::ffff:127.0.0.1'].every(isLoopbackAddress)).toBe(true);
    expect(['10.0.0.1', '::ffff:10.0.0.1', 'localhost', undefined].some(isLoopbackAddress)).toBe(false);
  });

  it('knows the names of this machine', () => {
    for (const host of ['localhost', 'LOCALHOST:80', '127.0.0.1:4070', '[::1]', '[::1]:4070']) {
      expect(isLoopbackHost(host), host).toBe(true);
    }
    for (const host of [undefined, '', 'evil.example', 'localhost.evil.example', '127.0.0.1.evil.example', '[::2]', 'a@localhost', '0.0.0.0']) {
      expect(isLoopbackHost(host), host).toBe(false);
    } // prettier-ignore
  });
});
