import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EventBlockBuilder } from '../../ingest/block-builder.ts';
import { dropSeenRows } from '../../model/block-filter.ts';
import { EventBlock } from '../../model/event-block.ts';
import { CONN_STATES, EVENT_CLASSES, EventClass } from '../../model/event-columns.ts';
import { openStore, type TestStore } from '../olap/store-fixture.ts';
import { fillRow, T0 } from './every-column.ts';

const ROWS = 700;

describe('a block of events in ClickHouse', () => {
  let store: TestStore;
  beforeAll(async () => {
    store = await openStore({ migrated: true });
  });
  afterAll(() => store.close());

  it('is stored as it is, and so is one whose first rows were taken out', async () => {
    const builder = new EventBlockBuilder({ capacity: ROWS });
    for (let i = 0; i < ROWS; i++) fillRow(builder, i);
    const block = new EventBlock(builder.take());
    const rest = dropSeenRows(block, () => 399);
    expect(rest.rows).toBe(300);
    await store.client.insertNative('vedette_store.events', [block.native], { token: 'whole' });
    const read = (): Promise<Record<string, number | string>[]> =>
      store.client.query(
        `SELECT * EXCEPT (_stored), toUnixTimestamp64Milli(time) AS time_ms, toUnixTimestamp64Milli(start_time) AS start_ms
         FROM vedette_store.events WHERE _src = 'a#1' ORDER BY _pos`,
      );
    const rows = await read();
    expect(rows.length).toBe(ROWS);
    rows.forEach((row, i) => {
      const isReading = i % EVENT_CLASSES.length === EventClass.reading;
      const isFlow = i % EVENT_CLASSES.length === EventClass.network;
      expect(row).toMatchObject({
        class: EVENT_CLASSES[i % EVENT_CLASSES.length], time_ms: T0 + i * 7, start_ms: T0, late: i % 5 === 0 ? 1 : 0,
        src_ip: isReading ? '::' : i % 2 ? '::ffff:10.0.0.1' : '2001:db8::1', dst_group: isReading ? '' : 'web',
        src_port: isReading ? 0 : 60_000 + i, bytes_out: isFlow ? 2 ** 40 + i : 0, value: isReading ? i / 3 : 0,
        conn_state: isFlow ? CONN_STATES[i % CONN_STATES.length] : '', device: `device ü ${i}`, site: 'plant', _pos: i,
        dns_query: i % 3 === 0 ? '' : `dns_query ü ${i}`, raw: `{"line":${i},"nul":"\u0000"}`,
      }); // prettier-ignore
    });
    await store.client.command('TRUNCATE TABLE vedette_store.events');
    await store.client.insertNative('vedette_store.events', [rest.native], { token: 'rest' });
    expect(await read()).toEqual(rows.slice(400));
  });
});
