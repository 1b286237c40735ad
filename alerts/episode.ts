import { PANE_MS } from '../model/time.ts';
import type { Finding } from '../model/finding.ts';
import { uidOf } from '../model/finding.ts';
import type { Episode } from './alert.ts';
import { severityOf } from './severity.ts';

/** Length of the panes that findings come in, ms: a finding stands for [paneMs, paneMs + this). */
export { PANE_MS };

/** Detectors that say when a condition is over, however long it takes: quiet says nothing about those. */
const HELD_UNTIL_RECOVERY: ReadonlySet<string> = new Set(['silence']);

/** All of an episode that a checkpoint keeps; plain data. */
export interface EpisodeState {
  readonly uid: string;
  readonly family: Finding['family'];
  readonly entityKind: Finding['entityKind'];
  readonly entity: string;
  readonly firstPaneMs: number;
  revision: number;
  sinceMs: number;
  lastPaneMs: number;
  findingCount: number;
  confidence: number;
  detectors: string[];
  evidence: Finding[];
  /** Why it is open: detector and metric, with the last pane that each was found in. */
  reasons: Record<string, number>;
  /** End of the pane of the last recovery, ms; 0 where there was none. */
  recoveredMs: number;
  /** When it closes if nothing else comes, ms; null: not before a recovery. */
  dueMs: number | null;
  closedMs: number | null;
}

/** Opens an episode; its first finding is still to be added. */
export function openEpisode(finding: Finding): EpisodeState {
  return {
    uid: uidOf(finding.entity, finding.family, finding.paneMs),
    family: finding.family,
    entityKind: finding.entityKind,
    entity: finding.entity,
    firstPaneMs: finding.paneMs,
    revision: 0,
    sinceMs: finding.paneMs,
    lastPaneMs: finding.paneMs,
    findingCount: 0,
    confidence: 0,
    detectors: [],
    evidence: [],
    reasons: {},
    recoveredMs: 0,
    dueMs: null,
    closedMs: null,
  };
}

export function addFinding(
  state: EpisodeState,
  finding: Finding,
  limits: { quietMs: number; maxEvidence: number },
): void {
  const reason = reasonOf(finding);
  state.revision++;
  state.findingCount++;
  state.sinceMs = Math.min(state.sinceMs, finding.sinceMs);
  state.lastPaneMs = Math.max(state.lastPaneMs, finding.paneMs);
  state.confidence = Math.max(state.confidence, finding.confidence);
  if (!state.detectors.includes(finding.detector)) state.detectors = [...state.detectors, finding.detector].sort();
  state.evidence = withEvidence(state.evidence, finding, limits.maxEvidence);
  state.reasons[reason] = Math.max(state.reasons[reason] ?? 0, finding.paneMs);
  state.dueMs = dueOf(state, limits.quietMs);
}

/** Takes a recovery; one of something that isn't a reason changes nothing. Tells whether it did. */
export function addRecovery(state: EpisodeState, finding: Finding, limits: { quietMs: number }): boolean {
  const reason = reasonOf(finding);
  if (state.reasons[reason] === undefined) return false;
  state.reasons = Object.fromEntries(Object.entries(state.reasons).filter(([name]) => name !== reason));
  state.revision++;
  state.lastPaneMs = Math.max(state.lastPaneMs, finding.paneMs);
  state.recoveredMs = Math.max(state.recoveredMs, finding.paneMs + PANE_MS);
  state.dueMs = dueOf(state, limits.quietMs);
  return true;
}

export function closeEpisode(state: EpisodeState, timeMs: number): void {
  state.revision++;
  state.closedMs = Math.max(timeMs, state.lastPaneMs + PANE_MS);
  state.dueMs = null;
}

/** The contract's view of the state as it is now. */
export function episodeOf(state: EpisodeState): Episode {
  return {
    uid: state.uid,
    revision: state.revision,
    family: state.family,
    entityKind: state.entityKind,
    entity: state.entity,
    isOpen: state.closedMs === null,
    severity: severityOf({
      strongestRatio: state.evidence[0]?.ratio ?? 1,
      detectorCount: state.detectors.length,
      durationMs: state.lastPaneMs + PANE_MS - state.sinceMs,
      isHeld: state.detectors.some((detector) => HELD_UNTIL_RECOVERY.has(detector)),
      confidence: state.confidence,
    }),
    confidence: state.confidence,
    sinceMs: state.sinceMs,
    firstPaneMs: state.firstPaneMs,
    lastPaneMs: state.lastPaneMs,
    ...(state.closedMs === null ? {} : { closedMs: state.closedMs }),
    findingCount: state.findingCount,
    detectors: state.detectors,
    evidence: state.evidence,
  };
}

/** A device's metrics fail and recover each for itself. */
function reasonOf(finding: Finding): string {
  return `${finding.detector}\u0000${finding.metric ?? ''}`;
}

/**
 * Quiet is counted from the last pane of what has not recovered. Where all has, the episode ends with the pane of the
 * last recovery, not at once: a finding of the same pane that comes after it still belongs to it.
 */
function dueOf(state: EpisodeState, quietMs: number): number | null {
  let dueMs = state.recoveredMs;
  for (const [reason, lastPaneMs] of Object.entries(state.reasons)) {
    if (HELD_UNTIL_RECOVERY.has(reason.slice(0, reason.indexOf('\u0000')))) return null;
    dueMs = Math.max(dueMs, lastPaneMs + PANE_MS + quietMs);
  }
  return dueMs;
}

/**
 * The strongest finding of each detector and metric, strongest first. What is dropped here can't be missed later: the
 * others only grow stronger, so it would have to come again, stronger, to be among them.
 */
function withEvidence(evidence: readonly Finding[], finding: Finding, limit: number): Finding[] {
  const reason = reasonOf(finding);
  const before = evidence.find((other) => reasonOf(other) === reason);
  if (before && before.ratio >= finding.ratio) return evidence as Finding[];
  return [...evidence.filter((other) => other !== before), finding].sort(byStrength).slice(0, limit);
}

function byStrength(a: Finding, b: Finding): number {
  return b.ratio - a.ratio || a.paneMs - b.paneMs || (reasonOf(a) < reasonOf(b) ? -1 : 1);
}
