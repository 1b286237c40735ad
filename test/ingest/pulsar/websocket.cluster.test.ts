import { describe } from 'vitest';
import { describeRawLog } from '../raw-log.contract.ts';
import { pulsarAddress, pulsarNamespace } from './pulsar-fixture.ts';

const address = pulsarAddress("the raw log's contract over WebSocket");
if (address) describeRawLog('Pulsar over WebSocket', async () => pulsarNamespace(address));
else describe.skip('Pulsar over WebSocket');
