import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { serverVariable } from '../services/server-variable.ts';
import { doctor } from './doctor-fixture.ts';

const VARIABLES = ['VEDETTE_KAFKA', 'VEDETTE_PULSAR_ADMIN', 'VEDETTE_CASSANDRA', 'VEDETTE_REDIS', 'VEDETTE_CLICKHOUSE'];
const isThere = VARIABLES.map((name) => serverVariable(name) !== undefined).every(Boolean);
const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => name.startsWith('VEDETTE_')));

interface Shown {
  readonly ok: boolean;
  readonly checks: { server: string; check: string; level: string; found: string; advice?: string }[];
}

describe.skipIf(!isThere)('vedette doctor on real servers', () => {
  const folder = mkdtempSync(join(tmpdir(), 'vedette-doctor-'));
  const name = `d${randomBytes(5).toString('hex')}`;
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  async function shown(config: unknown, changed: Readonly<Record<string, string>> = {}) {
    const path = join(folder, 'vedette.yaml');
    writeFileSync(path, stringify(config));
    const { exitCode, output } = await doctor(['--config', path, 'doctor', '-o', 'json'], {
      ...environment,
      ...changed,
    });
    const { ok, checks } = JSON.parse(output) as Shown;
    const of = (server: string, check: string) =>
      checks.find((each) => each.server === server && each.check === check) ?? {
        level: 'absent',
        found: '',
        advice: '',
      };
    return { exitCode, ok, checks, of };
  }
  /** Names that nobody has used. */
  const fresh = {
    kafka: { prefix: name },
    pulsar: { namespace: name },
    cassandra: { keyspace: name },
    clickhouse: { databasePrefix: `${name}_` },
  };

  it('finds each of them, its version and its clock, and says what the first start will make', async () => {
    const { of, checks } = await shown(fresh);
    for (const server of ['kafka', 'pulsar', 'cassandra', 'redis', 'clickhouse']) {
      expect(of(server, 'reachable'), server).toMatchObject({ level: 'ok' });
    }
    for (const server of ['pulsar', 'cassandra', 'redis', 'clickhouse']) {
      expect(of(server, 'clock'), JSON.stringify(checks)).toMatchObject({ level: 'ok' });
    }
    expect(of('kafka', 'topics').found).toMatch(/topics are not there yet/);
    expect(of('pulsar', 'namespace').found).toMatch(/no namespace .* yet/);
    expect(of('cassandra', 'keyspace').found).toMatch(/no keyspace .* yet/);
    expect(of('cassandra', 'commit log').found).toMatch(/^commitlog_sync (batch|periodic|group)$/);
    expect(of('clickhouse', 'schema').found).toBe('no schema yet');
    expect(of('redis', 'memory')).toMatchObject({ level: 'ok' });
    expect(of('pulsar', 'frames').level).not.toBe('absent');
  });

  it('asks for more brokers where there are fewer than replicas', async () => {
    const { exitCode, of } = await shown({ kafka: { prefix: name, replicationFactor: 9, minInsyncReplicas: 2 } });
    expect(exitCode).toBe(1);
    expect(of('kafka', 'reachable').advice).toMatch(/start \d more, or lower kafka.replicationFactor/);
  });

  it('says that credentials are wrong, and where they are written', async () => {
    const { exitCode, of } = await shown(
      { redis: { username: 'nobody', password: 'wrong' } },
      { VEDETTE_CLICKHOUSE_USER: 'nobody' },
    );
    expect(exitCode).toBe(1);
    expect(of('clickhouse', 'reachable')).toMatchObject({
      level: 'fail',
      advice: 'correct clickhouse.username, and the password in clickhouse.passwordFile or passwordEnv',
    });
    expect(of('redis', 'reachable')).toMatchObject({
      level: 'fail',
      advice: 'correct redis.username and redis.password',
    });
  });

  it('tells of a stopped server, and of the others all the same', async () => {
    const { exitCode, of } = await shown(fresh, { VEDETTE_CASSANDRA: '127.0.0.1:1' });
    expect(exitCode).toBe(1);
    expect(of('cassandra', 'reachable')).toMatchObject({
      level: 'fail',
      advice: 'start the servers, or correct cassandra.contactPoints',
    });
    expect(of('clickhouse', 'reachable').level).toBe('ok');
  });
});
