import { expect, it } from 'vitest';
import { killRepeatedly } from './pglite-kills.ts';

it(
  'loses no job, leaves none undone and does none twice over a hundred kills of its process',
  { timeout: 1_800_000 },
  async () => {
    const report = await killRepeatedly(100);
    console.log(JSON.stringify(report));
    expect(report).toMatchObject({ kills: 100, lost: [], stuck: [], uneven: [] });
    expect(report.acknowledged).toBeGreaterThan(100);
    expect(report.finished).toBeGreaterThanOrEqual(report.acknowledged);
  },
);
