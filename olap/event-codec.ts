import { dropSeenRows } from '../model/block-filter.ts';
import { EventBlock } from '../model/event-block.ts';
import type { BlockCodec } from './sink-batch.ts';

/** Records of the events topic: their Native part goes to ClickHouse as it is. */
export const eventCodec: BlockCodec = {
  parse: (data) => new EventBlock(data),
  dropSeen: (block, highest) => (block instanceof EventBlock ? dropSeenRows(block, highest) : block),
};
