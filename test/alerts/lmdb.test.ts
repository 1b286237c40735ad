import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, it } from 'vitest';
import { openLmdbAlertStore } from '../../alerts/lmdb/index.ts';
import { openLmdbOutbox } from '../../alerts/lmdb/outbox.ts';
import { describeAlertStore } from './alert-store.contract.ts';

describeAlertStore('LMDB', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'vedette-alerts-'));
  return {
    open: async () => openLmdbAlertStore({ dir: join(dir, 'made', 'if-missing') }),
    remove: () => rm(dir, { recursive: true }),
  };
});

describe('the alert store in LMDB', () => {
  it(
    'has every acknowledged episode, and an index and counts that agree, after kill -9',
    { timeout: 30_000 },
    async () => {
      const dir = await mkdtemp(join(tmpdir(), 'vedette-alerts-'));
      const child = spawn(process.execPath, ['--import', 'tsx', join(import.meta.dirname, 'lmdb-writer.ts'), dir], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      let acknowledged = 0;
      for await (const line of createInterface({ input: child.stdout })) {
        acknowledged = Number(line);
        if (acknowledged === 40) child.kill('SIGKILL');
      }
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      expect(child.signalCode).toBe('SIGKILL');
      expect(acknowledged).toBeGreaterThanOrEqual(40);

      const store = openLmdbAlertStore({ dir });
      const { alerts } = await store.list({}, { limit: 1000 });
      // Each write raises the revision of one episode and adds another.
      const rising = await store.get('rising');
      expect(rising?.episode.revision).toBeGreaterThanOrEqual(acknowledged);
      for (let i = 1; i <= rising!.episode.revision; i++) expect(await store.get(`u${i}`), `u${i}`).toBeDefined();
      expect(alerts).toHaveLength(rising!.episode.revision + 1);
      expect(await store.counts()).toMatchObject({ total: alerts.length, open: alerts.length });
      await store.close();
      await rm(dir, { recursive: true });
    },
  );
});

describe('the outbox in LMDB', () => {
  it('gives what was put and not removed, in order, after it was opened again', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'vedette-outbox-'));
    const delivery = (sequence: number) => ({
      id: `a.${sequence}.create`, sequence, alertUid: 'a', createdMs: 5, attempts: 0, notBeforeMs: 5, body: '{"ü":1}',
    }); // prettier-ignore
    let outbox = openLmdbOutbox({ dir });
    await outbox.put([10, 2, 300, 1].map(delivery));
    await outbox.put([{ ...delivery(10), attempts: 3 }]);
    await outbox.remove(2);
    await outbox.remove(99);
    await outbox.close();
    outbox = openLmdbOutbox({ dir });
    expect(await outbox.pending()).toEqual([delivery(1), { ...delivery(10), attempts: 3 }, delivery(300)]);
    await outbox.close();
    await rm(dir, { recursive: true });
  });
});
