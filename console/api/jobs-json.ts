import { z } from 'zod';
import { JOB_STATES, type JobRecord, type JobRequest } from '../../batch/job-queue.ts';
import { REPLAY_DEAD_LETTERS, replayDeadLettersSchema } from '../../batch/jobs/replay-dead-letters.ts';
import { parseJob } from '../../batch/jobs/job-data.ts';
import { REPLAY_RAW, replayRawSchema } from '../../batch/jobs/replay-raw.ts';
import { isoTime, moment } from '../query-types.ts';

const jobId = z
  .string()
  .regex(/^[A-Za-z][\w.-]{0,127}$/, 'write letters, digits, dot, underscore and dash, beginning with a letter')
  .optional()
  .describe('An id of your own: the same again adds nothing');

/** What is asked for, by kind. */
export const jobBody = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal(REPLAY_RAW),
    id: jobId,
    from: moment,
    to: moment,
    name: z
      .string()
      .regex(/^[A-Za-z][\w.-]{0,63}$/, 'write letters, digits, dot, underscore and dash, beginning with a letter')
      .optional()
      .describe('Of the results; the same name again begins them afresh. Default: made of the times'),
  }),
  z.strictObject({ kind: z.literal(REPLAY_DEAD_LETTERS), id: jobId, ...replayDeadLettersSchema.shape }),
]);

export const jobSchema = z.object({
  id: z.string(),
  kind: z.string(),
  state: z.enum(JOB_STATES),
  data: z.record(z.string(), z.unknown()).describe('What was asked for'),
  requested_by: z.string(),
  added: z.iso.datetime().optional(),
  started: z.iso.datetime().optional().describe('Beginning of the latest try'),
  finished: z.iso.datetime().optional(),
  starts: z.int().describe('How often it was begun'),
  progress: z.object({ fraction: z.number(), note: z.string().optional() }).optional(),
  result: z.unknown().optional(),
  error: z.string().optional().describe('Why the latest try failed'),
  cancelled_by: z.string().optional().describe('Set as soon as it is to end, also while it still runs'),
  schedule: z.string().optional(),
});
export type JobJson = z.infer<typeof jobSchema>;

export function jobJson(job: JobRecord): JobJson {
  const [added, started, finished] = [isoTime(job.addedMs), isoTime(job.startedMs), isoTime(job.finishedMs)];
  return {
    id: job.id,
    kind: job.kind,
    state: job.state,
    data: job.data,
    requested_by: job.requestedBy,
    ...(added !== undefined && { added }),
    ...(started !== undefined && { started }),
    ...(finished !== undefined && { finished }),
    starts: job.starts,
    ...(job.progress && { progress: job.progress }),
    ...(job.result !== undefined && { result: job.result }),
    ...(job.error !== undefined && { error: job.error }),
    ...(job.cancel && { cancelled_by: job.cancel.by }),
    ...(job.schedule !== undefined && { schedule: job.schedule }),
  };
}

/** The job that a body asks for. Errors: BAD_REQUEST. */
export function jobRequest(
  body: z.output<typeof jobBody>,
  by: { readonly requestedBy: string; readonly nowMs: number },
): JobRequest {
  const { requestedBy, nowMs } = by;
  if (body.kind === REPLAY_RAW) {
    const from = new Date(body.from(nowMs)).toISOString();
    const to = new Date(body.to(nowMs)).toISOString();
    const name = body.name ?? `from-${from}-to-${to}`.replace(/[:.]\d{2}\.\d{3}Z|[:.]/g, '');
    const data = parseJob(replayRawSchema, { from, to, name });
    return { kind: body.kind, data, requestedBy, ...(body.id !== undefined && { id: body.id }) };
  }
  const { kind, id, ...filter } = body;
  return { kind, data: filter, requestedBy, ...(id !== undefined && { id }) };
}
