import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectCassandra } from '../../cassandra/connect.ts';
import { type CassandraConfig, cassandraSchema } from '../../config/cassandra.ts';
import { missingRequirements } from '../../services/requirements.ts';
import { type Services, startServices } from '../../services/start-services.ts';

const missing = missingRequirements(['cassandra']);
const isSkipped = missing.length > 0 && process.env['CI'] !== 'true';
if (isSkipped) console.warn('skipped: this machine cannot start Cassandra');

describe.skipIf(isSkipped)('a Cassandra that asks for a password', () => {
  let services: Services;
  let dir: string;
  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'vedette-credentials-'));
    writeFileSync(join(dir, 'right'), 'cassandra\n');
    writeFileSync(join(dir, 'wrong'), 'something else\n');
    services = await startServices({
      only: ['cassandra'],
      memoryMb: { cassandra: 512 },
      settings: { cassandra: { authenticator: 'PasswordAuthenticator', authorizer: 'CassandraAuthorizer' } },
    });
  });
  afterAll(async () => {
    await services.stop();
    rmSync(dir, { recursive: true });
  });

  const config = (changes: Partial<CassandraConfig>): CassandraConfig => ({
    ...cassandraSchema.parse({ contactPoints: [services.env['VEDETTE_CASSANDRA']], keyspace: 'vt_credentials' }),
    ...changes,
  });

  it('refuses none, a wrong user and a wrong password with one error each, at once', async () => {
    const cases: Partial<CassandraConfig>[] = [
      {},
      { username: 'nobody', passwordFile: join(dir, 'right') },
      { username: 'cassandra', passwordFile: join(dir, 'wrong') },
    ];
    for (const changes of cases) {
      const started = performance.now();
      await expect(connectCassandra(config(changes))).rejects.toMatchObject({ code: 'UNAUTHORIZED', retry: false });
      expect(performance.now() - started).toBeLessThan(10_000);
    }
  });

  it('takes the right ones, from a file and from the environment, and says what a user may not do', async () => {
    // The first user is made a moment after the server answers.
    const admin = await expect
      .poll(() => connectCassandra(config({ username: 'cassandra', passwordFile: join(dir, 'right') })).catch(() => undefined), { timeout: 30_000 })
      .toBeDefined()
      .then(() => connectCassandra(config({ username: 'cassandra', passwordFile: join(dir, 'right') }))); // prettier-ignore
    await admin.command(`CREATE ROLE reader WITH PASSWORD = 'r' AND LOGIN = true`);
    process.env['VEDETTE_TEST_PASSWORD'] = 'r';
    const reader = config({ username: 'reader', passwordEnv: 'VEDETTE_TEST_PASSWORD' });
    await expect(connectCassandra(reader)).rejects.toMatchObject({ code: 'UNAUTHORIZED', message: /reader/ });
    Reflect.deleteProperty(process.env, 'VEDETTE_TEST_PASSWORD');
    await admin.close();
  });
});
