/** Every code that {@link VedetteError} carries, and whether trying again can help. */
const CODES = {
  CONFIG_INVALID: { retry: false },
  BAD_REQUEST: { retry: false },
  NOT_FOUND: { retry: false },
  CONFLICT: { retry: false },
  LOG_CORRUPT: { retry: false },
  LOG_FULL: { retry: true },
  LOG_RANGE: { retry: false },
  LOG_UNAVAILABLE: { retry: true },
  RAW_LOG_UNAVAILABLE: { retry: true },
  STORE_UNAVAILABLE: { retry: true },
  QUEUE_UNAVAILABLE: { retry: true },
  UNAUTHORIZED: { retry: false },
  OLAP_UNAVAILABLE: { retry: true },
  OLAP_REFUSED: { retry: false },
  CHECKPOINT_CORRUPT: { retry: false },
  BLOCK_CORRUPT: { retry: false },
  UNSUPPORTED: { retry: false },
  LOCKED: { retry: false },
} as const;

export type ErrorCode = keyof typeof CODES;

/** An outage, a misuse or a bug. A bad record is never one of these: it is a dead letter. */
export class VedetteError extends Error {
  readonly code: ErrorCode;
  readonly retry: boolean;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'VedetteError';
    this.code = code;
    this.retry = CODES[code].retry;
  }
}

/** What was thrown, which need not be an error. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
