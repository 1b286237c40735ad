import { describeSink } from './sink.contract.ts';
import { openStore } from './store-fixture.ts';

describeSink(() => openStore({ migrated: true }));
