import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import type { TopologyView } from '../../cli/topology/view.ts';
import { ClusterSite } from '../golden/cluster-site.ts';
import { serverVariable } from '../services/server-variable.ts';
import { topology } from './topology-fixture.ts';

const VARIABLES = ['VEDETTE_KAFKA', 'VEDETTE_PULSAR_ADMIN', 'VEDETTE_CASSANDRA', 'VEDETTE_CLICKHOUSE'];
const isThere = VARIABLES.map((name) => serverVariable(name) !== undefined).every(Boolean);
const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => name.startsWith('VEDETTE_')));
const PARTITIONS = 2;
const WAIT_MS = 45_000;

type Shown = TopologyView & { readonly advice: readonly string[] };

describe.skipIf(!isThere)('vedette topology on real servers', { timeout: 180_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'vedette-topology-'));
  let site: ClusterSite;

  beforeAll(async () => {
    site = await ClusterSite.open({
      internal: ['10.0.0.0/8'],
      log: { partitions: PARTITIONS },
      stream: { checkpointMs: 200 },
    });
  });

  afterAll(async () => {
    await site.close();
    rmSync(folder, { recursive: true, force: true });
  });

  async function shown(name: string, changed: Readonly<Record<string, string>> = {}) {
    const path = join(folder, 'vedette.yaml');
    const config = {
      log: { partitions: PARTITIONS },
      kafka: { prefix: name },
      pulsar: { namespace: name },
      cassandra: { keyspace: name },
    };
    writeFileSync(path, stringify(config));
    const args = ['--config', path, 'topology', '--over', '0', '-o', 'json'];
    const { exitCode, output } = await topology(args, { ...environment, ...changed });
    const view = JSON.parse(output) as Shown;
    const role = (role: 'stream' | 'sink') => view.roles.find((each) => each.role === role)!;
    return { exitCode, view, role };
  }
  const named = () => site.config.kafka.prefix;

  /** Looks until it is so; the last look. */
  async function until(isSo: (look: Awaited<ReturnType<typeof shown>>) => boolean) {
    const end = Date.now() + WAIT_MS;
    for (;;) {
      const look = await shown(named());
      if (isSo(look) || Date.now() > end) return look;
      await sleep(300);
    }
  }

  it('says that nobody works yet, and that the raw topics are missing', async () => {
    const { exitCode, view, role } = await shown(named());
    expect(exitCode).toBe(0);
    expect(role('stream').members).toEqual([]);
    expect(role('stream').partitions.map(({ topic, partition, lag }) => [topic, partition, lag])).toEqual([
      ['events', 0, 0],
      ['events', 1, 0],
      ['partials', 0, 0],
      ['partials', 1, 0],
    ]);
    expect(view.advice).toContainEqual(expect.stringMatching(/^no worker of the role stream runs/));
    expect(view.advice).toContainEqual(expect.stringMatching(/^Pulsar has no topic raw-zeek yet/));
  });

  it('shows who has which partition, how far it is, and its checkpoint; and that it has left', async () => {
    const log = join(folder, 'conn.log');
    writeFileSync(log, connections(200));
    await site.feed([log]);
    const before = await shown(named());
    expect(before.role('stream').partitions.some(({ lag }) => (lag ?? 0) > 0)).toBe(true);

    const workers = [1, 2].map(() => site.start(['stream', 'sink']));
    await Promise.all(workers.map(({ ready }) => ready));
    await site.settled(WAIT_MS);
    // What stage 1 sends once it is idle may come after the log looked settled.
    const { view, role } = await until(
      ({ role: of }) =>
        (['stream', 'sink'] as const).every(
          (name) => of(name).members.length === 2 && of(name).partitions.every(({ owner }) => owner !== undefined),
        ) && of('stream').partitions.every(({ lag }) => lag === 0),
    );
    const names = role('stream').members.map(({ name }) => name);
    expect(names).toHaveLength(2);
    // As the workers themselves were told: each has one partition of both topics.
    for (const topic of ['events', 'partials']) {
      const owners = role('stream')
        .partitions.filter((each) => each.topic === topic)
        .map(({ owner }) => owner);
      expect(owners.sort()).toEqual([...names].sort());
    }
    for (const partition of role('stream').partitions) {
      expect(partition).toMatchObject({ committed: partition.end, lag: 0 });
      expect(partition.epoch).toBeGreaterThan(0);
      expect(partition.checkpoint!.epoch).toBeGreaterThan(0);
      expect(partition.checkpoint!.bytes).toBeGreaterThan(0);
      expect(partition.checkpoint!.age_seconds).toBeLessThan(120);
    }
    expect(view.advice.filter((text) => /stream|sink/.test(text))).toEqual([]);

    const epochs = role('stream').partitions.map(({ epoch }) => epoch);
    await site.stopAll();
    const after = await until(({ role: of }) => of('stream').members.length === 0 && of('sink').members.length === 0);
    expect(after.role('stream').state).toBe('Empty');
    expect(after.role('stream').partitions.every(({ owner }) => owner === undefined)).toBe(true);
    // A look takes nothing over.
    expect(after.role('stream').partitions.map(({ epoch }) => epoch)).toEqual(epochs);
    expect(after.view.advice).toContainEqual(expect.stringMatching(/^no worker of the role sink runs/));
  });

  it('makes nothing where there is nothing', async () => {
    const name = `t${randomBytes(5).toString('hex')}`;
    for (let look = 0; look < 2; look++) {
      const { exitCode, view, role } = await shown(name);
      expect(exitCode).toBe(4);
      expect(role('stream').missing_topics).toEqual(['events', 'partials']);
      expect(view.advice).toContainEqual(expect.stringMatching(/^Cassandra: the keyspace .* is not there yet/));
      expect(view.advice).toContainEqual(expect.stringMatching(/^Pulsar has no topic raw-zeek yet/));
    }
  });

  it('tells of a server that does not answer, and shows what the other knows', async () => {
    const away = await shown(named(), { VEDETTE_KAFKA: '127.0.0.1:1' });
    expect(away.exitCode).toBe(4);
    expect(away.role('stream')).not.toHaveProperty('state');
    expect(away.role('stream').partitions[0]).toMatchObject({ topic: 'events', partition: 0 });
    expect(away.view.advice).toContainEqual(expect.stringMatching(/^Kafka does not tell/));
    const blind = await shown(named(), { VEDETTE_PULSAR_ADMIN: 'http://127.0.0.1:1' });
    expect(blind.exitCode).toBe(0);
    expect(blind.view.ingest).toEqual({});
  });
});

/** Lines of Zeek's conn.log from several hosts, over ten minutes. */
function connections(count: number): string {
  const start = Date.UTC(2026, 0, 1) / 1000;
  const lines = Array.from({ length: count }, (_, i) =>
    JSON.stringify({
      ts: start + i * 3,
      uid: `C${i}`,
      'id.orig_h': `10.0.0.${1 + (i % 40)}`,
      'id.orig_p': 40_000 + i,
      'id.resp_h': '192.0.2.9',
      'id.resp_p': 443,
      proto: 'tcp',
      duration: 0.5,
      orig_bytes: 1000,
      resp_bytes: 2000,
      conn_state: 'SF',
      orig_pkts: 5,
      resp_pkts: 6,
    }),
  );
  return `${lines.join('\n')}\n`;
}
