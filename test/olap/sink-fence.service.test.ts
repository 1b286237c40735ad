import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { zeroSinkCounters, countInto } from '../../cli/sink-counters.ts';
import type { EventLog } from '../../log/event-log.ts';
import { EventClass } from '../../model/event-columns.ts';
import { VedetteError } from '../../model/errors.ts';
import type { SinkPoint } from '../../olap/sink-options.ts';
import { Sink } from '../../olap/sink.ts';
import { useSegmentLog } from '../log/segment-log.fixture.ts';
import { testCodec, testRecord } from './position-codec.ts';
import { openStore, type TestStore } from './store-fixture.ts';

const ROUTES = [{ topic: 'events', table: 'vedette_store.events', codec: testCodec }];

/** A sink that stands still while another takes its partition over: the log then refuses its commits. */
describe('a sink that has lost its partition', () => {
  const segments = useSegmentLog();
  let store: TestStore;
  let log: EventLog;
  let isTaken: boolean;
  let commits: number;

  beforeAll(async () => {
    store = await openStore({ migrated: true });
  });
  afterAll(() => store.close());

  beforeEach(async () => {
    log = await segments.open({ fsync: 'never' });
    [isTaken, commits] = [false, 0];
    const commit = log.commit.bind(log);
    // The embedded log has one process and refuses none.
    vi.spyOn(log, 'commit').mockImplementation(async (...position) => {
      if (isTaken) throw new VedetteError('LOCKED', 'a newer epoch holds it');
      commits++;
      await commit(...position);
    });
    await store.client.command('TRUNCATE TABLE vedette_store.events');
    for (let record = 0; record < 3; record++) await log.append('events', 0, [testRecord([reading(record)])]);
  });

  function openSink(at?: (point: SinkPoint) => void): Sink {
    const limits = { maxRows: 1, flushMs: 0, retryMs: { first: 20, max: 100 } };
    const metrics = countInto(zeroSinkCounters());
    return new Sink({ routes: ROUTES, limits }, { log, client: store.client, metrics, ...(at && { at }) });
  }

  async function storedPositions(): Promise<number[]> {
    const rows = await store.client.query<{ _pos: number }>('SELECT _pos FROM vedette.events ORDER BY _pos');
    return rows.map(({ _pos }) => _pos);
  }

  it('stores nothing when it stood still behind its second intent, and ends', async () => {
    let intents = 0;
    const sink = openSink((point) => {
      if (point !== 'intent_written' || ++intents !== 2) return;
      standStill();
      isTaken = true;
    });
    await expect(sink.run()).rejects.toMatchObject({ code: 'LOCKED' });
    expect(await storedPositions()).toEqual([0]);
  });

  it('does not try again an insert whose answer was lost meanwhile, and ends', async () => {
    const sink = openSink((point) => {
      if (point !== 'rows_sent') return;
      store.interrupt();
      standStill();
      isTaken = true;
    });
    await expect(sink.run()).rejects.toMatchObject({ code: 'LOCKED' });
  });

  it('goes on with one commit more when it stood still and nobody took over', async () => {
    let intents = 0;
    const sink = openSink((point) => {
      if (point === 'intent_written' && ++intents === 2) standStill();
    });
    sink.start();
    await sink.drain();
    await sink.stop();
    expect(await storedPositions()).toEqual([0, 1, 2]);
    expect({ intents, commits }).toEqual({ intents: 3, commits: 3 + 1 + 1 });
  });

  it('commits once an insert, and once at the end, when nothing happens', async () => {
    const sink = openSink();
    sink.start();
    await sink.drain();
    await sink.stop();
    expect(await storedPositions()).toEqual([0, 1, 2]);
    expect(commits).toBe(3 + 1);
  });
});

function reading(position: number) {
  const time = Date.UTC(2026, 10, 20) + position * 1000;
  return { class: EventClass.reading, time, device: 'pump', metric: 'flow', value: 1, _src: 'file', _pos: position };
}

/** The whole process, as SIGSTOP would make it. */
function standStill(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2100);
}
