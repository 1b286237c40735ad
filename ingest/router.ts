import type { NetworkSet } from '../model/address.ts';
import { Direction, EventClass } from '../model/event-columns.ts';
import { nameKey, partitionOf } from '../model/key-hash.ts';
import type { RowContext } from './block-builder.ts';
import { TEXT, type EventRow } from './event-row.ts';

const EMPTY = new Uint8Array(0);
const MAX_CACHED = 100_000;

/**
 * Says where a flow goes and which partition a record belongs to: that of its internal endpoint (the responder of an
 * inbound flow, else the originator), of its device, or, without either, of its source.
 */
export class Router {
  private readonly partitions: number;
  private readonly internal: NetworkSet;
  private readonly groups: readonly { networks: NetworkSet; name: Uint8Array }[];
  private readonly site: Uint8Array;
  private readonly named = new Map<string, number>();
  private readonly words = new Uint32Array(8);
  private readonly bytes = new Uint8Array(this.words.buffer);

  constructor(options: {
    partitions: number;
    internal: NetworkSet;
    groups: readonly { readonly name: string; readonly networks: NetworkSet }[];
    site: string;
  }) {
    this.partitions = options.partitions;
    this.internal = options.internal;
    this.groups = options.groups.map(({ name, networks }) => ({ name: Buffer.from(name), networks }));
    this.site = Buffer.from(options.site);
  }

  /** Partition of a record; direction, groups and site go into `context`. */
  route(row: EventRow, context: RowContext): number {
    context.siteBytes = this.site;
    context.direction = Direction.unknown;
    context.srcGroup = EMPTY;
    context.dstGroup = EMPTY;
    if (row.hasAddresses) {
      const isFromInside = this.internal.contains(row.addresses, 0);
      const isToInside = this.internal.contains(row.addresses, 16);
      context.direction = isFromInside
        ? isToInside
          ? Direction.lateral
          : Direction.outbound
        : isToInside
          ? Direction.inbound
          : Direction.external;
      for (const { networks, name } of this.groups) {
        if (context.srcGroup.length === 0 && networks.contains(row.addresses, 0)) context.srcGroup = name;
        if (context.dstGroup.length === 0 && networks.contains(row.addresses, 16)) context.dstGroup = name;
      }
    }
    if (this.partitions === 1) return 0;
    if (row.eventClass === EventClass.reading) {
      const start = row.ranges[TEXT.device * 2]!;
      return this.ofName(Buffer.from(row.text.subarray(start, row.ranges[TEXT.device * 2 + 1])).toString('utf8'));
    }
    if (!row.hasAddresses) return this.ofName(context.source);
    this.bytes.set(row.addresses);
    const at = context.direction === Direction.inbound ? 4 : 0;
    const { words } = this;
    return partitionOf(words[at]!, words[at + 1]!, words[at + 2]!, words[at + 3]!, this.partitions);
  }

  private ofName(name: string): number {
    let partition = this.named.get(name);
    if (partition === undefined) {
      const key = nameKey(name);
      partition = partitionOf(key[0]!, key[1]!, key[2]!, key[3]!, this.partitions);
      if (this.named.size >= MAX_CACHED) this.named.clear();
      this.named.set(name, partition);
    }
    return partition;
  }
}
