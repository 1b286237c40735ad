import { describe, expect, it } from 'vitest';
import { yamlOfEnvironment } from '../../services/cassandra.ts';
import { propertiesOfEnvironment } from '../../services/kafka.ts';
import { pulsarToken, settingsOfEnvironment } from '../../services/pulsar.ts';

describe('settings that the images make of their environment', () => {
  it('are broker properties for Kafka, and nothing of its scripts', () => {
    const environment = {
      KAFKA_LOG_DIRS: '/data',
      KAFKA_LISTENER_NAME_CLIENT_SSL___ENDPOINT: 'x',
      KAFKA_A__B: 'y',
      KAFKA_HEAP_OPTS: '-Xmx1g',
      KAFKA_OPTS: '-Dx=y',
      CLUSTER_ID: 'id',
    };
    expect(propertiesOfEnvironment(environment)).toEqual({
      'log.dirs': '/data',
      'listener.name.client.ssl-endpoint': 'x',
      a_b: 'y',
    });
  });

  it('are keys of standalone.conf for Pulsar', () => {
    const environment = { PULSAR_PREFIX_maxMessageSize: '5', PULSAR_MEM: '-Xmx1g' };
    expect(settingsOfEnvironment(environment)).toEqual({ maxMessageSize: '5' });
  });

  it('are keys of cassandra.yaml for Cassandra', () => {
    const environment = { CASSANDRA_NUM_TOKENS: '16', CASSANDRA_CLUSTER_NAME: 'vedette', MAX_HEAP_SIZE: '1g' };
    expect(yamlOfEnvironment(environment)).toEqual({ num_tokens: 16, cluster_name: 'vedette' });
  });
});

describe('a token for Pulsar', () => {
  it('is signed as RFC 7515 says', () => {
    // The key of RFC 7515, A.1, on a payload of ours; signed with Python's hmac.
    const key = Buffer.from(
      'AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow',
      'base64url',
    );
    expect(pulsarToken(key, 'admin')).toBe(
      'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZG1pbiJ9.BIC7xT8EuMEAD668BKXR2PoFeoJVC9skevIe2lntN5I',
    );
  });
});
