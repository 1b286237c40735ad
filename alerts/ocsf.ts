import { ATTACK_VERSION } from '../model/attack.ts';
import type { Finding } from '../model/finding.ts';
import type { Alert, Episode } from './alert.ts';
import { type DetectorLookup, techniqueUrl } from './detector-info.ts';
import { PANE_MS } from './episode.ts';
import { alertTitle } from './explain.ts';
import { sanitizeText } from './hostile-text.ts';
import {
  affectedResource,
  anomalyAnalysis,
  evidenceArtifact,
  sampleArtifact,
  type SampleEvent,
} from './ocsf-evidence.ts';
import { rawRowsSql } from './raw-rows-sql.ts';
import { riskScore, severityRank } from './severity.ts';

/** Version of the schema that attribute names are from: https://schema.ocsf.io/1.8.0/classes/detection_finding */
const OCSF_VERSION = '1.8.0';

const ACTIVITIES = {
  create: { id: 1, name: 'Create' },
  update: { id: 2, name: 'Update' },
  close: { id: 3, name: 'Close' },
} as const;
export type Activity = keyof typeof ACTIVITIES;

export interface OcsfOptions {
  readonly activity: Activity;
  readonly detectors: DetectorLookup;
  readonly productVersion: string;
  /** Raw rows that the alert is about, as evidence. */
  readonly samples?: readonly SampleEvent[];
  /** Where a person finds the alert. */
  readonly url?: string;
}

/** One Detection Finding; plain data for JSON.stringify. */
export type DetectionFinding = Readonly<Record<string, unknown>>;

const SEVERITY_NAMES = ['Informational', 'Low', 'Medium', 'High', 'Critical'] as const;
const RISK_LEVELS = ['Info', 'Low', 'Medium', 'High', 'Critical'] as const;
const ANALYTIC_TYPES = { 1: 'Rule', 2: 'Behavioral', 3: 'Statistical' } as const;
const STATUS = {
  new: { id: 1, name: 'New' },
  in_progress: { id: 2, name: 'In Progress' },
  closed: { id: 4, name: 'Resolved' },
} as const;
const VERDICTS = {
  unknown: { id: 0, name: 'Unknown' },
  false_positive: { id: 1, name: 'False Positive' },
  true_positive: { id: 2, name: 'True Positive' },
  benign: { id: 5, name: 'Benign' },
  duplicate: { id: 10, name: 'Duplicate' },
} as const;

/**
 * What happened to an alert between two states of its episode, in order: one that is new and over at once was created
 * and closed. Nothing where the revision hasn't risen, as in a replay.
 */
export function activitiesBetween(before: Episode | undefined, after: Episode): Activity[] {
  if (!before) return after.isOpen ? ['create'] : ['create', 'close'];
  if (after.revision <= before.revision) return [];
  return after.isOpen || !before.isOpen ? ['update'] : ['close'];
}

/** Identifies one event about an alert: a receiver that has seen it drops the second. */
export function eventUid(episode: Episode, activity: Activity): string {
  return `${episode.uid}.${episode.revision}.${activity}`;
}

/**
 * An alert as OCSF 1.8 Detection Finding (2004) with the incident profile. A function of its arguments alone: `time` is
 * the time of the log at which the alert came to this state, not of the clock.
 */
export function toOcsf(alert: Alert, options: OcsfOptions): DetectionFinding {
  const { episode } = alert;
  const activity = ACTIVITIES[options.activity];
  const rank = severityRank(episode.severity);
  const endMs = episode.lastPaneMs + PANE_MS;
  const confidenceId = episode.confidence < 0.5 ? 1 : episode.confidence < 0.8 ? 2 : 3;
  return {
    activity_id: activity.id,
    activity_name: activity.name,
    category_uid: 2,
    category_name: 'Findings',
    class_uid: 2004,
    class_name: 'Detection Finding',
    type_uid: 200_400 + activity.id,
    type_name: `Detection Finding: ${activity.name}`,
    time: Math.trunc(options.activity === 'create' ? episode.firstPaneMs + PANE_MS : (episode.closedMs ?? endMs)),
    start_time: Math.trunc(episode.sinceMs),
    end_time: Math.trunc(endMs),
    duration: Math.trunc(endMs) - Math.trunc(episode.sinceMs),
    count: episode.findingCount,
    severity_id: rank + 1,
    severity: SEVERITY_NAMES[rank]!,
    confidence_id: confidenceId,
    confidence: ['Low', 'Medium', 'High'][confidenceId - 1]!,
    confidence_score: Math.round(episode.confidence * 100),
    risk_level_id: rank,
    risk_level: RISK_LEVELS[rank]!,
    risk_score: riskScore(episode.severity, episode.confidence),
    is_alert: options.activity !== 'close',
    message: sanitizeText(episode.evidence[0]?.summary ?? ''),
    metadata: metadataOf(episode, options),
    finding_info: findingInfo(episode, options),
    evidences: [...episode.evidence.map(evidenceArtifact), ...(options.samples ?? []).map(sampleArtifact)],
    anomaly_analyses: episode.evidence.map(anomalyAnalysis),
    resources: [affectedResource(episode)],
    observables: [
      episode.entityKind === 'host'
        ? { name: 'resources[0].ip', type_id: 2, type: 'IP Address', value: episode.entity }
        : { name: 'resources[0].uid', type_id: 10, type: 'Resource UID', value: episode.entity },
    ],
    ...triageAttributes(alert),
    ...(options.url === undefined ? {} : { src_url: options.url }),
    unmapped: { family: episode.family, revision: episode.revision, raw_rows_sql: rawRowsSql(episode) },
  };
}

function metadataOf(episode: Episode, options: OcsfOptions): DetectionFinding {
  return {
    version: OCSF_VERSION,
    product: { name: 'Vedette', vendor_name: 'Vedette', version: options.productVersion },
    profiles: ['incident'],
    uid: eventUid(episode, options.activity),
    correlation_uid: episode.uid,
    sequence: episode.revision,
  };
}

function findingInfo(episode: Episode, options: OcsfOptions): DetectionFinding {
  const [first, ...others] = distinctDetectors(episode.evidence);
  const strongest = episode.evidence[0];
  return {
    uid: episode.uid,
    title: alertTitle(episode, options.detectors),
    desc: strongest ? sanitizeText(`${strongest.summary} (expected from: ${strongest.basis})`) : '',
    types: [episode.family],
    created_time: Math.trunc(episode.firstPaneMs + PANE_MS),
    modified_time: Math.trunc(episode.closedMs ?? episode.lastPaneMs + PANE_MS),
    first_seen_time: Math.trunc(episode.sinceMs),
    last_seen_time: Math.trunc(episode.lastPaneMs + PANE_MS),
    related_events_count: episode.findingCount,
    ...(first ? { analytic: analyticOf(first, options.detectors) } : {}),
    ...(others.length > 0
      ? { related_analytics: others.map((finding) => analyticOf(finding, options.detectors)) }
      : {}),
    attacks: attacksOf(episode, options.detectors),
    ...(options.url === undefined ? {} : { src_url: options.url }),
  };
}

/** The strongest finding of each detector, in the order of strength. */
function distinctDetectors(evidence: readonly Finding[]): Finding[] {
  return evidence.filter((finding, at) => evidence.findIndex(({ detector }) => detector === finding.detector) === at);
}

function analyticOf(finding: Finding, detectors: DetectorLookup): DetectionFinding {
  const info = Object.hasOwn(detectors, finding.detector) ? detectors[finding.detector] : undefined;
  return {
    uid: finding.detector,
    name: info?.title ?? finding.detector,
    type_id: info?.analyticType ?? 0,
    type: info ? ANALYTIC_TYPES[info.analyticType] : 'Unknown',
    version: finding.detectorVersion,
  };
}

function attacksOf(episode: Episode, detectors: DetectorLookup): DetectionFinding[] {
  const techniques = new Map(
    distinctDetectors(episode.evidence)
      .filter(({ detector }) => Object.hasOwn(detectors, detector))
      .map(({ detector }) => [detectors[detector]!.technique.uid, detectors[detector]!.technique]),
  );
  return [...techniques.values()].map((technique) => {
    const named = { uid: technique.uid, name: technique.name, src_url: techniqueUrl(technique.uid) };
    const parent = technique.uid.split('.')[0]!;
    return {
      version: ATTACK_VERSION,
      tactic: { uid: technique.tacticUid, name: technique.tactic },
      ...(parent === technique.uid
        ? { technique: named }
        : { technique: { uid: parent, src_url: techniqueUrl(parent) }, sub_technique: named }),
    };
  });
}

function triageAttributes({ triage }: Alert): DetectionFinding {
  const comment = triage.comments.at(-1);
  return {
    status_id: STATUS[triage.status].id,
    status: STATUS[triage.status].name,
    verdict_id: VERDICTS[triage.verdict].id,
    verdict: VERDICTS[triage.verdict].name,
    ...(triage.assignee === undefined ? {} : { assignee: { name: triage.assignee } }),
    ...(comment ? { comment: comment.text } : {}),
  };
}
