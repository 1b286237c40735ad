import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../config/load.ts';
import { composeService, interpolate } from '../../services/compose-file.ts';
import { packagedVersion } from '../../services/libraries.ts';
import { PROJECT_ROOT } from '../../services/project-root.ts';

describe('variables in docker-compose.yml', () => {
  it.each([
    ['plain', {}, 'plain'],
    ['a ${NAME} b', { NAME: 'x' }, 'a x b'],
    ['${NAME:-fallback}', {}, 'fallback'],
    ['${NAME:-fallback}', { NAME: '' }, 'fallback'],
    ['${NAME:-fallback}', { NAME: 'set' }, 'set'],
    ['${MISSING}', {}, ''],
    ['costs $$5', {}, 'costs $5'],
  ])('fills %j with %j', (text, environment, filled) => {
    expect(interpolate(text, environment)).toBe(filled);
  });

  it('names a variable that has to be set', () => {
    expect(() => interpolate('${PASSWORD:?choose one}', {})).toThrow(/PASSWORD is not set. choose one/);
  });
});

describe('docker-compose.yml', () => {
  it.each([
    ['kafka', 'apache/kafka'],
    ['pulsar', 'apachepulsar/pulsar'],
    ['cassandra', 'cassandra'],
  ] as const)('runs the version of %s that the packages are', (kind, image) => {
    expect(composeService(kind).image).toBe(`${image}:${packagedVersion(kind)}`);
  });

  it('takes passwords from the environment, and marks what stands for them', () => {
    const password = { VEDETTE_REDIS_PASSWORD: 'secret' };
    expect(composeService('redis', password).command).toContain('secret');
    expect(composeService('redis').command).toContain('development-only');
  });

  it('mounts files that are there', () => {
    expect(Object.keys(composeService('clickhouse').files).sort()).toEqual([
      '/etc/clickhouse-server/config.d/vedette.xml',
      '/etc/clickhouse-server/users.d/no-default-user.xml',
      '/etc/clickhouse-server/users.d/vedette.xml',
    ]);
  });
});

describe("the roles' configuration in docker-compose.yml", () => {
  const config = loadConfig(join(PROJECT_ROOT, 'deploy', 'compose', 'vedette.yaml'));

  it('is valid, and names the servers as they are called and listen there', () => {
    const { environment } = composeService('kafka');
    expect(environment['KAFKA_ADVERTISED_LISTENERS']).toContain(`CLIENT://${config.kafka.brokers.join()}`);
    expect(config.pulsar.webSocketUrl).toBe('ws://pulsar:8080');
    expect(config.pulsar.serviceUrl).toBe('pulsar://pulsar:6650');
    expect(config.cassandra.contactPoints).toEqual(['cassandra:9042']);
    expect(config.redis.nodes).toEqual(['redis:6379']);
    expect(config.clickhouse.url).toBe('http://clickhouse:8123');
  });

  it('takes passwords from the variables that the servers have', () => {
    expect(composeService('clickhouse').environment).toHaveProperty(config.clickhouse.passwordEnv ?? '');
    expect(composeService('redis', { [config.redis.passwordEnv ?? '']: 'x' }).command).toContain('x');
  });

  it('has messages that fit into the frames that Pulsar takes', () => {
    const { environment } = composeService('pulsar');
    const frame = Number(environment['PULSAR_PREFIX_webSocketMaxTextFrameSize']);
    expect((config.pulsar.maxMessageBytes * 4) / 3).toBeLessThan(frame);
    expect(config.pulsar.maxMessageBytes).toBeLessThan(Number(environment['PULSAR_PREFIX_maxMessageSize']));
  });
});
