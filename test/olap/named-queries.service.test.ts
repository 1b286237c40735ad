import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Direction, EventClass } from '../../model/event-columns.ts';
import { NAMED_QUERIES, runNamedQuery } from '../../olap/named-queries.ts';
import { moment } from '../../olap/queries/named-query.ts';
import { eventsNative, openStore, type TestEvent, type TestStore } from './store-fixture.ts';

const START = Date.UTC(2026, 10, 20, 8);

describe('ready queries', () => {
  let store: TestStore;
  beforeAll(async () => {
    store = await openStore({ migrated: true });
  });
  afterAll(() => store.close());

  const everyParameter: Record<string, unknown> = {
    from: START - 60_000,
    to: '2026-11-20T09:00:00Z',
    window_ms: '90000',
    step_ms: 60_000,
    endpoint: '10.0.0.1',
    device: 'pump',
    metric: 'flow',
    uid: 'abc',
    limit: 5,
  };

  it.each(NAMED_QUERIES.map(({ name }) => name))('%s runs on a store with rows', async (name) => {
    const rows: TestEvent[] = [
      { class: EventClass.network, time: START, src_ip: '10.0.0.1', dst_ip: '9.9.9.9', direction: Direction.outbound, bytes_out: 5, _src: 'a', _pos: 1 },
      { class: EventClass.reading, time: START, device: 'pump', metric: 'flow', value: 3, _src: 'a', _pos: 2 },
    ]; // prettier-ignore
    await store.client.insertNative('vedette_store.events', [eventsNative(rows)], { token: 'once' });
    const alert = { uid: 'abc', version: 1, entity: 'pump', first_seen: START, last_seen: START };
    await store.client.insertRows('vedette_store.alerts', [alert], { token: 'alert' });
    const query = NAMED_QUERIES.find((candidate) => candidate.name === name);
    const names = Object.keys(query?.parameters.shape ?? {});
    const input = Object.fromEntries(names.map((each) => [each, everyParameter[each]]));
    expect((await runNamedQuery(store.client, name, input)).length).toBeGreaterThan(0);
  });

  it('slide a window of any length and step exactly', async () => {
    const value = fc.record({ at: fc.nat(200_000), value: fc.integer({ min: -50, max: 50 }) });
    const scenario = fc.record({
      readings: fc.array(value, { minLength: 1, maxLength: 40 }),
      from: fc.nat(100_000),
      length: fc.nat(100_000),
      windowMs: fc.integer({ min: 1, max: 120_000 }),
      stepMs: fc.integer({ min: 500, max: 60_000 }),
    });
    let run = 0;
    await fc.assert(
      fc.asyncProperty(scenario, async ({ readings, from, length, windowMs, stepMs }) => {
        const device = `slide-${run++}`;
        const events = readings.map(({ at, value }, _pos): TestEvent => {
          return { class: EventClass.reading, time: START + at, device, metric: 'm', value, _src: device, _pos };
        });
        await store.client.insertNative('vedette_store.events', [eventsNative(events)], { token: device });
        const range = { from: START + from, to: START + from + length, window_ms: windowMs, step_ms: stepMs };
        const rows = await runNamedQuery(store.client, 'reading-window', { ...range, device, metric: 'm' });
        const expected = [];
        for (let at = from; at <= from + length; at += stepMs) {
          const inside = readings.filter((each) => each.at >= at - windowMs && each.at < at).map((each) => each.value);
          const bounds = inside.length === 0 ? [null, null] : [Math.min(...inside), Math.max(...inside)];
          expected.push([START + at, inside.length, ...bounds]);
        }
        const got = rows.map((row) => [
          Date.parse(`${String(row['time']).replace(' ', 'T')}Z`),
          row['n'],
          row['min'],
          row['max'],
        ]);
        expect(got).toEqual(expected);
      }),
      { numRuns: 15 },
    );
  });

  it('name the parameter that is wrong', async () => {
    await expect(runNamedQuery(store.client, 'host-flows', { from: 0, to: 1, endpoint: "1'" })).rejects.toThrow(
      /endpoint/,
    );
    await expect(runNamedQuery(store.client, 'arrival', { from: 0, to: 1, format: 'x' })).rejects.toThrow(/format/);
    await expect(runNamedQuery(store.client, 'nothing', {})).rejects.toMatchObject({ code: 'NOT_FOUND' });
    const fine = { from: 0, to: 1e9, window_ms: 1, step_ms: 1, endpoint: '::1' };
    await expect(runNamedQuery(store.client, 'endpoint-window', fine)).rejects.toThrow(/20000 steps/);
  });
});

describe('a moment', () => {
  it.each([
    ['2026-11-20T08:00:00Z', START],
    ['2026-11-20 08:00:00', START],
    ['2026-11-20T09:00:00+01:00', START],
    ['2026-11-20', START - 8 * 3_600_000],
    [String(START), START],
    [START, START],
  ])('is read from %s', (text, expected) => {
    expect(moment.parse(text)).toBe(expected);
  });

  it('is refused where it cannot be read', () => {
    expect(moment.safeParse('yesterday').success).toBe(false);
  });
});
