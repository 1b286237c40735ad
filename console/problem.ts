import { STATUS_CODES } from 'node:http';
import { z } from 'zod';
import { type ErrorCode, VedetteError } from '../model/errors.ts';

export const PROBLEM_TYPE = 'application/problem+json';

/** RFC 9457, with our code and, for a request that doesn't fit its schema, each place that doesn't. */
export const problemSchema = z.object({
  type: z.string().describe('about:blank: the status says it all'),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  code: z.string().optional(),
  errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
});
export type ProblemBody = z.infer<typeof problemSchema>;

interface ProblemOptions {
  readonly errors?: readonly { readonly path: string; readonly message: string }[];
  readonly code?: ErrorCode;
  readonly headers?: Readonly<Record<string, string>>;
  readonly cause?: unknown;
}

/** A refusal that a client gets to read. `detail` says what to do; it never holds internals. */
export class Problem extends Error {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: ProblemBody;

  constructor(status: number, detail: string, options: ProblemOptions = {}) {
    super(detail, { cause: options.cause });
    this.name = 'Problem';
    this.status = status;
    this.headers = options.headers ?? {};
    this.body = {
      type: 'about:blank',
      title: STATUS_CODES[status] ?? 'Error',
      status,
      detail,
      ...(options.code && { code: options.code }),
      ...(options.errors && { errors: [...options.errors] }),
    };
  }
}

const STATUS_OF: Readonly<Record<ErrorCode, number>> = {
  BAD_REQUEST: 400,
  OLAP_REFUSED: 400,
  UNSUPPORTED: 400,
  NOT_FOUND: 404,
  CONFLICT: 412,
  LOCKED: 409,
  LOG_FULL: 503,
  OLAP_UNAVAILABLE: 503,
  LOG_UNAVAILABLE: 503,
  RAW_LOG_UNAVAILABLE: 503,
  STORE_UNAVAILABLE: 503,
  QUEUE_UNAVAILABLE: 503,
  // A server behind us refuses our credentials: the operator's to mend, not the client's.
  UNAUTHORIZED: 500,
  CONFIG_INVALID: 500,
  LOG_CORRUPT: 500,
  LOG_RANGE: 500,
  CHECKPOINT_CORRUPT: 500,
  BLOCK_CORRUPT: 500,
};

const RETRY_AFTER_SECONDS: Partial<Record<ErrorCode, string>> = {
  LOG_FULL: '10',
  OLAP_UNAVAILABLE: '2',
  LOG_UNAVAILABLE: '2',
  RAW_LOG_UNAVAILABLE: '2',
  STORE_UNAVAILABLE: '2',
  QUEUE_UNAVAILABLE: '2',
};

/** What Fastify itself refuses, in words that say what to do. */
const OF_FASTIFY: Readonly<Record<string, { status: number; detail: string }>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: { status: 413, detail: 'the body is too large: send it in smaller parts' },
  FST_ERR_CTP_EMPTY_JSON_BODY: { status: 400, detail: 'the body is empty: send a JSON object, {} at least' },
  FST_ERR_CTP_INVALID_JSON_BODY: { status: 400, detail: 'the body is not valid JSON' },
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: { status: 400, detail: 'Content-Length differs from the length of the body' },
  FST_ERR_CTP_INVALID_MEDIA_TYPE: { status: 415, detail: 'this content type is not taken here' },
  FST_ERR_BAD_URL: { status: 400, detail: 'the path is not a valid URL' },
  FST_ERR_MAX_PARAM_LENGTH: { status: 414, detail: 'a part of the path is too long' },
};

/** Any error as a problem. What isn't known is 500 and says nothing about the inside: log it where it is caught. */
export function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof VedetteError) return ofVedette(error);
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') {
    const known = OF_FASTIFY[error.code];
    if (known) return new Problem(known.status, known.detail, { cause: error });
  }
  const status = error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : 500;
  if (status >= 400 && status < 500) return new Problem(status, 'the request is not valid HTTP here', { cause: error });
  return new Problem(500, 'something went wrong inside; the log of this instance says what', { cause: error });
}

function ofVedette(error: VedetteError): Problem {
  const status = STATUS_OF[error.code];
  if (status === 500) {
    const detail = 'something went wrong inside; the log of this instance says what';
    return new Problem(500, detail, { code: error.code, cause: error });
  }
  const retryAfter = RETRY_AFTER_SECONDS[error.code];
  return new Problem(status, error.message, {
    code: error.code,
    cause: error,
    ...(retryAfter !== undefined && { headers: { 'retry-after': retryAfter } }),
  });
}

/** A request that doesn't fit its schema. `place` is where it was: `query`, `body`, `path`. */
export function invalid(place: string, error: z.ZodError): Problem {
  const errors = error.issues.flatMap((issue) => {
    const path = issue.path.map(String).join('.');
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => ({
        path: [path, key].filter(Boolean).join('.'),
        message: `there is no ${place === 'query' ? 'query parameter' : 'field'} ${key} here: leave it out`,
      }));
    }
    return [{ path, message: issue.message }];
  });
  const first = errors[0];
  const about = first === undefined ? '' : `: ${first.path === '' ? '' : `${first.path}: `}${first.message}`;
  return new Problem(400, `the ${place} is not as it must be${about}`, { errors, code: 'BAD_REQUEST' });
}
