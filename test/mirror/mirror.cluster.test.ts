import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EVENTS_TOPIC } from '../../stream/stage-workers.ts';
import { MIRROR_GROUP } from '../../mirror/partition-mirror.ts';
import { ClusterSite } from '../golden/cluster-site.ts';
import { serverVariable } from '../services/server-variable.ts';
import { type Mirrored, readTopic } from './read-topic.ts';

const VARIABLES = ['VEDETTE_KAFKA', 'VEDETTE_CASSANDRA', 'VEDETTE_CLICKHOUSE'];
const isThere = VARIABLES.map((name) => serverVariable(name) !== undefined).every(Boolean);
const PARTITIONS = 2;
const FLOWS = 1500;
const READINGS = 500;
const WAIT_MS = 60_000;

describe.skipIf(!isThere)('the mirror of events', { timeout: 180_000 }, () => {
  let site: ClusterSite;
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'vedette-mirror-'));
  });
  afterEach(async () => {
    await site.close();
    rmSync(folder, { recursive: true, force: true });
  });

  async function open(): Promise<void> {
    site = await ClusterSite.open({
      internal: ['10.0.0.0/8'],
      log: { partitions: PARTITIONS },
      stream: { blockRows: 64 },
      kafka: { mirror: { enabled: true, leaveOut: [] } },
    });
  }

  async function feed(name: string): Promise<void> {
    const dir = join(folder, name);
    mkdirSync(dir);
    writeFileSync(join(dir, `${name}-conn.log`), connections(name));
    writeFileSync(join(dir, `${name}-readings.ndjson`), readings());
    await site.feed([dir]);
  }

  const mirrored = (): Promise<Mirrored[]> => readTopic(site.config.kafka, 'events-json');

  const settled = (): Promise<void> => site.caughtUp(MIRROR_GROUP, EVENTS_TOPIC, WAIT_MS);

  it('has every event once, in order, with the key of its entity; and goes on where it was ended', async () => {
    await open();
    await feed('one');
    const first = site.start(['mirror', 'sink']);
    await first.ready;
    await settled();
    await site.stop(first);
    await feed('two');
    const second = site.start(['mirror', 'sink']);
    await second.ready;
    await settled();
    await site.stored(WAIT_MS);
    await site.stopAll();

    const events = await mirrored();
    expect(events).toHaveLength((FLOWS + READINGS) * 2);
    expect(dropRepeats(events)).toEqual(events);
    // As they are stored, in the order of the log.
    const stored = await site.servers.olap.query<{ raw: string }>(
      'SELECT raw, device, src AS src_ip, _src, _pos, _part, _off FROM vedette.events ORDER BY _part, _off, _src, _pos',
    );
    const byPlace = events
      .map(({ event: { raw, device = '', src_ip = '::', _src, _pos, _part, _off } }) => {
        return { raw, device, src_ip, _src, _pos, _part, _off };
      })
      .sort(
        (a, b) =>
          a._part - b._part || a._off - b._off || (a._src < b._src ? -1 : a._src > b._src ? 1 : a._pos - b._pos),
      );
    expect(byPlace).toEqual(stored);

    const partitionOf = new Map<string, number>();
    for (const { key, partition, event } of events) {
      expect(partition).toBe(event._part);
      expect(key).toBe(event.device ?? (event.direction === 'inbound' ? event.dst_ip : event.src_ip));
      expect(partitionOf.get(key) ?? partition).toBe(partition);
      partitionOf.set(key, partition);
    }
    expect(partitionOf.size).toBe(50);
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const offsets = events.filter((each) => each.partition === partition).map(({ event }) => event._off);
      expect(offsets).toEqual([...offsets].sort((a, b) => a - b));
    }
  });

  it.each([
    ['mirror_appended', 9],
    ['mirror_committed', 2],
  ])('killed at %s repeats events, and neither loses nor reorders one', async (point, times) => {
    await open();
    await feed('one');
    const killed = site.start(['mirror'], { point, times });
    expect(await killed.ended, killed.notices).toBe('SIGKILL');
    const before = (await mirrored()).length;
    expect(before).toBeGreaterThan(0);
    await site.start(['mirror']).ready;
    await settled();
    await site.stopAll();

    const events = await mirrored();
    const once = dropRepeats(events);
    expect(once).toHaveLength(FLOWS + READINGS);
    expect(new Set(events.map(({ event }) => idOf(event))).size).toBe(FLOWS + READINGS);
    if (point === 'mirror_appended') expect(events.length).toBeGreaterThan(once.length);
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const offsets = once.filter((each) => each.partition === partition).map(({ event }) => event._off);
      expect(offsets).toEqual([...offsets].sort((a, b) => a - b));
    }
  });

  it('is off unless it is asked for: a process of its role alone says so and ends', async () => {
    site = await ClusterSite.open({ log: { partitions: 1 } });
    const worker = site.start(['mirror']);
    expect(await worker.ended).toBe(1);
    expect(worker.notices).toContain('kafka.mirror.enabled is false');
  });
});

/** As docs/mirror.md tells readers to: of each source in a partition, what is not above its highest position goes. */
function dropRepeats(events: readonly Mirrored[]): Mirrored[] {
  const highest = new Map<string, number>();
  return events.filter(({ partition, event: { _src, _pos } }) => {
    const source = `${partition} ${_src}`;
    if (_pos <= (highest.get(source) ?? -1)) return false;
    highest.set(source, _pos);
    return true;
  });
}

function idOf({ _src, _pos }: Mirrored['event']): string {
  return `${_src} ${_pos}`;
}

const START_S = Date.UTC(2026, 0, 1) / 1000;

/** Lines of Zeek's conn.log of forty hosts, every fourth from outside. */
function connections(name: string): string {
  const lines = Array.from({ length: FLOWS }, (_, i) => {
    const [inside, outside] = [`10.0.0.${1 + (i % 40)}`, '192.0.2.9'];
    const [from, to] = i % 4 === 0 ? [outside, inside] : [inside, outside];
    return JSON.stringify({
      ts: START_S + i, uid: `${name}${i}`, 'id.orig_h': from, 'id.orig_p': 40_000, 'id.resp_h': to, 'id.resp_p': 443,
      proto: 'tcp', duration: 0.5, orig_bytes: i, resp_bytes: 2000, conn_state: 'SF',
    }); // prettier-ignore
  });
  return `${lines.join('\n')}\n`;
}

function readings(): string {
  const lines = Array.from({ length: READINGS }, (_, i) =>
    JSON.stringify({
      time: new Date((START_S + i) * 1000).toISOString(),
      device: `pump-${i % 10}`,
      metric: 'flow',
      value: i % 3,
    }),
  );
  return `${lines.join('\n')}\n`;
}
