import type { Job } from 'bullmq';
import { VedetteError } from '../model/errors.ts';
import type { JsonObject, JobRecord, JobState, JsonValue } from './job-queue.ts';

/** What BullMQ keeps as a job's data: ours, and what it has no field for. */
export interface JobEnvelope {
  readonly data: JsonObject;
  readonly requestedBy: string;
  readonly cancel?: { readonly by: string; readonly atMs: number };
}

export type BullJob = Job<JobEnvelope, JsonValue>;

/** BullMQ's states that a job of ours can be in. */
export const BULL_STATES = ['waiting', 'delayed', 'active', 'completed', 'failed'] as const;
export type BullState = (typeof BULL_STATES)[number];

const MAX_JSON_BYTES = 64 * 1024;
const ID = /^[A-Za-z][\w.-]{0,127}$/;

/**
 * A job that is to end but that no worker has taken yet is `cancelled` already, though BullMQ still calls it waiting:
 * whoever takes it only puts it away.
 */
export function recordOf(job: BullJob, listed: BullState): JobRecord {
  const state = stateOf(job, listed);
  const { requestedBy, data, cancel } = job.data;
  const isCancelled = cancel !== undefined && state !== 'active' && state !== 'completed';
  const finishedMs = job.finishedOn ?? (isCancelled ? cancel.atMs : undefined);
  const hasEnded = state === 'completed' || state === 'failed' || isCancelled;
  const progress = progressOf(job.progress);
  return {
    id: job.id ?? '',
    kind: job.name,
    state: isCancelled ? 'cancelled' : state,
    data,
    requestedBy,
    addedMs: job.timestamp,
    ...(job.processedOn !== undefined && { startedMs: job.processedOn }),
    ...(hasEnded && finishedMs !== undefined && { finishedMs }),
    starts: job.attemptsStarted,
    ...(progress && { progress }),
    ...(state === 'completed' && { result: job.returnvalue }),
    ...(job.failedReason && state !== 'completed' && { error: job.failedReason }),
    ...(cancel && { cancel }),
    ...(job.repeatJobKey !== undefined && { schedule: job.repeatJobKey }),
  };
}

/** It may have finished after the list was made that it stands in. */
function stateOf(job: BullJob, listed: BullState): BullState {
  if (job.finishedOn === undefined || listed === 'completed' || listed === 'failed') return listed;
  return job.failedReason ? 'failed' : 'completed';
}

/** BullMQ's states that jobs of these states of ours may be in. */
export function bullStates(states: readonly JobState[]): BullState[] {
  const wanted = new Set<BullState>();
  for (const state of states) {
    if (state === 'cancelled') for (const held of ['waiting', 'delayed', 'failed'] as const) wanted.add(held);
    else wanted.add(state);
  }
  return BULL_STATES.filter((state) => wanted.has(state));
}

/** @throws VedetteError BAD_REQUEST */
export function checkId(what: 'id' | 'name', id: string): void {
  if (ID.test(id)) return;
  throw new VedetteError(
    'BAD_REQUEST',
    `${what}: write letters, digits, dot, underscore and dash, beginning with a letter, at most 128`,
  );
}

/** @throws VedetteError BAD_REQUEST */
export function checkSize(what: 'data' | 'result', value: JsonValue | JsonObject): void {
  const sizeBytes = Buffer.byteLength(JSON.stringify(value));
  if (sizeBytes <= MAX_JSON_BYTES) return;
  throw new VedetteError('BAD_REQUEST', `${what}: ${sizeBytes} bytes as JSON, more than ${MAX_JSON_BYTES}`);
}

function progressOf(value: unknown): JobRecord['progress'] {
  if (typeof value !== 'object' || value === null || !('fraction' in value)) return undefined;
  const { fraction, note } = value as { fraction: number; note?: string };
  return { fraction, ...(note !== undefined && { note }) };
}
