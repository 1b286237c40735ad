export type JsonValue =
  string | number | boolean | null | readonly JsonValue[] | { readonly [key: string]: JsonValue | undefined };
export type JsonObject = Readonly<Record<string, JsonValue | undefined>>;

/**
 * `waiting`: for a worker. `delayed`: for its time, or for the pause before another try. `active`: a worker has it, or
 * had it and died. `completed`, `failed` and `cancelled` are finished: what {@link JobQueue.list} keeps of them is
 * history.
 */
export const JOB_STATES = ['waiting', 'delayed', 'active', 'completed', 'failed', 'cancelled'] as const;
export type JobState = (typeof JOB_STATES)[number];

/** What is to be done. */
export interface JobRequest {
  /** Which processor takes it: a stable name, `replay-raw`. */
  readonly kind: string;
  /** Letters, digits, `.`, `_` and `-`, beginning with a letter, at most 128. Undefined: made up. */
  readonly id?: string;
  /** For the processor; at most 64 KiB as JSON. */
  readonly data: JsonObject;
  /** Who asked, for the history. */
  readonly requestedBy: string;
  /** Tries in all, the first one included. Undefined: the queue's default. */
  readonly attempts?: number;
  /** Pause before the second try, ms; doubles with each. Undefined: the queue's default. */
  readonly backoffMs?: number;
}

export interface JobProgress {
  /** 0 to 1. */
  readonly fraction: number;
  readonly note?: string;
}

export interface JobRecord {
  readonly id: string;
  readonly kind: string;
  readonly state: JobState;
  readonly data: JsonObject;
  readonly requestedBy: string;
  readonly addedMs: number;
  /** Beginning of the latest try. */
  readonly startedMs?: number;
  readonly finishedMs?: number;
  /** How often it was begun, retries and runs after a dead worker included. */
  readonly starts: number;
  readonly progress?: JobProgress;
  /** What the processor gave back. */
  readonly result?: JsonValue;
  /** Why the latest try failed. */
  readonly error?: string;
  /** Who asked for its end, and when, also while it has not ended yet. */
  readonly cancel?: { readonly by: string; readonly atMs: number };
  /** The schedule that made it. */
  readonly schedule?: string;
}

export interface JobFilter {
  readonly states?: readonly JobState[];
  readonly kind?: string;
}

/** One run of a job. */
export interface JobRun {
  readonly job: JobRecord;
  /** Aborted when the job is cancelled, when its worker closes, and when the queue has given it to another worker. */
  readonly signal: AbortSignal;
  /** For people: shown within about a second, the latest value only. */
  progress(fraction: number, note?: string): void;
}

/**
 * Does the work of one kind of job. It must be idempotent: a job whose worker died runs again from its beginning. It
 * must leave the event loop free (the queue renews its hold on the job from there), so heavy work belongs in another
 * process; and it must watch the signal. What it throws fails the try; a VedetteError that is not to be retried, and
 * {@link JobQueue.cancel}, fail the job at once. Its result is at most 64 KiB as JSON.
 */
export type Processor = (run: JobRun) => Promise<JsonValue>;

export interface JobSchedule {
  /** The same name again replaces the schedule; its next run is then reckoned anew. */
  readonly name: string;
  /** `cron`: five fields, or six with seconds in front; `timeZone` is an IANA name, UTC where there is none. `never` removes it. */
  readonly when: { readonly everyMs: number } | { readonly cron: string; readonly timeZone?: string } | 'never';
  readonly job: Omit<JobRequest, 'id'>;
}

/**
 * Work that is done later, at least once, by whichever worker is free; first come, first served.
 *
 * - **Nothing is lost**: what {@link add} has resolved survives the death of every process (embedded) or of every process
 *   but the server (cluster; the server's own durability is its operator's).
 * - **At least once**: a job whose worker dies is begun again once its hold on the job has run out, by whichever worker
 *   there is; it fails for good after `maxStalls` such deaths, so that a job that kills its worker does not do so for ever.
 * - **Bounded**: `maxWaiting` jobs may be unfinished; finished ones are kept up to a count and an age, the oldest go.
 *
 * Errors of every method: QUEUE_UNAVAILABLE (also when the queue is full), UNAUTHORIZED.
 */
export interface JobQueue {
  /**
   * Adds a job and resolves once it is durable. An id that the queue still knows, finished ones included, adds nothing:
   * the job that is there is the answer. Errors: BAD_REQUEST (id, data).
   */
  add(request: JobRequest): Promise<JobRecord>;
  get(id: string): Promise<JobRecord | undefined>;
  /** Latest added first. Errors: BAD_REQUEST (cursor). */
  list(
    filter: JobFilter,
    page: { readonly limit: number; readonly cursor?: string },
  ): Promise<{ readonly jobs: readonly JobRecord[]; readonly next?: string }>;
  /**
   * Ends a job: one that waits is never begun, one that runs, in whichever process, has its signal aborted within about
   * two seconds and stays `active` until its processor has returned. Again: the same answer. Errors: NOT_FOUND, CONFLICT
   * (finished otherwise).
   */
  cancel(id: string, by: string): Promise<JobRecord>;
  /** Puts a failed or cancelled job back, with all of its tries. Errors: NOT_FOUND, CONFLICT (in another state). */
  retry(id: string): Promise<JobRecord>;
  /** Adds a job again and again, the next one when the one before is begun. Durable. Errors: BAD_REQUEST. */
  schedule(schedule: JobSchedule): Promise<void>;
  /**
   * Takes jobs from now on, `concurrency` at a time in this process. A kind without a processor fails at once. Resolves
   * once it is taking. Errors: CONFLICT (called twice).
   */
  work(processors: Readonly<Record<string, Processor>>, options: { readonly concurrency: number }): Promise<void>;
  /** Takes no more; running jobs have their signal aborted and go back to wait, for the next worker. Idempotent. */
  close(): Promise<void>;
}
