import { VedetteError } from '../../model/errors.ts';
import { parseNative } from '../../olap/native-frame.ts';
import type { BlockCodec, SinkBlock } from '../../olap/sink-batch.ts';
import { eventsNative, type TestEvent } from './store-fixture.ts';

/** A record of the log in tests: the events as JSON. Each event has `_src`, `_pos` and `time`. */
export function testRecord(events: readonly TestEvent[]): Uint8Array {
  return Buffer.from(JSON.stringify(events));
}

interface TestBlock extends SinkBlock {
  readonly events: readonly TestEvent[];
}

function block(events: readonly TestEvent[]): TestBlock {
  const times = events.map(({ time }) => Number(time));
  const ids = [...new Set(events.map(({ _src }) => String(_src)))];
  return {
    ...parseNative(eventsNative(events)),
    events,
    sources: ids.map((id) => {
      const positions = events.filter(({ _src }) => _src === id).map(({ _pos }) => Number(_pos));
      return { id, firstPos: Math.min(...positions), lastPos: Math.max(...positions) };
    }),
    minTimeMs: Math.min(...times),
    maxTimeMs: Math.max(...times),
  };
}

function parse(data: Uint8Array): TestBlock {
  const text = Buffer.from(data).toString();
  if (!text.startsWith('[')) throw new VedetteError('BLOCK_CORRUPT', 'not a test record');
  return block(JSON.parse(text) as TestEvent[]);
}

export const testCodec: BlockCodec = {
  parse,
  dropSeen: (seen, highest) => {
    const events = (seen as TestBlock).events;
    return block(events.filter(({ _src, _pos }) => Number(_pos) > (highest(String(_src)) ?? -1)));
  },
};
