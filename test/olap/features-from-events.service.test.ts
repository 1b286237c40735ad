import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CONN_STATES, Direction, EventClass } from '../../model/event-columns.ts';
import { encodeNative, mappedAddress } from './native-fixture.ts';
import { eventsNative, openStore, type TestEvent, type TestStore } from './store-fixture.ts';

const MINUTE = Date.UTC(2026, 10, 20, 8, 5);

describe('features computed from events', () => {
  let store: TestStore;
  beforeAll(async () => {
    store = await openStore({ migrated: true });
    const flow = (values: TestEvent): TestEvent => ({
      class: EventClass.network, time: MINUTE, src_ip: '10.0.0.1', dst_ip: '9.9.9.9', dst_port: 443, late: 0,
      direction: Direction.outbound, bytes_out: 100, bytes_in: 10, packets_out: 2, packets_in: 1, conn_state: 3, ...values,
    }); // prettier-ignore
    const dns = { class: EventClass.dns, bytes_out: 0, bytes_in: 0 };
    const reading = { class: EventClass.reading, device: 'pump', metric: 'flow', late: 0 };
    const events: TestEvent[] = [
      flow({}),
      flow({ dst_port: 80, bytes_out: 300, conn_state: CONN_STATES.indexOf('REJ') }),
      flow({ src_ip: '8.8.8.8', dst_ip: '10.0.0.1', direction: Direction.inbound, dst_port: 22, bytes_in: 5000 }),
      flow({ late: 1, bytes_out: 1e9 }),
      flow({ ...dns, dns_query: 'a.example', dns_rcode: 'NXDOMAIN' }),
      flow({ ...dns, dns_query: 'b.example', dns_rcode: 'NOERROR' }),
      flow({ time: MINUTE + 60_000, ...dns, src_ip: '8.8.8.8', dst_ip: '10.0.0.1', direction: Direction.inbound }),
      { ...reading, time: MINUTE - 30_000, value: 9 },
      { ...reading, time: MINUTE + 5_000, value: 1 },
      { ...reading, time: MINUTE + 15_000, value: 3 },
    ];
    const numbered = events.map((event, _pos) => ({ ...event, _src: 'a', _pos }));
    await store.client.insertNative('vedette_store.events', [eventsNative(numbered)], { token: 'all' });
  });
  afterAll(() => store.close());

  it("are a host's by minute, from its own view", async () => {
    const rows = await store.client.query(
      "SELECT * EXCEPT (host, time) FROM vedette.host_features_1m_sql WHERE host = '10.0.0.1' ORDER BY time",
    );
    expect(rows).toEqual([
      {
        flows: 3,
        failed: 1,
        bytes_out: 5400,
        bytes_in: 120,
        packets_out: 5,
        packets_in: 4,
        largest_flow_out: 5000,
        distinct_destinations: 2,
        distinct_ports: 2,
        dns_queries: 2,
        nxdomain: 1,
        outside_bytes_out: 5400,
        outside_bytes_in: 120,
      },
      expect.objectContaining({ flows: 0, dns_queries: 0, largest_flow_out: 0, distinct_ports: 0 }),
    ]);
  });

  it("are a reading's by minute, with the gap that reaches back before it", async () => {
    const rows = await store.client.query(
      'SELECT * EXCEPT (device, metric, time) FROM vedette.reading_features_1m_sql ORDER BY time',
    );
    expect(rows).toEqual([
      { n: 1, mean: 9, min: 9, max: 9, sd: 0, last: 9, longest_gap_ms: 0 },
      { n: 2, mean: 2, min: 1, max: 3, sd: 1, last: 3, longest_gap_ms: 35_000 },
    ]);
  });

  it('that the stream wrote twice are there once, and times may come in milliseconds', async () => {
    const number = (name: string, value: number) => ({
      spec: { name, type: 'UInt64', kind: 'u64' } as const,
      values: [value],
    });
    const block = encodeNative([
      { spec: { name: 'host', type: 'IPv6', kind: 'ip' }, values: [mappedAddress('10.0.0.1')] },
      { spec: { name: 'time', type: "DateTime64(3, 'UTC')", kind: 'time' }, values: [MINUTE] },
      number('flows', 4),
      number('failed', 1),
      number('bytes_out', 30),
      number('bytes_in', 10),
    ]);
    for (const token of ['first', 'replayed']) {
      await store.client.insertNative('vedette_store.host_features_1m', [block], { token });
    }
    const text = 'SELECT toUnixTimestamp(time) * 1000 AS at, flows, failed_share, pcr FROM vedette.host_features_1m';
    expect(await store.client.query(text)).toEqual([{ at: MINUTE, flows: 4, failed_share: 0.25, pcr: 0.5 }]);
  });
});

describe('the view of alerts', () => {
  it('shows the newest version of each, and the history all of them once', async () => {
    const store = await openStore({ migrated: true });
    const change = (version: number, status: string) => ({ uid: 'a', version, status, title: 'Flood' });
    await store.client.insertRows('vedette_store.alerts', [change(1, 'new'), change(2, 'closed')], { token: '1' });
    await store.client.insertRows('vedette_store.alerts', [change(1, 'new')], { token: '2' });
    expect(await store.client.query('SELECT version, status FROM vedette.alerts')).toEqual([
      { version: 2, status: 'closed' },
    ]);
    expect(await store.client.query('SELECT count() AS n FROM vedette.alert_history')).toEqual([{ n: 2 }]);
    await store.close();
  });
});
