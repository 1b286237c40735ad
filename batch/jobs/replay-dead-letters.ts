import { z } from 'zod';
import { parseJob } from './job-data.ts';
import type { DeadLetterFilter } from '../../ingest/dead-letter.ts';
import type { ReplayResult } from '../../ingest/replay.ts';
import type { Processor } from '../job-queue.ts';

export const REPLAY_DEAD_LETTERS = 'replay-dead-letters';

/** Which letters: those that match and were not replayed yet, or those of these ids. */
export const replayDeadLettersSchema = z.strictObject({
  reason: z.string().optional().describe('why they could not be read'),
  source: z.string().optional().describe('where they came from'),
  format: z.string().optional().describe('what they were read as'),
  ids: z.array(z.int().nonnegative()).min(1).max(5000).optional().describe('these alone, replayed before or not'),
});

export type ReplayLetters = (
  filter: DeadLetterFilter & { readonly ids?: readonly number[] },
  run: {
    readonly signal: AbortSignal;
    readonly onProgress: (progress: { readonly done: number; readonly total: number }) => void;
  },
) => Promise<ReplayResult>;

/**
 * Reads dead letters again. Run twice it does nothing more: letters that were replayed are passed over, and what was read
 * of one before is known by its source.
 */
export function replayDeadLettersJob(replay: ReplayLetters): Processor {
  return async (run) => {
    const { reason, source, format, ids } = parseJob(replayDeadLettersSchema, run.job.data);
    const result = await replay(
      {
        ...(reason !== undefined && { reason }),
        ...(source !== undefined && { source }),
        ...(format !== undefined && { format }),
        ...(ids && { ids }),
      },
      {
        signal: run.signal,
        onProgress: ({ done, total }) => run.progress(done / total, `${done} of ${total} dead letters`),
      },
    );
    run.progress(1, `${result.replayed} dead letters`);
    return { replayed: result.replayed, events: result.events, dead_letters: result.deadLetters };
  };
}
