import { ATTACK_VERSION } from '../model/attack.ts';
import type { Finding } from '../model/finding.ts';
import type { Alert, Episode } from './alert.ts';
import { type DetectorLookup, techniqueUrl } from './detector-info.ts';
import { PANE_MS } from './episode.ts';
import { sanitizeText } from './hostile-text.ts';
import { formatDuration, formatMeasure, formatNumber, formatShare, formatTime, formatTimes } from './measure-text.ts';
import { nextSteps } from './next-steps.ts';
import { rawRowsSql } from './raw-rows-sql.ts';

export interface ExplainOptions {
  readonly detectors: DetectorLookup;
}

/** One finding among the evidence, in words. */
export interface EvidenceRow {
  readonly uid: string;
  readonly detector: string;
  readonly title: string;
  readonly time: string;
  readonly metric: string;
  readonly observed: string;
  readonly expected: string;
  /** How far over its line: `3.2 ×`. */
  readonly ratio: string;
  readonly confidence: string;
  readonly summary: string;
}

/** An alert for a person: plain text throughout, one line a string, free of control and format characters. */
export interface Explanation {
  readonly title: string;
  readonly headline: string;
  /** What was seen; what was expected and from what; since when and how long; how sure; what contributed. */
  readonly paragraphs: readonly string[];
  readonly facts: readonly { readonly label: string; readonly value: string }[];
  readonly technique?: {
    readonly uid: string;
    readonly name: string;
    readonly tactic: string;
    readonly version: string;
    readonly url: string;
  };
  readonly evidence: readonly EvidenceRow[];
  readonly nextSteps: readonly string[];
  /** Gives the raw rows. Several lines. */
  readonly sql: string;
}

const FAMILY_TITLES: Readonly<Record<Episode['family'], string>> = {
  'denial-of-service': 'Denial of service',
  'data-loss': 'Data loss',
  'data-corruption': 'Data corruption',
};

export function explain(alert: Alert, options: ExplainOptions): Explanation {
  const { episode } = alert;
  const strongest = episode.evidence[0];
  const info =
    strongest && Object.hasOwn(options.detectors, strongest.detector)
      ? options.detectors[strongest.detector]
      : undefined;
  return {
    title: alertTitle(episode, options.detectors),
    headline: strongest ? clean(strongest.summary) : `${FAMILY_TITLES[episode.family]}, without evidence`,
    paragraphs: strongest ? paragraphsOf(episode, strongest) : [],
    facts: factsOf(alert),
    ...(info && {
      technique: {
        uid: info.technique.uid,
        name: info.technique.name,
        tactic: info.technique.tactic,
        version: ATTACK_VERSION,
        url: techniqueUrl(info.technique.uid),
      },
    }),
    evidence: episode.evidence.map((finding) => evidenceRow(finding, options.detectors)),
    nextSteps: nextSteps(strongest?.detector ?? '', episode.family),
    sql: rawRowsSql(episode),
  };
}

/** `Flood above a fixed ceiling: host 10.0.0.5`. */
export function alertTitle(episode: Episode, detectors: DetectorLookup): string {
  const detector = episode.evidence[0]?.detector ?? '';
  const what = Object.hasOwn(detectors, detector) ? detectors[detector]!.title : FAMILY_TITLES[episode.family];
  return `${what}: ${episode.entityKind} ${clean(episode.entity, 200)}`;
}

/** `high (93 %)`. */
function confidenceText(confidence: number): string {
  return `${confidence < 0.5 ? 'low' : confidence < 0.8 ? 'medium' : 'high'} (${formatShare(confidence)})`;
}

function paragraphsOf(episode: Episode, strongest: Finding): string[] {
  return [
    seenText(strongest),
    `Expected: ${formatMeasure(strongest.expected, strongest.unit)}. ${basisText(strongest)}`,
    sinceText(episode),
    confidenceParagraph(episode),
    contributionText(strongest),
    membersText(strongest),
  ].filter((paragraph) => paragraph !== '');
}

function seenText(finding: Finding): string {
  const times = formatTimes(finding.observed, finding.expected);
  const comparison = times === '' ? '' : `, ${times} what was expected`;
  const what = finding.metric === undefined ? '' : ` of ${clean(finding.metric, 100)}`;
  const peer = finding.peer === undefined ? '' : ` The other end: ${clean(finding.peer, 100)}.`;
  return `Seen${what}: ${formatMeasure(finding.observed, finding.unit)}${comparison}.${peer}`;
}

function basisText(finding: Finding): string {
  const basis = sentence(finding.basis);
  const model = finding.model ? ` Scored by model ${clean(finding.model.name)} ${clean(finding.model.version)}.` : '';
  return basis === '' ? `How that was computed is not said.${model}` : `From: ${basis}${model}`;
}

function sinceText(episode: Episode): string {
  const untilMs = episode.lastPaneMs + PANE_MS;
  const lasted = formatDuration(untilMs - episode.sinceMs);
  const since = `Since ${formatTime(episode.sinceMs)}; raised at ${formatTime(episode.firstPaneMs + PANE_MS)}`;
  if (episode.isOpen) return `${since}; last seen at ${formatTime(untilMs)}, after ${lasted}; still open.`;
  return `${since}; over at ${formatTime(untilMs)}, after ${lasted}; closed at ${formatTime(episode.closedMs ?? untilMs)}.`;
}

function confidenceParagraph(episode: Episode): string {
  const count = episode.detectors.length;
  const agree =
    count > 1 ? ` ${count} detectors agree: ${episode.detectors.map((name) => clean(name)).join(', ')}.` : '';
  const findings = episode.findingCount === 1 ? 'one finding' : `${formatNumber(episode.findingCount)} findings`;
  return `Confidence: ${confidenceText(episode.confidence)}, from ${findings}.${agree}`;
}

function contributionText(finding: Finding): string {
  const most = [...finding.contributions].sort((a, b) => b.share - a.share).slice(0, 3);
  if (most.length === 0) return '';
  const texts = most.map(
    ({ feature, observed, expected, unit, share }) =>
      `${clean(feature, 100)} ${formatMeasure(observed, unit)} against ${formatMeasure(expected, unit)} (${formatShare(share)})`,
  );
  return `What contributed most: ${texts.join('; ')}.`;
}

function membersText({ members }: Finding): string {
  if (members === undefined || members.length === 0) return '';
  const shown = members.slice(0, 20).map((name) => clean(name, 64));
  const rest = members.length - shown.length;
  return `Devices: ${shown.join(', ')}${rest > 0 ? ` and ${rest} more` : ''}.`;
}

function factsOf({ episode, triage }: Alert): Explanation['facts'] {
  const untilMs = episode.lastPaneMs + PANE_MS;
  return [
    { label: 'Alert', value: clean(episode.uid) },
    { label: 'Family', value: FAMILY_TITLES[episode.family] },
    { label: capitalised(episode.entityKind), value: clean(episode.entity, 200) },
    { label: 'Severity', value: episode.severity },
    { label: 'Confidence', value: confidenceText(episode.confidence) },
    { label: 'Since', value: formatTime(episode.sinceMs) },
    { label: 'Last seen', value: formatTime(untilMs) },
    { label: 'Duration', value: formatDuration(untilMs - episode.sinceMs) },
    { label: 'State', value: episode.isOpen ? 'open' : `closed at ${formatTime(episode.closedMs ?? untilMs)}` },
    { label: 'Findings', value: formatNumber(episode.findingCount) },
    { label: 'Detectors', value: episode.detectors.map((name) => clean(name)).join(', ') },
    { label: 'Triage', value: triage.status.replace('_', ' ') },
    ...(triage.verdict === 'unknown' ? [] : [{ label: 'Verdict', value: triage.verdict.replace('_', ' ') }]),
    ...(triage.assignee === undefined ? [] : [{ label: 'Assignee', value: clean(triage.assignee, 100) }]),
  ];
}

function evidenceRow(finding: Finding, detectors: DetectorLookup): EvidenceRow {
  const name = clean(finding.detector);
  return {
    uid: clean(finding.uid),
    detector: name,
    title: Object.hasOwn(detectors, finding.detector) ? detectors[finding.detector]!.title : name,
    time: formatTime(finding.paneMs),
    metric: clean(finding.metric ?? '', 100),
    observed: formatMeasure(finding.observed, finding.unit),
    expected: formatMeasure(finding.expected, finding.unit),
    ratio: `${formatNumber(finding.ratio)} ×`,
    confidence: confidenceText(finding.confidence),
    summary: clean(finding.summary),
  };
}

function clean(text: string, maxLength = 500): string {
  return sanitizeText(text, maxLength);
}

function sentence(text: string): string {
  const plain = clean(text).trim();
  return plain === '' || /[.!?…]$/.test(plain) ? plain : `${plain}.`;
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
