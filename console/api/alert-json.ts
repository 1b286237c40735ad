import { z } from 'zod';
import type { Alert } from '../../alerts/alert.ts';
import type { Explanation } from '../../alerts/explain.ts';
import type { DetectionFinding } from '../../alerts/ocsf.ts';
import { PANE_MS } from '../../alerts/episode.ts';
import { SEVERITIES } from '../../alerts/severity.ts';
import type { Presenter, SampleEvent } from '../presentation.ts';
import type { AlertFormat } from './alert-filter.ts';
import { isoTime } from '../query-types.ts';

export const STATUSES = ['new', 'in_progress', 'closed'] as const;
export const VERDICTS = ['unknown', 'true_positive', 'false_positive', 'benign', 'duplicate'] as const;
export const FAMILIES = ['denial-of-service', 'data-loss', 'data-corruption'] as const;

const time = z.iso.datetime();
const technique = z.object({
  uid: z.string(),
  name: z.string(),
  tactic: z.string(),
  version: z.string(),
  url: z.string(),
});

/** An alert in a listing: flat, one row of a table. */
export const alertItemSchema = z.object({
  uid: z.string(),
  title: z.string(),
  headline: z.string(),
  family: z.enum(FAMILIES),
  severity: z.enum(SEVERITIES),
  confidence: z.number().describe('0 to 1'),
  status: z.enum(STATUSES),
  verdict: z.enum(VERDICTS),
  assignee: z.string().optional(),
  entity: z.string(),
  entity_kind: z.enum(['host', 'device', 'source']),
  detectors: z.array(z.string()),
  technique: z.string().optional().describe('MITRE ATT&CK'),
  since: time.optional().describe('Start of what was seen'),
  first_seen: time.optional().describe('Start of the first pane with a finding'),
  last_seen: time.optional().describe('End of the last pane with a finding'),
  closed: time.optional().describe('When the episode ended'),
  open: z.boolean().describe('Whether the episode goes on'),
  finding_count: z.int(),
  revision: z.int().describe('Rises with every change of the episode'),
  version: z.int().describe('Version of the triage: the ETag, for If-Match'),
});
export type AlertItem = z.infer<typeof alertItemSchema>;

const contributionSchema = z.object({
  feature: z.string(),
  observed: z.number(),
  expected: z.number(),
  unit: z.string(),
  share: z.number().describe('0 to 1, of what made it fire'),
});

const evidenceSchema = z.object({
  finding_uid: z.string(),
  detector: z.string(),
  detector_version: z.string(),
  pane: time.optional(),
  observed: z.number(),
  expected: z.number(),
  unit: z.string(),
  summary: z.string(),
  basis: z.string(),
  ratio: z.number().describe('1 at the threshold'),
  confidence: z.number(),
  metric: z.string().optional(),
  peer: z.string().optional(),
  model: z.object({ name: z.string(), version: z.string() }).optional(),
  members: z.array(z.string()).optional(),
  recovered: z.boolean().optional(),
  contributions: z.array(contributionSchema),
});

export const alertSchema = alertItemSchema.extend({
  explanation: z.object({
    paragraphs: z.array(z.string()).describe('What was seen; what was expected, and from what; since when; how sure'),
    technique: technique.optional(),
    next_steps: z.array(z.string()),
  }),
  evidence: z.array(evidenceSchema),
  comments: z.array(z.object({ at: time.optional(), by: z.string(), text: z.string() })),
  sample_events: z.array(z.record(z.string(), z.unknown())),
  samples_missing: z.string().optional().describe('Why there are no sample events, where the store does not answer'),
  sql: z.string().describe('The raw rows'),
});
export type AlertDetail = z.infer<typeof alertSchema>;

/** What a listing shows of an alert. */
export function alertItem(alert: Alert, presenter: Presenter): AlertItem {
  return itemOf(alert, presenter.explain(alert));
}

/** An alert of a listing or a stream, in the format that was asked for. */
export function presentAlert(
  alert: Alert,
  presenter: Presenter,
  as: { readonly format: AlertFormat; readonly origin: string },
): AlertItem | DetectionFinding {
  if (as.format === 'vedette') return alertItem(alert, presenter);
  return presenter.toOcsf(alert, { samples: [], origin: as.origin });
}

/** An alert with all that a person needs to judge it. */
export function alertDetail(alert: Alert, presenter: Presenter, found: Samples): AlertDetail {
  const explanation = presenter.explain(alert);
  return {
    ...itemOf(alert, explanation),
    explanation: {
      paragraphs: [...explanation.paragraphs],
      ...(explanation.technique && { technique: { ...explanation.technique } }),
      next_steps: [...explanation.nextSteps],
    },
    evidence: alert.episode.evidence.map(evidenceItem),
    comments: alert.triage.comments.map(({ atMs, by, text }) => ({ ...optionalTime('at', atMs), by, text })),
    sample_events: found.samples.map((sample) => ({ ...sample })),
    ...(found.missing !== undefined && { samples_missing: found.missing }),
    sql: explanation.sql,
  };
}

/** Sample events, or why there are none: an alert is readable while the store is down. */
export interface Samples {
  readonly samples: readonly SampleEvent[];
  readonly missing?: string;
}

function itemOf({ episode, triage }: Alert, explanation: Explanation): AlertItem {
  return {
    uid: episode.uid,
    title: explanation.title,
    headline: explanation.headline,
    family: episode.family,
    severity: episode.severity,
    confidence: episode.confidence,
    status: triage.status,
    verdict: triage.verdict,
    ...(triage.assignee !== undefined && { assignee: triage.assignee }),
    entity: episode.entity,
    entity_kind: episode.entityKind,
    detectors: [...episode.detectors],
    ...(explanation.technique && { technique: explanation.technique.uid }),
    ...optionalTime('since', episode.sinceMs),
    ...optionalTime('first_seen', episode.firstPaneMs),
    ...optionalTime('last_seen', episode.lastPaneMs + PANE_MS),
    ...optionalTime('closed', episode.closedMs),
    open: episode.isOpen,
    finding_count: episode.findingCount,
    revision: episode.revision,
    version: triage.version,
  };
}

function evidenceItem(finding: Alert['episode']['evidence'][number]): z.infer<typeof evidenceSchema> {
  return {
    finding_uid: finding.uid,
    detector: finding.detector,
    detector_version: finding.detectorVersion,
    ...optionalTime('pane', finding.paneMs),
    observed: finding.observed,
    expected: finding.expected,
    unit: finding.unit,
    summary: finding.summary,
    basis: finding.basis,
    ratio: finding.ratio,
    confidence: finding.confidence,
    ...(finding.metric !== undefined && { metric: finding.metric }),
    ...(finding.peer !== undefined && { peer: finding.peer }),
    ...(finding.model && { model: finding.model }),
    ...(finding.members && { members: [...finding.members] }),
    ...(finding.recovered && { recovered: true }),
    contributions: finding.contributions.map(({ feature, observed, expected, unit, share }) => ({
      feature,
      observed,
      expected,
      unit,
      share,
    })),
  };
}

/** `{ [name]: time }`, or nothing where there is none. */
function optionalTime<N extends string>(name: N, atMs: number | undefined): Partial<Record<N, string>> {
  const text = isoTime(atMs);
  return text === undefined ? {} : ({ [name]: text } as Partial<Record<N, string>>);
}
