import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Episode } from '../../alerts/alert.ts';
import { sqlString } from '../../alerts/hostile-text.ts';
import { rawRowsSql } from '../../alerts/raw-rows-sql.ts';
import { EventClass } from '../../model/event-columns.ts';
import { eventsNative, openStore, type TestEvent, type TestStore } from '../olap/store-fixture.ts';
import { episode, finding, T0 } from './samples.ts';

const DEVICE = "pump's \\ 1\u202e\n'; DROP TABLE x --";

describe('the SQL of the raw rows, on a store', () => {
  let store: TestStore;
  beforeAll(async () => {
    store = await openStore({ migrated: true });
    const network = { class: EventClass.network, src_ip: '198.51.100.7', dst_ip: '10.0.0.5', _src: 'zeek#1' };
    const reading = { class: EventClass.reading, device: DEVICE, metric: 'level', value: 3, _src: 'plant#2' };
    const rows: TestEvent[] = [
      { ...network, time: T0, bytes_out: 1, raw: 'in' },
      { ...network, time: T0 + 1, src_ip: '10.0.0.5', dst_ip: '203.0.113.9', bytes_out: 9, raw: 'out' },
      { ...network, time: T0 + 30_000, raw: 'after' },
      { ...network, time: T0, dst_ip: '10.0.0.6', raw: 'other' },
      { ...reading, time: T0 - 1000, raw: 'before' },
      { ...reading, time: T0, metric: 'flow', raw: 'other metric' },
      { ...reading, time: T0, device: 'pump', raw: 'other device' },
    ];
    const events = rows.map((row, _pos): TestEvent => ({
      start_time: row.time!,
      received_time: row.time!,
      ...row,
      _pos,
    }));
    await store.client.insertNative('vedette_store.events', [eventsNative(events)], { token: 'once' });
  });
  afterAll(() => store.close());

  const device = { entityKind: 'device', entity: DEVICE } as const;
  it.each<[string, Partial<Episode>, string[]]>([
    ['what came in to a target', {}, ['in']],
    ['both sides of a host, largest first', { family: 'data-loss' }, ['out', 'in']],
    ['one peer', { family: 'data-loss', evidence: [finding({ peer: '203.0.113.9' })] }, ['out']],
    ['a device with a hostile name', { ...device, evidence: [finding({ metric: 'level' })] }, ['before']],
    ['all metrics of a device', device, ['before', 'other metric']],
    ['a source', { entityKind: 'source', entity: 'plant' }, ['before', 'other metric', 'other device']],
    ['nothing for an unknown device', { ...device, entity: 'nobody' }, []],
  ])('gives %s', async (_name, changes, expected) => {
    const rows = await store.client.query<{ raw: string }>(rawRowsSql(episode(changes)));
    const found = rows.map(({ raw }) => raw);
    expect([...found].sort()).toEqual([...expected].sort());
    if (changes.family === 'data-loss') expect(found).toEqual(expected);
  });

  it('quotes every character so that the store reads it as it was', async () => {
    const text =
      Array.from({ length: 0x300 }, (_, code) => String.fromCharCode(code)).join('') + '\u202e\u2066😀\u{e0041}';
    const [row] = await store.client.query<{ hex: string }>(`SELECT lower(hex(${sqlString(text)})) AS hex`);
    expect(row?.hex).toBe(Buffer.from(text).toString('hex'));
  });
});
