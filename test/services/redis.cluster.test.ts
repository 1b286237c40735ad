import { Redis } from 'ioredis';
import { describe, expect, it } from 'vitest';
import { serverVariable } from './server-variable.ts';

const url = serverVariable('VEDETTE_REDIS');

describe.skipIf(url === undefined)('the Redis of the tests', () => {
  it('keeps keys when memory runs out, as a queue needs it', async () => {
    const redis = new Redis(url ?? '');
    try {
      expect(await redis.config('GET', 'maxmemory-policy')).toEqual(['maxmemory-policy', 'noeviction']);
      expect(await redis.config('GET', 'appendonly')).toEqual(['appendonly', 'yes']);
    } finally {
      redis.disconnect();
    }
  });
});
