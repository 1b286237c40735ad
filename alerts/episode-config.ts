import { z } from 'zod';

const MINUTE_MS = 60_000;
const quiet = (minutes: number) =>
  z
    .int()
    .positive()
    .default(minutes * MINUTE_MS);

/** How findings become episodes. Strict: an unknown key is an error that names it. */
export const episodesSchema = z.strictObject({
  quietMs: z
    .strictObject({
      'denial-of-service': quiet(10).describe('Time without a finding after which an episode closes, ms'),
      'data-loss': quiet(75).describe('The same for data loss, whose detectors look at an hour at a time, ms'),
      'data-corruption': quiet(60).describe('The same for data corruption, ms'),
    })
    .prefault({}),
  maxEvidence: z.int().min(1).max(8).default(8).describe('Findings that an episode keeps as its evidence'),
  maxOpen: z
    .int()
    .min(10)
    .default(100_000)
    .describe('Open episodes in one partition; above it the tenth that has been quiet for longest is closed'),
});
export type EpisodesOptions = z.infer<typeof episodesSchema>;
