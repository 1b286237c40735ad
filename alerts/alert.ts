import type { Finding } from '../model/finding.ts';

export type Severity = 'informational' | 'low' | 'medium' | 'high' | 'critical';
/** Where a person has taken an alert. */
export type TriageStatus = 'new' | 'in_progress' | 'closed';
export type Verdict = 'unknown' | 'true_positive' | 'false_positive' | 'benign' | 'duplicate';

/**
 * An alert is an episode: everything that one family of detectors found about one entity, without a quiet gap. This part
 * comes from the stream alone; a replay writes the same again.
 */
export interface Episode {
  /** Hash of entity, family and first pane. */
  readonly uid: string;
  /** Rises with every change of the episode: writing an old one again changes nothing. */
  readonly revision: number;
  readonly family: Finding['family'];
  readonly entityKind: Finding['entityKind'];
  readonly entity: string;
  readonly isOpen: boolean;
  readonly severity: Severity;
  readonly confidence: number;
  /** Start of what was seen, ms; not after firstPaneMs. */
  readonly sinceMs: number;
  readonly firstPaneMs: number;
  readonly lastPaneMs: number;
  /** When it closed, event time ms. */
  readonly closedMs?: number;
  readonly findingCount: number;
  readonly detectors: readonly string[];
  /** The strongest finding of each detector (and metric), at most 8, strongest first. */
  readonly evidence: readonly Finding[];
}

/** What people did with it. Kept apart from the episode, with its own version for If-Match. */
export interface Triage {
  readonly version: number;
  readonly status: TriageStatus;
  readonly verdict: Verdict;
  readonly assignee?: string;
  readonly comments: readonly { readonly atMs: number; readonly by: string; readonly text: string }[];
}

export interface Alert {
  readonly episode: Episode;
  readonly triage: Triage;
}

export interface AlertFilter {
  readonly sinceMs?: number;
  readonly untilMs?: number;
  readonly family?: string;
  readonly entity?: string;
  readonly detector?: string;
  readonly status?: TriageStatus;
  readonly open?: boolean;
  readonly minSeverity?: Severity;
}

/** Alert state. Order of a listing: lastPaneMs descending, then uid. Errors: NOT_FOUND, CONFLICT (version differs). */
export interface AlertStore {
  /** Stores episodes whose revision is above the stored one; resolves with those that were new or changed, once durable. */
  putEpisodes(episodes: readonly Episode[]): Promise<Episode[]>;
  get(uid: string): Promise<Alert | undefined>;
  list(filter: AlertFilter, page: { limit: number; cursor?: string }): Promise<{ alerts: Alert[]; next?: string }>;
  counts(): Promise<{ open: number; total: number; bySeverity: Record<Severity, number> }>;
  /** Applies a change if the stored version is `version`; gives the alert as it is then. */
  triage(uid: string, version: number | undefined, change: (triage: Triage) => Triage): Promise<Alert>;
  close(): Promise<void>;
}
