import type { Alert, Episode } from '../../alerts/alert.ts';
import type { DetectorLookup } from '../../alerts/detector-info.ts';
import { ATTACK } from '../../model/attack.ts';
import { type Finding, uidOf } from '../../model/finding.ts';

/** 2026-01-05 00:00:00 UTC, a pane's start. */
export const T0 = 1_767_571_200_000;

export const DETECTORS: DetectorLookup = {
  'flood-ceiling': {
    title: 'Flood above a fixed ceiling',
    version: '1',
    analyticType: 1,
    technique: ATTACK.directNetworkFlood,
  },
  'rate-cusum': {
    title: "Lasting change of a target's flow rate",
    version: '1',
    analyticType: 3,
    technique: ATTACK.networkDenialOfService,
  },
  silence: { title: 'Device stopped reporting', version: '1', analyticType: 3, technique: ATTACK.icsDenialOfService },
};

/** A finding of a flood against 10.0.0.5, changed where a case needs it. */
export function finding(changes: Partial<Finding> = {}): Finding {
  const base: Finding = {
    uid: '',
    detector: 'flood-ceiling',
    detectorVersion: '1',
    family: 'denial-of-service',
    entityKind: 'host',
    entity: '10.0.0.5',
    paneMs: T0,
    sinceMs: T0,
    observed: 12_340,
    expected: 20,
    unit: 'packets/s',
    summary: '12,340 SYN-only packets/s (limit 2,000/s; usual 20/s) from 412 sources',
    basis: 'fixed limit of every target',
    ratio: 6.17,
    confidence: 0.93,
    contributions: [
      { feature: 'SYN-only packets', observed: 12_340, expected: 20, unit: 'packets/s', share: 0.75 },
      { feature: 'flows', observed: 4_000, expected: 10, unit: 'flows/s', share: 0.25 },
    ],
    ...changes,
  };
  return { ...base, uid: changes.uid ?? uidOf(base.detector, base.entity, base.metric ?? '', base.paneMs) };
}

export function episode(changes: Partial<Episode> = {}): Episode {
  return {
    uid: uidOf('10.0.0.5', 'denial-of-service', T0),
    revision: 3,
    family: 'denial-of-service',
    entityKind: 'host',
    entity: '10.0.0.5',
    isOpen: true,
    severity: 'high',
    confidence: 0.93,
    sinceMs: T0,
    firstPaneMs: T0,
    lastPaneMs: T0 + 20_000,
    findingCount: 3,
    detectors: ['flood-ceiling'],
    evidence: [finding()],
    ...changes,
  };
}

export function alert(changes: Partial<Episode> = {}, triage: Partial<Alert['triage']> = {}): Alert {
  return {
    episode: episode(changes),
    triage: { version: 1, status: 'new', verdict: 'unknown', comments: [], ...triage },
  };
}
