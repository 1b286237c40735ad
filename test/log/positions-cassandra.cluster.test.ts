import { describe } from 'vitest';
import { openCassandraPositions } from '../../log/cassandra/index.ts';
import { createTestKeyspace, hasCassandra } from '../cassandra/test-keyspace.ts';
import { describePositionStore } from './position-store.contract.ts';

describe.skipIf(!hasCassandra)('positions in Cassandra', () => {
  describePositionStore('Cassandra', async () => {
    const keyspace = await createTestKeyspace();
    return { open: () => openCassandraPositions(keyspace.session), remove: () => keyspace.drop() };
  });
});
