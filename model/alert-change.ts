/** One change of an alert as it lies in the log and in the store's history: JSON, one object a record. */
export interface AlertChange {
  readonly uid: string;
  /** Rises with every change, of the episode or by a person. */
  readonly version: number;
  readonly timeMs: number;
  readonly status: string;
  readonly family: string;
  readonly detector: string;
  readonly entity: string;
  readonly entityKind: string;
  /** OCSF severity_id. */
  readonly severity: number;
  readonly confidence: number;
  readonly firstSeenMs: number;
  readonly lastSeenMs: number;
  readonly title: string;
  /** OCSF Detection Finding. */
  readonly finding: unknown;
}
