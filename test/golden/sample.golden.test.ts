import { describe, expect, it } from 'vitest';
import { DAY_MS, sampleIncidents } from '../../sample/incidents.ts';
import { sampleEpisodes } from '../e2e/sample-stages.ts';

const END_MS = Date.UTC(2026, 10, 21, 10);
const FAMILY = {
  flood: 'denial-of-service',
  exfiltration: 'data-loss',
  silence: 'denial-of-service',
  wrong_values: 'data-corruption',
} as const;

/** Vedette start's promise: the four incidents of the day stand there as alerts, and nothing else, for any seed. */
describe('the sample day', () => {
  it.each(Array.from({ length: 25 }, (_, i) => i + 1))(
    'of seed %i gives its four alerts and no other',
    async (seed) => {
      const expected = sampleIncidents(seed, END_MS - DAY_MS).map(({ kind, entity }) => `${FAMILY[kind]} ${entity}`);
      const episodes = await sampleEpisodes(seed, END_MS);
      expect(episodes.map(({ family, entity }) => `${family} ${entity}`).sort()).toEqual(expected.sort());
    },
  );

  // The day ends with the last full hour before the start: any hour of any day of the week.
  it.each(Array.from({ length: 24 }, (_, i) => i))('that ends %i times 29 hours later gives them too', async (i) => {
    const endMs = END_MS + i * 29 * 3_600_000;
    const expected = sampleIncidents(100 + i, endMs - DAY_MS).map(({ kind, entity }) => `${FAMILY[kind]} ${entity}`);
    const episodes = await sampleEpisodes(100 + i, endMs);
    expect(episodes.map(({ family, entity }) => `${family} ${entity}`).sort()).toEqual(expected.sort());
  });
});
