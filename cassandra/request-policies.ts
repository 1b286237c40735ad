import { policies, type types } from 'cassandra-driver';

type RetryPolicy = policies.retry.RetryPolicy;

/** Tries of one request beyond the first; each goes to the next server where there is one. */
const MOST_RETRIES = 2;

/**
 * Repeats only statements that are marked as idempotent: a compare-and-set whose answer was lost may have taken effect,
 * and is read back instead.
 */
export function idempotentRetries(): RetryPolicy {
  const policy = new policies.retry.RetryPolicy();
  const again: RetryPolicy['onRequestError'] = (info, consistency: types.consistencies) =>
    info.executionOptions.isIdempotent() && info.nbRetry < MOST_RETRIES
      ? // At the same consistency: less would be a promise broken in silence.
        policy.retryResult(consistency, false)
      : policy.rethrowResult();
  return Object.assign(policy, {
    onReadTimeout: again,
    onWriteTimeout: again,
    onUnavailable: again,
    onRequestError: again,
  });
}

/**
 * Asks a second server when the first is slow: for reads alone. That a statement is idempotent the driver checks
 * itself; that it reads is seen by its first word.
 */
export function speculativeReads(delayMs: number): policies.speculativeExecution.SpeculativeExecutionPolicy {
  const never = { nextExecution: () => -1 };
  return Object.assign(new policies.speculativeExecution.NoSpeculativeExecutionPolicy(), {
    newPlan: (_keyspace: string, query: string | object[]) => {
      if (delayMs === 0 || typeof query !== 'string' || !query.startsWith('SELECT ')) return never;
      let left = 1;
      return { nextExecution: () => (left-- > 0 ? delayMs : -1) };
    },
  });
}
