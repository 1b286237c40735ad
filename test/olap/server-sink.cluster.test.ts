import { serverVariable } from '../services/server-variable.ts';
import { describeExactInserts } from './exact-inserts.contract.ts';
import { openServerStore } from './server-fixture.ts';
import { describeSink } from './sink.contract.ts';

const url = serverVariable('VEDETTE_CLICKHOUSE');

if (url !== undefined) {
  describeSink(() => openServerStore(url));
  describeExactInserts(() => openServerStore(url));
}
