import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EventBlockBuilder, type RowContext } from '../../ingest/block-builder.ts';
import { EventRow, TEXT } from '../../ingest/event-row.ts';
import { Router } from '../../ingest/router.ts';
import { eventRecords } from '../../mirror/event-json.ts';
import { DEFAULT_INTERNAL_NETWORKS, NetworkSet, parseAddress } from '../../model/address.ts';
import { EventBlock } from '../../model/event-block.ts';
import { EventClass } from '../../model/event-columns.ts';

const T0 = Date.UTC(2026, 10, 20);
const NONE = new Uint8Array(0);
const PLACE = { partition: 1, offset: 9 };

interface TestEvent {
  readonly eventClass: number;
  readonly src?: string;
  readonly dst?: string;
  readonly device?: string;
  readonly value?: number;
  readonly raw?: string;
}

/** A block of these, as ingest makes it with so many partitions; and the partition of each. */
function blockOf(events: readonly TestEvent[], partitions = 1): { block: EventBlock; partitionOf: number[] } {
  const internal = new NetworkSet(DEFAULT_INTERNAL_NETWORKS);
  const router = new Router({ partitions, internal, groups: [], site: '' });
  const builder = new EventBlockBuilder({ capacity: events.length });
  const partitionOf = events.map(({ eventClass, src, dst, device, value = 0, raw = '' }, position) => {
    const row = Object.assign(new EventRow(), { eventClass, timeMs: T0 + position, startMs: T0 + position, value });
    if (src !== undefined && dst !== undefined) {
      row.hasAddresses = true;
      row.addresses.set(parseAddress(src)!, 0);
      row.addresses.set(parseAddress(dst)!, 16);
    }
    if (device !== undefined) {
      row.text = Buffer.from(device);
      row.setText(TEXT.device, 0, row.text.length);
    }
    const line = Buffer.from(raw);
    const context: RowContext = {
      source: 'file#1', sourceBytes: Buffer.from('file#1'), position, receivedMs: T0, late: false, direction: 0,
      siteBytes: NONE, srcGroup: NONE, dstGroup: NONE, raw: line, rawStart: 0, rawEnd: line.length,
    }; // prettier-ignore
    const partition = router.route(row, context);
    builder.append(row, context);
    return partition;
  });
  return { block: new EventBlock(builder.take()), partitionOf };
}

function mirrored(events: readonly TestEvent[], leaveOut: Parameters<typeof eventRecords>[2]['leaveOut'] = []) {
  return eventRecords(blockOf(events).block, PLACE, { leaveOut }).map(({ key, value }) => ({
    key: Buffer.from(key).toString(),
    text: Buffer.from(value).toString(),
  }));
}

describe('an event of the mirror', () => {
  it('has the names of the table, what it is known again by, and no defaults', () => {
    const [flow] = mirrored([{ eventClass: EventClass.network, src: '10.0.0.7', dst: '2001:db8::1', raw: 'a "line"' }]);
    expect(flow!.text).toBe(
      '{"class":"network","time":"2026-11-20T00:00:00.000Z","start_time":"2026-11-20T00:00:00.000Z",' +
        '"received_time":"2026-11-20T00:00:00.000Z","src_ip":"10.0.0.7","dst_ip":"2001:db8::1","direction":"outbound",' +
        '"raw":"a \\"line\\"","_src":"file#1","_pos":0,"_part":1,"_off":9}',
    );
  });

  it('is without the columns that are left out', () => {
    const [flow] = mirrored([{ eventClass: EventClass.generic, raw: 'line' }], ['raw', 'start_time', 'received_time']);
    expect(JSON.parse(flow!.text)).toEqual({
      class: 'generic', time: '2026-11-20T00:00:00.000Z', _src: 'file#1', _pos: 0, _part: 1, _off: 9,
    }); // prettier-ignore
  });

  it('tells a reading of 0 from no reading', () => {
    const [zero, none] = mirrored([
      { eventClass: EventClass.reading, device: 'pump', value: 0 },
      { eventClass: EventClass.generic },
    ]);
    expect(JSON.parse(zero!.text)).toHaveProperty('value', 0);
    expect(JSON.parse(none!.text)).not.toHaveProperty('value');
  });

  it('is JSON whatever the line holds, and the line itself where that is text', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' }), { minLength: 1, maxLength: 20 }), (lines) => {
        const events = mirrored(lines.map((raw) => ({ eventClass: EventClass.generic, raw })));
        expect(events.map(({ text }) => (JSON.parse(text) as { raw?: string }).raw ?? '')).toEqual(lines);
      }),
    );
  });

  it('has a key that names its partition: the same key is never in two', () => {
    const address = fc.constantFrom('10.0.0.1', '10.0.0.2', '192.0.2.1', '2001:db8::5', '::', 'fd00::1');
    const event = fc.oneof(
      // From :: to :: reads as a record without addresses.
      fc
        .record({ eventClass: fc.constant(EventClass.network), src: address, dst: address })
        .filter(({ src, dst }) => src !== '::' || dst !== '::'),
      fc.record({
        eventClass: fc.constant(EventClass.reading),
        device: fc.constantFrom('pump', 'valve', 'tank 7', ''),
      }),
      fc.record({ eventClass: fc.constant(EventClass.generic) }),
    );
    fc.assert(
      fc.property(fc.array(event, { minLength: 1, maxLength: 60 }), (events) => {
        const { block, partitionOf } = blockOf(events, 16);
        const partitions = new Map<string, number>();
        eventRecords(block, PLACE, { leaveOut: [] }).forEach(({ key }, i) => {
          const name = Buffer.from(key).toString();
          const known = partitions.get(name) ?? partitionOf[i]!;
          expect(partitionOf[i], name).toBe(known);
          partitions.set(name, known);
        });
      }),
    );
  });
});
