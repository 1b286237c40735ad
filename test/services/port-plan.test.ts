import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { portPlan } from '../../services/port-plan.ts';

describe('the ports of a data folder', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'ports-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('stay what they were at the first start', async () => {
    const first = await portPlan(folder, { kafkaBrokers: 3 });
    expect(await portPlan(folder, {})).toEqual(first);
    const ports = JSON.stringify(first).match(/\d+/g) ?? [];
    expect(ports).toHaveLength(16);
    expect(new Set(ports).size).toBe(16);
  });

  it('count from a base', async () => {
    const plan = await portPlan(folder, { basePort: 19_000, kafkaBrokers: 2 });
    expect(plan.redis.client).toBe(19_079);
    expect(plan.kafka.map(({ client }) => client)).toEqual([19_092, 19_102]);
  });

  it('are refused where they belong to other data', async () => {
    await portPlan(folder, { basePort: 19_000 });
    await expect(portPlan(folder, { kafkaBrokers: 3 })).rejects.toMatchObject({ code: 'CONFLICT' });
    await expect(portPlan(folder, { basePort: 21_000 })).rejects.toMatchObject({ code: 'CONFLICT' });
  });
});
