import { parseAddress } from '../model/address.ts';
import type { Finding } from '../model/finding.ts';
import type { Episode } from './alert.ts';
import { PANE_MS } from './episode.ts';

/** A raw row of the log that an alert is about. */
export interface SampleEvent {
  readonly timeMs: number;
  readonly raw: string;
}

type OcsfObject = Readonly<Record<string, unknown>>;

const ROLES = {
  'denial-of-service': { role_id: 1, role: 'Target' },
  'data-loss': { role_id: 2, role: 'Actor' },
  'data-corruption': { role_id: 3, role: 'Affected' },
} as const;

/** OCSF `resource_details`: what the alert is about. */
export function affectedResource(episode: Episode): OcsfObject {
  const { entity, entityKind, family } = episode;
  return {
    uid: entity,
    name: entity,
    type: entityKind,
    ...(entityKind === 'host' ? { ip: entity } : {}),
    ...ROLES[family],
  };
}

/** OCSF `evidences` of one finding: its endpoints or device, and in `data` all that was found. */
export function evidenceArtifact(finding: Finding): OcsfObject {
  const { uid, detector, entityKind, entity, contributions, members, ...found } = finding;
  return {
    uid,
    name: detector,
    ...(entityKind === 'host' ? endpoints(finding) : {}),
    // OCSF asks for a device's type: 0 unknown.
    ...(entityKind === 'device' ? { device: { uid: entity, name: entity, type_id: 0, type: 'Unknown' } } : {}),
    data: {
      time: found.paneMs,
      since: found.sinceMs,
      observed: found.observed,
      expected: found.expected,
      unit: found.unit,
      ratio: found.ratio,
      confidence: found.confidence,
      summary: found.summary,
      basis: found.basis,
      contributions,
      ...(found.metric === undefined ? {} : { metric: found.metric }),
      ...(found.model === undefined ? {} : { model: found.model }),
      ...(members === undefined ? {} : { members }),
    },
  };
}

export function sampleArtifact(sample: SampleEvent): OcsfObject {
  return { name: 'sample event', data: { time: sample.timeMs, raw: sample.raw } };
}

/** OCSF `anomaly_analysis`: the measures that were compared, each as observed and as expected. */
export function anomalyAnalysis(finding: Finding): OcsfObject {
  const timespan = {
    start_time: Math.trunc(Math.min(finding.sinceMs, finding.paneMs)),
    end_time: Math.trunc(finding.paneMs + PANE_MS),
  };
  const measures =
    finding.contributions.length > 0
      ? finding.contributions
      : [{ feature: finding.metric ?? finding.detector, ...finding, share: 1 }];
  return {
    analysis_targets: [{ name: finding.entity, type: finding.entityKind }],
    anomalies: measures.map((measure) => ({
      observation_parameter: parameterOf(measure.feature, finding.metric),
      observation_type: ANALYSES[finding.family],
      observed_pattern: patternOf(measure.observed, measure.expected),
      observations: [{ value: valueOf(measure.observed, measure.unit), timespan }],
    })),
    baselines: measures.map((measure) => ({
      observation_parameter: parameterOf(measure.feature, finding.metric),
      observation_type: ANALYSES[finding.family],
      observations: [{ value: valueOf(measure.expected, measure.unit) }],
    })),
  };
}

const ANALYSES = {
  'denial-of-service': 'Frequency Analysis',
  'data-loss': 'Volume Analysis',
  'data-corruption': 'Distribution Analysis',
} as const;

function endpoints(finding: Finding): OcsfObject {
  const own = { ip: finding.entity };
  const peer = finding.peer !== undefined && parseAddress(finding.peer) ? { ip: finding.peer } : undefined;
  // A flood comes in, lost data goes out.
  return finding.family === 'denial-of-service'
    ? { dst_endpoint: own, ...(peer ? { src_endpoint: peer } : {}) }
    : { src_endpoint: own, ...(peer ? { dst_endpoint: peer } : {}) };
}

function parameterOf(feature: string, metric: string | undefined): string {
  return metric === undefined || metric === feature ? feature : `${metric}: ${feature}`;
}

function patternOf(observed: number, expected: number): string {
  return observed > expected ? 'ABOVE_BASELINE' : observed < expected ? 'BELOW_BASELINE' : 'AT_BASELINE';
}

/** OCSF's observations are texts: the exact number, then its unit. */
function valueOf(value: number, unit: string): string {
  return unit === '' ? String(value) : `${value} ${unit}`;
}
