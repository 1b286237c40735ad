import { describe, expect, it } from 'vitest';
import { composeService, interpolate } from '../../services/compose-file.ts';
import { packagedVersion } from '../../services/libraries.ts';

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
