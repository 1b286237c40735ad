import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CONN_STATES, Direction, EventClass } from '../../model/event-columns.ts';
import { eventsNative, type TestEvent, type TestStore } from './store-fixture.ts';

const HOUR = Date.UTC(2026, 10, 20, 8);
const DAY = 86_400_000;

function flow(position: number, values: TestEvent): TestEvent {
  return {
    class: EventClass.network,
    time: HOUR + position * 1000,
    start_time: HOUR,
    src_ip: '10.0.0.1',
    dst_ip: '198.51.100.7',
    direction: Direction.outbound,
    conn_state: CONN_STATES.indexOf('SF'),
    bytes_out: 100,
    bytes_in: 7,
    packets_out: 2,
    packets_in: 1,
    late: 0,
    _src: 'test',
    _pos: position,
    ...values,
  };
}

function reading(position: number, value: number, values: TestEvent = {}): TestEvent {
  const time = HOUR + position * 60_000;
  return {
    class: EventClass.reading,
    time,
    device: 'pump',
    metric: 'flow',
    value,
    _src: 'test',
    _pos: position,
    ...values,
  };
}

/** `open`: makes a store with the schema. */
export function describeExactInserts(open: () => Promise<TestStore>): void {
  describe('rows and statistics', () => {
    let store: TestStore;
    beforeAll(async () => {
      store = await open();
    });
    afterAll(() => store.close());

    async function sums() {
      const [events] = await store.client.query('SELECT count() AS rows FROM vedette.events');
      const net: unknown[] = [];
      for (const table of ['net_1m', 'net_5m', 'net_1h']) {
        const text = `SELECT host, direction, sum(t.flows) AS flows, sum(t.bytes_out) AS sent, sum(t.bytes_in) AS received,
        sum(t.packets_out) AS packets, sum(t.failed) AS failed, sum(t.late) AS late
        FROM vedette.${table} AS t GROUP BY host, direction ORDER BY host, direction`;
        net.push(await store.client.query(text));
      }
      return { events, net };
    }

    const flows = [
      flow(0, {}),
      flow(1, { conn_state: CONN_STATES.indexOf('S0'), bytes_out: 0, late: 1 }),
      flow(2, { src_ip: '198.51.100.7', dst_ip: '10.0.0.1', direction: Direction.inbound, bytes_out: 5, bytes_in: 50 }),
      flow(3, { dst_ip: '10.0.0.2', direction: Direction.lateral, bytes_out: 11, bytes_in: 22 }),
      flow(400, { src_ip: '203.0.113.1', direction: Direction.external }),
      flow(500, { class: EventClass.dns, bytes_out: 9999 }),
    ];
    const row = (host: string, direction: string, flows: number, sent: number, received: number, packets: number, rest = {}) => ({
    host, direction, flows, sent, received, packets, failed: 0, late: 0, ...rest,
  }); // prettier-ignore
    const expected = [
      row('10.0.0.1', 'inbound', 1, 50, 5, 1),
      row('10.0.0.1', 'outbound', 2, 100, 14, 4, { failed: 1, late: 1 }),
      row('10.0.0.1', 'lateral', 1, 11, 22, 2),
      row('10.0.0.2', 'lateral', 1, 22, 11, 1),
      row('203.0.113.1', 'external', 1, 100, 7, 2),
    ];

    it('are counted from the view of the endpoint, once, though the block comes three times', async () => {
      for (let time = 0; time < 3; time++) {
        await store.client.insertNative('vedette_store.events', [eventsNative(flows)], { token: 'thrice' });
      }
      expect(await sums()).toEqual({ events: { rows: 6 }, net: [expected, expected, expected] });
    });

    it('are whole when a view failed in the middle of an insert that was then sent again', async () => {
      const block = eventsNative(flows.map((event, position) => ({ ...event, _pos: 100 + position })));
      const insert = () => store.client.insertNative('vedette_store.events', [block], { token: 'cut' });
      await store.client.command('RENAME TABLE vedette_store.net_5m TO vedette_store.net_5m_away');
      await expect(insert()).rejects.toMatchObject({ code: 'OLAP_REFUSED' });
      await expect(insert()).rejects.toMatchObject({ code: 'OLAP_REFUSED' });
      await store.client.command('RENAME TABLE vedette_store.net_5m_away TO vedette_store.net_5m');
      await insert();
      await insert();
      const twice = expected.map((each) => ({
        ...each,
        flows: each.flows * 2,
        sent: each.sent * 2,
        received: each.received * 2,
        packets: each.packets * 2,
        failed: each.failed * 2,
        late: each.late * 2,
      }));
      expect(await sums()).toEqual({ events: { rows: 12 }, net: [twice, twice, twice] });
    });

    it('are stored once where one insert holds several blocks with different columns and several days', async () => {
      const body = [
        eventsNative([reading(0, 1), reading(1, 4), reading(2, 2.5, { time: HOUR + 61_000, late: 1 })]),
        eventsNative([reading(3, 7, { unit: 'l/s', time: HOUR + 2 * DAY })]),
        eventsNative([
          { class: EventClass.generic, time: HOUR - 400 * DAY, log: 'weird', raw: 'line', _src: 'test', _pos: 9 },
        ]),
      ];
      for (let time = 0; time < 3; time++) {
        await store.client.insertNative('vedette_store.events', body, { token: 'days' });
      }
      const rows =
        "SELECT count() AS rows, countIf(unit = 'l/s') AS units FROM vedette.events WHERE class IN ('reading', 'generic')";
      expect(await store.client.query(rows)).toEqual([{ rows: 5, units: 1 }]);
      const text = `SELECT toUnixTimestamp(time) * 1000 - ${HOUR} AS at, n, sum, min, max, mean, sd, last, late FROM vedette.device_1h ORDER BY time`;
      expect(await store.client.query(text)).toEqual([
        { at: 0, n: 3, sum: 7.5, min: 1, max: 4, mean: 2.5, sd: Math.sqrt(1.5), last: 2.5, late: 1 },
        { at: 2 * DAY, n: 1, sum: 7, min: 7, max: 7, mean: 7, sd: 0, last: 7, late: 0 },
      ]);
    });

    it('are stored where one record spans a year', async () => {
      const year = Array.from({ length: 365 }, (_, day) =>
        reading(day, day, { device: 'tank', time: HOUR + day * DAY }),
      );
      await store.client.insertNative('vedette_store.events', [eventsNative(year)], { token: 'year' });
      await store.client.insertNative('vedette_store.events', [eventsNative(year)], { token: 'year' });
      const text = "SELECT sum(n) AS n, sum(sum) AS total FROM vedette.device_1m WHERE device = 'tank'";
      expect(await store.client.query(text)).toEqual([{ n: 365, total: (364 * 365) / 2 }]);
    });
  });
}
