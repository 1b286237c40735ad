import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RowContext } from '../../ingest/block-builder.ts';
import { EventRow, TEXT } from '../../ingest/event-row.ts';
import { Router } from '../../ingest/router.ts';
import { DEFAULT_INTERNAL_NETWORKS, NetworkSet, parseAddress } from '../../model/address.ts';
import { DIRECTIONS, EventClass } from '../../model/event-columns.ts';
import { nameKey, partitionOf } from '../../model/key-hash.ts';

const NONE = new Uint8Array(0);

function routeWith(partitions: number) {
  const router = new Router({
    partitions,
    internal: new NetworkSet(DEFAULT_INTERNAL_NETWORKS),
    groups: [
      { name: 'web', networks: new NetworkSet(['10.0.0.80/32']) },
      { name: 'servers', networks: new NetworkSet(['10.0.0.0/24']) },
    ],
    site: 'plant',
  });
  return (row: Partial<EventRow> & { src?: string; dst?: string; device?: string }, source = 's#1') => {
    const full = Object.assign(new EventRow(), { eventClass: row.eventClass ?? EventClass.network });
    if (row.src !== undefined && row.dst !== undefined) {
      full.hasAddresses = true;
      full.addresses.set(parseAddress(row.src)!, 0);
      full.addresses.set(parseAddress(row.dst)!, 16);
    }
    if (row.device !== undefined) {
      full.text = Buffer.from(row.device);
      full.setText(TEXT.device, 0, full.text.length);
    }
    const context: RowContext = {
      source, sourceBytes: NONE, position: 0, receivedMs: 0, late: false, direction: 9, siteBytes: NONE,
      srcGroup: Buffer.from('stale'), dstGroup: Buffer.from('stale'), raw: NONE, rawStart: 0, rawEnd: 0,
    }; // prettier-ignore
    const partition = router.route(full, context);
    const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
    return {
      partition,
      direction: DIRECTIONS[context.direction],
      groups: [text(context.srcGroup), text(context.dstGroup)],
      site: text(context.siteBytes),
    };
  };
}

function ofAddress(address: string, partitions: number): number {
  const words = new Uint32Array(parseAddress(address)!.buffer);
  return partitionOf(words[0]!, words[1]!, words[2]!, words[3]!, partitions);
}

describe('Router', () => {
  it.each([
    ['10.0.0.1', '8.8.8.8', 'outbound', '10.0.0.1'],
    ['8.8.8.8', '10.0.0.1', 'inbound', '10.0.0.1'],
    ['10.0.0.1', '192.168.7.7', 'lateral', '10.0.0.1'],
    ['8.8.8.8', '9.9.9.9', 'external', '8.8.8.8'],
    ['fd00::1', '2001:db8::1', 'outbound', 'fd00::1'],
    ['2001:db8::1', 'fd00::1', 'inbound', 'fd00::1'],
  ])('%s to %s is %s, in the partition of %s', (src, dst, direction, key) => {
    for (const eventClass of [EventClass.network, EventClass.dns, EventClass.http]) {
      const routed = routeWith(7)({ eventClass, src, dst });
      expect(routed).toMatchObject({ direction, partition: ofAddress(key, 7), site: 'plant' });
    }
  });

  it('gives each end the first group that holds it, and nothing of the record before', () => {
    const route = routeWith(1);
    expect(route({ src: '10.0.0.80', dst: '10.0.0.81' }).groups).toEqual(['web', 'servers']);
    expect(route({ src: '10.9.0.80', dst: '8.8.8.8' }).groups).toEqual(['', '']);
    expect(route({ eventClass: EventClass.reading, device: 'd' })).toMatchObject({
      groups: ['', ''],
      direction: 'unknown',
    });
  });

  it('puts a reading by its device, whatever its source, and a record with neither by its source', () => {
    const route = routeWith(7);
    const expected = (name: string): number => {
      const key = nameKey(name);
      return partitionOf(key[0]!, key[1]!, key[2]!, key[3]!, 7);
    };
    for (const device of ['pump', 'Ventil ä', ''])
      for (const source of ['a#1', 'b#1'])
        expect(route({ eventClass: EventClass.reading, device }, source).partition).toBe(expected(device));
    expect(route({ eventClass: EventClass.generic }, 'b#1').partition).toBe(expected('b#1'));
  });

  it('spreads addresses over the partitions', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 16 }), (partitions) => {
        const counts = new Array<number>(partitions).fill(0);
        for (let i = 0; i < 4_000; i++) counts[ofAddress(`10.0.${i >> 8}.${i & 255}`, partitions)]!++;
        expect(Math.min(...counts)).toBeGreaterThan((4_000 / partitions) * 0.7);
      }),
      { numRuns: 10 },
    );
  });
});
