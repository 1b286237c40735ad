import { checkServer, createClient } from '../../batch/redis/connect.ts';
import type { RedisConfig } from '../../config/redis.ts';
import { type CheckGroup, Lazy } from './check.ts';
import { clockFinding } from './clock.ts';

export function redisChecks(config: RedisConfig): CheckGroup {
  const server = new Lazy(async () => {
    await checkServer(config);
    const client = createClient(config, 'once');
    // The check that meets it tells it.
    client.on('error', () => undefined);
    await client.connect();
    return { client, info: await client.info() };
  });
  const field = async (name: string): Promise<string | undefined> =>
    new RegExp(`^${name}:(\\S+)`, 'm').exec((await server.get()).info)?.[1];
  return {
    server: 'redis',
    first: {
      name: 'reachable',
      run: async () => ({
        level: 'ok',
        found: `Redis ${await field('redis_version')} at ${config.nodes.join(', ')} (${config.topology})`,
      }),
    },
    others: [
      {
        name: 'memory',
        run: async () => {
          const policy = await field('maxmemory_policy');
          const found = `maxmemory-policy ${policy ?? 'unknown'}, maxmemory ${(await field('maxmemory_human')) ?? 'unknown'}`;
          if (policy === 'noeviction') return { level: 'ok', found };
          return {
            level: 'fail',
            found,
            advice: 'set maxmemory-policy noeviction: otherwise jobs vanish when memory is full',
          };
        },
      },
      {
        name: 'persistence',
        run: async () => {
          const isOn = (await field('aof_enabled')) === '1';
          const status = await field('aof_last_write_status');
          if (isOn && status === 'ok') return { level: 'ok', found: 'append-only file' };
          if (isOn) {
            const advice = 'free space on the disk of Redis, and see its log';
            return { level: 'fail', found: `append-only file, last write: ${status}`, advice };
          }
          return {
            level: 'warn',
            found: 'no append-only file',
            advice: 'set appendonly yes: a restart of Redis loses the newest jobs',
          };
        },
      },
      {
        name: 'clock',
        run: async () => {
          const { client } = await server.get();
          return clockFinding(async () => {
            const [seconds, micros] = await client.time();
            return Number(seconds) * 1000 + Number(micros) / 1000;
          });
        },
      },
    ],
    advice: {
      QUEUE_UNAVAILABLE: 'start the server, or correct redis.nodes',
      UNAUTHORIZED: 'correct redis.username and redis.password',
      UNSUPPORTED: 'install Redis 6.2 or newer',
    },
    close: () => server.end(({ client }) => client.disconnect()),
  };
}
