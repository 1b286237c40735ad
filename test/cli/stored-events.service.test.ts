import { afterAll, beforeAll, expect, it } from 'vitest';
import { StoredEvents } from '../../cli/stored-events.ts';
import { EventClass } from '../../model/event-columns.ts';
import { eventsNative, openStore, type TestStore } from '../olap/store-fixture.ts';

const NOW_MS = Date.UTC(2026, 10, 20);

let store: TestStore;
beforeAll(async () => {
  store = await openStore({ migrated: true });
});
afterAll(() => store.close());

async function insert(count: number, token: string): Promise<void> {
  const events = Array.from({ length: count }, (_, i) => ({
    class: EventClass.generic,
    time: NOW_MS,
    _src: token,
    _pos: i,
  }));
  await store.client.insertNative('vedette_store.events', [eventsNative(events)], { token });
}

it('events of a cluster are counted as they are stored, and their rate begins with the first look', async () => {
  await insert(100, 'before');
  const stored = new StoredEvents(store.client);
  await stored.look(NOW_MS);
  expect([stored.total, stored.rates.perSecond]).toEqual([100, 0]);
  await insert(50, 'after');
  await stored.look(NOW_MS + 5000);
  expect([stored.total, stored.rates.perSecond]).toEqual([150, 10]);
  // What retention takes away is no negative rate.
  await store.client.command('TRUNCATE TABLE vedette_store.events');
  await stored.look(NOW_MS + 10_000);
  expect([stored.total, stored.rates.perSecond]).toEqual([0, 5]);
  expect(stored.rates.lastHour(NOW_MS + 10_000).at(-1)).toEqual({ minuteMs: NOW_MS, events: 50 });
});
