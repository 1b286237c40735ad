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
import { describeOutbox } from './outbox.contract.ts';

describeAlertStore('LMDB', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'vedette-alerts-'));
  return {
    open: async () => openLmdbAlertStore({ dir: join(dir, 'made', 'if-missing') }),
    remove: () => rm(dir, { recursive: true }),
  };
});

describeOutbox('LMDB', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'vedette-outbox-'));
  return { open: () => openLmdbOutbox({ dir }), remove: () => rm(dir, { recursive: true }) };
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
