import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import type { KafkaLog } from '../../log/kafka/kafka-log.ts';

/** Numbered records on their way into and out of a log, to be counted afterwards. */
export interface Load {
  /** By partition: the offset that was acknowledged for each number; undefined where the append was rejected. */
  readonly acknowledged: Map<number, (number | undefined)[]>;
  /** By partition: what a reader saw while the load was on, in order. */
  readonly read: Map<number, { offset: number; number: number }[]>;
  readonly rejections: unknown[];
  stop(): Promise<void>;
}

const IN_FLIGHT = 8;

/** Appends numbered records to each partition, some at a time without waiting for each other, and reads along. */
export function startLoad(log: KafkaLog, topic: string, { recordBytes }: { readonly recordBytes: number }): Load {
  const acknowledged = new Map<number, (number | undefined)[]>();
  const read = new Map<number, { offset: number; number: number }[]>();
  const rejections: unknown[] = [];
  const stopped = new AbortController();
  const tasks: Promise<void>[] = [];
  for (let partition = 0; partition < log.partitions(topic); partition++) {
    const offsets: (number | undefined)[] = [];
    const seen: { offset: number; number: number }[] = [];
    acknowledged.set(partition, offsets);
    read.set(partition, seen);
    const write = async (): Promise<void> => {
      let next = 0;
      const one = async (): Promise<void> => {
        while (!stopped.signal.aborted) {
          const number = next++;
          const record = Buffer.alloc(recordBytes, number);
          record.writeUInt32BE(number);
          offsets[number] = await log.append(topic, partition, [record]).catch((error: unknown) => {
            rejections.push(error);
            return undefined;
          });
        }
      };
      await Promise.all(Array.from({ length: IN_FLIGHT }, one));
    };
    const follow = async (): Promise<void> => {
      for (let offset = 0; ;) {
        await log.wait(topic, partition, offset, stopped.signal);
        const entries = await log.read(topic, partition, offset, { maxBytes: 1 << 20 });
        for (const entry of entries) {
          const number = Buffer.from(entry.data).readUInt32BE();
          seen.push({ offset: entry.offset, number });
          expect(entry.data.at(-1)).toBe(recordBytes > 4 ? number & 255 : entry.data.at(-1));
          offset = entry.offset + 1;
        }
        if (entries.length === 0 && stopped.signal.aborted && offset >= log.bounds(topic, partition).end) return;
      }
    };
    tasks.push(write(), follow());
  }
  return {
    acknowledged,
    read,
    rejections,
    async stop() {
      stopped.abort();
      await Promise.all(tasks);
    },
  };
}

/** Each acknowledged record is where it was said to be, once; order is kept. Gives what was counted. */
export async function checkLoad(
  load: Load,
  log: KafkaLog,
  topic: string,
): Promise<{ records: number; duplicates: number }> {
  let records = 0;
  let duplicates = 0;
  for (const [partition, offsets] of load.acknowledged) {
    const { earliest, end } = log.bounds(topic, partition);
    const stored: number[] = [];
    for (let offset = earliest; offset < end;) {
      const entries = await log.read(topic, partition, offset, { maxBytes: 4 << 20 });
      for (const { offset: at, data } of entries) stored[at] = Buffer.from(data).readUInt32BE();
      offset = (entries.at(-1)?.offset ?? end) + 1;
    }
    const misplaced = offsets.flatMap((offset, number) =>
      offset !== undefined && stored[offset] !== number ? [`${number} at ${offset}`] : [],
    );
    expect(misplaced, `acknowledged and not in partition ${partition}`).toEqual([]);
    const firsts = [...new Set(stored)];
    expect(firsts, `order of partition ${partition}`).toEqual(firsts.toSorted((a, b) => a - b));
    records += offsets.filter((offset) => offset !== undefined).length;
    duplicates += stored.length - firsts.length;
    const followed = load.read.get(partition)!;
    expect(followed.map(({ number }) => number)).toEqual(stored.slice(0, followed.length));
    expect(followed.map(({ offset }) => offset)).toEqual(followed.map((_, i) => i));
  }
  return { records, duplicates };
}

export async function until(condition: () => boolean | Promise<boolean>, timeoutMs: number): Promise<void> {
  const end = Date.now() + timeoutMs;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error('it did not come to that');
    await sleep(50);
  }
}
