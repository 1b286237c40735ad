import { expect, it } from 'vitest';
import { killRepeatedly } from './pglite-kills.ts';

it(
  'loses no job, leaves none undone and does none twice over ten kills of its process',
  { timeout: 300_000 },
  async () => {
    const report = await killRepeatedly(10);
    expect(report).toMatchObject({ kills: 10, lost: [], stuck: [], uneven: [] });
    expect(report.finished).toBeGreaterThanOrEqual(report.acknowledged);
  },
);
