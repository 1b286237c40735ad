import { join } from 'node:path';
import { VedetteError } from '../model/errors.ts';
import { composeService } from './compose-file.ts';
import { findProgram } from './java.ts';
import { redisAnswers } from './probes.ts';
import type { ServerSpec } from './server-spec.ts';

export interface RedisOptions {
  readonly dir: string;
  readonly port: number;
  /** Absent: none is asked for. */
  readonly password?: string;
}

/** The command line of docker-compose.yml, on loopback; without its password unless there is one. */
export function redisSpec(options: RedisOptions): ServerSpec {
  const command = findProgram('redis-server');
  if (command === undefined) throw new VedetteError('UNSUPPORTED', 'redis-server is not in PATH');
  const dir = join(options.dir, 'redis');
  const [, ...composed] = composeService('redis', { VEDETTE_REDIS_PASSWORD: options.password ?? '' }).command;
  if (options.password === undefined) {
    const at = composed.indexOf('--requirepass');
    if (at >= 0) composed.splice(at, 2);
  }
  return {
    kind: 'redis',
    name: 'redis',
    dir,
    command,
    args: [...composed, '--bind', '127.0.0.1', '--port', String(options.port), '--daemonize', 'no', '--dir', dir],
    env: { PATH: '/usr/bin:/bin' },
    ports: { client: options.port },
    startTimeoutMs: 20_000,
    prepare: async () => undefined,
    answers: () => redisAnswers(options.port),
  };
}
