import { errors, types } from 'cassandra-driver';
import { VedetteError } from '../model/errors.ts';

const CODES = types.responseErrorCodes;

const UNAUTHORIZED: ReadonlySet<number> = new Set<number>([CODES.badCredentials, CODES.unauthorized]);
const MISCONFIGURED: ReadonlySet<number> = new Set<number>([CODES.configError]);

/** Answers after which the same statement may well succeed a little later. */
const AWAY: ReadonlySet<number> = new Set<number>([
  CODES.serverError,
  CODES.unavailableException,
  CODES.overloaded,
  CODES.isBootstrapping,
  CODES.truncateError,
  CODES.writeTimeout,
  CODES.readTimeout,
  CODES.readFailure,
  CODES.writeFailure,
]);

/**
 * What the driver threw, as an error of ours: UNAUTHORIZED (credentials or rights), CONFIG_INVALID (a data centre or a
 * replication that is not there), UNSUPPORTED (the servers refuse the statement), else STORE_UNAVAILABLE. Mistakes in
 * calling the driver are bugs, and stay what they are.
 */
export function storeError(error: unknown): Error {
  if (error instanceof VedetteError || error instanceof TypeError) return error;
  if (!(error instanceof Error)) return new Error(String(error));
  if (error instanceof errors.AuthenticationError) return unauthorized(error);
  if (error instanceof errors.NoHostAvailableError) return ofHosts(error);
  if (error instanceof errors.ResponseError) return ofResponse(error);
  if (error instanceof errors.ArgumentError) return error;
  return new VedetteError('STORE_UNAVAILABLE', `Cassandra does not answer: ${error.message}`, { cause: error });
}

/** Several servers were tried: what the first says is what the others would. */
function ofHosts(error: errors.NoHostAvailableError): Error {
  const inner = Object.entries(error.innerErrors as Record<string, unknown>);
  for (const [, reason] of inner) {
    if (reason instanceof errors.AuthenticationError) return unauthorized(reason);
    // The only thing that the driver checks against what the servers say: the data centre.
    if (reason instanceof errors.ArgumentError)
      return new VedetteError('CONFIG_INVALID', cassandraSays(reason), { cause: error });
    if (reason instanceof errors.ResponseError && !AWAY.has(reason.code)) return ofResponse(reason);
  }
  const told = inner.map(([host, reason]) => `${host}: ${reason instanceof Error ? reason.message : String(reason)}`);
  const message = told.length > 0 ? told.slice(0, 5).join('; ') : 'all are down';
  return new VedetteError('STORE_UNAVAILABLE', `no server of Cassandra answers: ${message}`, { cause: error });
}

function ofResponse(error: errors.ResponseError): Error {
  if (UNAUTHORIZED.has(error.code)) return unauthorized(error);
  if (MISCONFIGURED.has(error.code)) return new VedetteError('CONFIG_INVALID', cassandraSays(error), { cause: error });
  if (AWAY.has(error.code)) return new VedetteError('STORE_UNAVAILABLE', cassandraSays(error), { cause: error });
  return new VedetteError('UNSUPPORTED', cassandraSays(error), { cause: error });
}

function unauthorized(error: Error): VedetteError {
  return new VedetteError('UNAUTHORIZED', `Cassandra refuses the credentials: ${error.message}`, { cause: error });
}

function cassandraSays(error: Error): string {
  return `Cassandra: ${error.message}`;
}

/** Whether the outcome is open, or nothing was done: in both cases asking again later can help. */
export function isAway(error: unknown): error is VedetteError {
  return error instanceof VedetteError && error.code === 'STORE_UNAVAILABLE';
}
