import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EventBlockBuilder } from '../../ingest/block-builder.ts';
import { eventRecords } from '../../mirror/event-json.ts';
import { EventBlock } from '../../model/event-block.ts';
import { EVENT_COLUMNS, SINK_COLUMNS } from '../../model/event-columns.ts';
import { withLogPosition } from '../../olap/native-frame.ts';
import { fillRow } from '../model/every-column.ts';
import { openStore, type TestStore } from '../olap/store-fixture.ts';

const ROWS = 700;

type Row = Record<string, unknown>;

describe('an event of the mirror', () => {
  let store: TestStore;
  beforeAll(async () => {
    store = await openStore({ migrated: true });
  });
  afterAll(() => store.close());

  it('says what its row in ClickHouse says, and leaves out nothing but defaults', async () => {
    const builder = new EventBlockBuilder({ capacity: ROWS });
    for (let i = 0; i < ROWS; i++) fillRow(builder, i);
    const block = new EventBlock(builder.take());
    const place = { partition: 3, offset: 77 };
    const body = withLogPosition(block, place.partition, place.offset);
    await store.client.insertNative('vedette_store.events', body, { token: 'whole' });

    const stored = await store.client.query<Row & { src: string; dst: string }>(
      'SELECT * FROM vedette.events ORDER BY _pos',
      {},
      { date_time_output_format: 'iso' },
    );
    const mirrored = eventRecords(block, place, { leaveOut: [] }).map(
      ({ value }) => JSON.parse(Buffer.from(value).toString()) as Row,
    );
    expect(mirrored).toHaveLength(ROWS);
    const columns = [...EVENT_COLUMNS, ...SINK_COLUMNS];
    const defaults = Object.fromEntries(columns.map(({ name, kind }) => [name, defaultOf(name, kind)]));
    mirrored.forEach((event, i) => {
      const { src, dst, ...row } = stored[i]!;
      const expected = Object.fromEntries(columns.map(({ name }) => [name, row[name]]));
      expect({ ...defaults, ...event }).toEqual({ ...expected, src_ip: src, dst_ip: dst });
      expect(Object.keys(event).filter((name) => !columns.some((column) => column.name === name))).toEqual([]);
    });
    // All columns were looked at with other values than their defaults.
    const seen = new Set(mirrored.flatMap((event) => Object.keys(event)));
    const never = columns.map(({ name }) => name).filter((name) => !seen.has(name));
    expect(never).toEqual(['bytes_in', 'packets_out', 'packets_in', 'src_group']);
  });
});

function defaultOf(name: string, kind: string): string | number {
  if (name === 'direction') return 'unknown';
  if (kind === 'ip') return '::';
  return kind === 'dict' || kind === 'string' || name === 'conn_state' ? '' : 0;
}
