import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { joinGroup } from '../../log/kafka/group.ts';
import { freePorts } from '../../services/free-ports.ts';
import { missingRequirements } from '../../services/requirements.ts';
import { startServices, type Services } from '../../services/start-services.ts';
import { KafkaFixture } from './kafka.fixture.ts';
import { readAll } from './event-log.contract.ts';

const skip = missingRequirements(['kafka']).length > 0 && process.env['CI'] !== 'true';
if (skip) console.warn('skipped: Kafka can not be started here');
const LOGIN = 'org.apache.kafka.common.security';

describe.skipIf(skip)('a broker that asks who one is', () => {
  let services: Services | undefined;
  let dir: string;
  let sasl: string;
  let tls: string;
  const topics = [{ name: 'events', partitions: 1 }];

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'vedette-kafka-'));
    makeCertificate(dir);
    const [client, internal, controller, saslPort, tlsPort] = await freePorts(5);
    sasl = `127.0.0.1:${saslPort}`;
    tls = `127.0.0.1:${tlsPort}`;
    const planned = { kafka: [{ client, internal, controller }], pulsar: {}, cassandra: {}, redis: {}, clickhouse: {} };
    const ports = await freePorts(7);
    Object.assign(planned.pulsar, { broker: ports[0], web: ports[1], bookie: ports[2] });
    Object.assign(planned.cassandra, { native: ports[3], storage: ports[4] });
    Object.assign(planned.redis, { client: ports[5] });
    Object.assign(planned.clickhouse, { http: ports[6] });
    writeFileSync(join(dir, 'ports.json'), JSON.stringify(planned));
    const open = `CLIENT://127.0.0.1:${client},INTERNAL://127.0.0.1:${internal},SASL://${sasl},TLS://${tls}`;
    services = await startServices({
      only: ['kafka'],
      dataDir: dir,
      memoryMb: { kafka: 320 },
      settings: {
        kafka: {
          listeners: `${open},CONTROLLER://127.0.0.1:${controller}`,
          'advertised.listeners': open,
          'listener.security.protocol.map':
            'CLIENT:PLAINTEXT,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL:SASL_PLAINTEXT,TLS:SSL',
          'listener.name.sasl.sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256',
          'listener.name.sasl.plain.sasl.jaas.config': `${LOGIN}.plain.PlainLoginModule required user_vedette="right";`,
          'listener.name.sasl.scram-sha-256.sasl.jaas.config': `${LOGIN}.scram.ScramLoginModule required;`,
          'listener.name.tls.ssl.keystore.type': 'PEM',
          'listener.name.tls.ssl.keystore.location': join(dir, 'broker.pem'),
        },
      },
    });
  });

  afterAll(async () => {
    await services?.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  it('lets in with the right password, from a file or a variable', async () => {
    writeFileSync(join(dir, 'password'), 'right\n');
    for (const source of [{ password: 'right' }, { passwordFile: join(dir, 'password') }]) {
      const fixture = new KafkaFixture([sasl], { sasl: { mechanism: 'plain', username: 'vedette', ...source } });
      const log = await fixture.open(topics);
      await log.append('events', 0, [Buffer.from('a')]);
      expect(await readAll(log, 'events', 0)).toEqual(['0 a']);
      await log.close();
    }
  });

  it.each([
    { mechanism: 'plain', username: 'vedette', password: 'wrong' },
    { mechanism: 'scram-sha-256', username: 'nobody', password: 'wrong' },
    { mechanism: 'scram-sha-512', username: 'vedette', password: 'right' },
  ])('refuses with UNAUTHORIZED at once, once: $mechanism', async (credentials) => {
    const fixture = new KafkaFixture([sasl], { sasl: credentials });
    const startMs = Date.now();
    await expect(fixture.open(topics)).rejects.toMatchObject({ code: 'UNAUTHORIZED', retry: false });
    const callbacks = { onAssigned: () => undefined, onLost: () => undefined, onFailed: () => undefined };
    await expect(
      joinGroup({ kafka: fixture.kafka, groupId: 'g', topics, ...fixture.kafka.group, ...callbacks }),
    ).rejects.toMatchObject({ code: 'UNAUTHORIZED' });
    expect(Date.now() - startMs).toBeLessThan(10_000);
  });

  it('hints at what is missing when one brings no credentials', async () => {
    const fixture = new KafkaFixture([sasl], { openTimeoutMs: 1000 });
    await expect(fixture.open(topics)).rejects.toMatchObject({
      code: 'LOG_UNAVAILABLE',
      message: expect.stringMatching(/does this listener ask for SASL or TLS/),
    });
  });

  it('is taken by its certificate, and refused where that is not trusted', async () => {
    const trusted = new KafkaFixture([tls], { tls: { caFile: join(dir, 'cert.pem') }, compression: 'none' });
    const log = await trusted.open(topics);
    const big = Buffer.alloc(3_000_000, 'over several records of TLS ');
    await log.append('events', 0, [big]);
    const [entry] = await log.read('events', 0, 0, { maxBytes: 1 });
    expect(Buffer.from(entry!.data).equals(big)).toBe(true);
    await log.close();
    await expect(new KafkaFixture([tls], { tls: {} }).open(topics)).rejects.toMatchObject({
      code: 'UNAUTHORIZED',
      message: expect.stringContaining('TLS'),
    });
  });
});

function makeCertificate(dir: string): void {
  const made = spawnSync(
    'openssl',
    ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=127.0.0.1'].concat([
      '-addext',
      'subjectAltName=IP:127.0.0.1',
      '-keyout',
      join(dir, 'key.pem'),
      '-out',
      join(dir, 'cert.pem'),
    ]),
    { encoding: 'utf8' },
  );
  expect(made.status, made.stderr).toBe(0);
  writeFileSync(
    join(dir, 'broker.pem'),
    readFileSync(join(dir, 'key.pem'), 'utf8') + readFileSync(join(dir, 'cert.pem'), 'utf8'),
  );
}
