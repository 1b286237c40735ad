import { describeExactInserts } from './exact-inserts.contract.ts';
import { openStore } from './store-fixture.ts';

describeExactInserts(() => openStore({ migrated: true }));
