import type { Config } from '../../config/schema.ts';
import { openClusterServers } from '../../cli/compose-cluster.ts';
import { EventBlock } from '../../model/event-block.ts';
import { type EventColumnsView, viewColumns } from '../../stream/event-columns-view.ts';
import { EVENTS_TOPIC } from '../../stream/stage-workers.ts';
import { peakMemoryMb } from '../cluster/processes.ts';
import { Reporter, untilGo } from '../cluster/worker-link.ts';

export interface DecodeInput {
  readonly config: Config;
  /** Partitions of this worker. */
  readonly own: readonly number[];
}

export interface DecodeResult {
  readonly peakMb: number;
  /** Of all that was read, so that none of it can be left undone. */
  readonly checksum: number;
}

/** As the stages read. */
const READ_BYTES = 4 << 20;

/** The consumer beside the stages: reads the same blocks, decodes them to columns, touches each value, drops them. */
export async function runDecode({ config, own }: DecodeInput): Promise<DecodeResult> {
  const closers: (() => Promise<unknown>)[] = [];
  try {
    const { log } = await openClusterServers({ config, onNotice: () => undefined }, closers);
    let events = 0;
    let checksum = 0;
    const reporter = new Reporter(() => ({ events, evaluations: 0 }));
    const readPartition = async (partition: number): Promise<void> => {
      const { end } = log.bounds(EVENTS_TOPIC, partition);
      for (let next = 0; next < end;) {
        for (const { offset, data } of await log.read(EVENTS_TOPIC, partition, next, { maxBytes: READ_BYTES })) {
          const block = new EventBlock(data);
          if (block.rows > 0) checksum = (checksum + touch(viewColumns(block))) | 0;
          events += block.rows;
          next = offset + 1;
        }
        reporter.reportIfDue();
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    await untilGo();
    reporter.report();
    await Promise.all(own.map(readPartition));
    reporter.report();
    return { peakMb: peakMemoryMb(), checksum };
  } finally {
    for (const close of closers.reverse()) await close();
  }
}

function touch(columns: EventColumnsView): number {
  let sum = 0;
  for (let row = 0; row < columns.rows; row++) {
    sum ^= columns.eventClass[row]! ^ columns.late[row]! ^ columns.srcPort[row]! ^ columns.dstPort[row]!;
    sum ^= columns.direction[row]! ^ columns.proto[row]! ^ columns.connState[row]!;
    sum ^= columns.time[row * 2]! ^ columns.start[row * 2]! ^ columns.position[row * 2]!;
    sum ^= columns.src[row * 4 + 3]! ^ columns.dst[row * 4 + 3]!;
    sum ^= columns.bytesOut[row * 2]! ^ columns.bytesIn[row * 2]!;
    sum ^= columns.packetsOut[row * 2]! ^ columns.packetsIn[row * 2]!;
    sum ^= columns.rcode.index[row]! ^ columns.device.index[row]! ^ columns.metric.index[row]!;
    sum ^= columns.unit.index[row]! ^ columns.source.index[row]! ^ columns.value[row]!;
    sum = Math.imul(sum, 31);
  }
  return sum;
}
