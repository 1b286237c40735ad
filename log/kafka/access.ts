import { readFile } from 'node:fs/promises';
import { VedetteError } from '../../model/errors.ts';
import type { ConnectionOptions } from './connections.ts';
import type { SaslCredentials } from './lane.ts';
import type { KafkaAccess, KafkaSasl, KafkaTls } from './options.ts';

/** Reads the files and the variable that the configuration names. Errors: CONFIG_INVALID. */
export async function connectionOptions(access: KafkaAccess): Promise<ConnectionOptions> {
  const { brokers, clientId, connectTimeoutMs, requestTimeoutMs } = access;
  const tls = access.tls && (await readTls(access.tls));
  const sasl = access.sasl && (await readSasl(access.sasl));
  return { brokers, clientId, connectTimeoutMs, requestTimeoutMs, tls, sasl };
}

async function readTls({ caFile, certFile, keyFile, serverName, verify }: KafkaTls) {
  return {
    rejectUnauthorized: verify,
    ...(serverName !== undefined && { servername: serverName }),
    ...(caFile !== undefined && { ca: await read(caFile) }),
    ...(certFile !== undefined && { cert: await read(certFile) }),
    ...(keyFile !== undefined && { key: await read(keyFile) }),
  };
}

async function readSasl({ mechanism, username, ...source }: KafkaSasl): Promise<SaslCredentials> {
  if (source.password !== undefined) return { mechanism, username, password: source.password };
  if (source.passwordFile !== undefined) {
    return { mechanism, username, password: (await read(source.passwordFile)).trimEnd() };
  }
  const password = process.env[source.passwordEnv ?? ''];
  if (password !== undefined) return { mechanism, username, password };
  throw new VedetteError('CONFIG_INVALID', `the variable ${source.passwordEnv ?? ''} with Kafka's password is not set`);
}

async function read(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new VedetteError('CONFIG_INVALID', `${path} cannot be read: ${(error as Error).message}`, { cause: error });
  }
}
