import { describe, expect, it } from 'vitest';
import { activitiesBetween, type DetectionFinding, toOcsf } from '../../alerts/ocsf.ts';
import { ATTACK_VERSION } from '../../model/attack.ts';
import { rawRowsSql } from '../../alerts/raw-rows-sql.ts';
import { alert, DETECTORS, episode, finding, T0 } from './samples.ts';
import { ocsfProblems } from './ocsf-validator.ts';

const OPTIONS = { activity: 'create', detectors: DETECTORS, productVersion: '0.1.0' } as const;

/** As a receiver reads it. */
function sent(finding: DetectionFinding): unknown {
  return JSON.parse(JSON.stringify(finding));
}

describe('an alert in OCSF', () => {
  it('is a Detection Finding with its evidence, baselines and technique', () => {
    const evidence = finding({ peer: '203.0.113.9' });
    const { uid } = episode();
    expect(sent(toOcsf(alert({ evidence: [evidence] }), OPTIONS))).toEqual({
      activity_id: 1,
      activity_name: 'Create',
      category_uid: 2,
      category_name: 'Findings',
      class_uid: 2004,
      class_name: 'Detection Finding',
      type_uid: 200401,
      type_name: 'Detection Finding: Create',
      time: T0 + 10_000,
      start_time: T0,
      end_time: T0 + 30_000,
      duration: 30_000,
      count: 3,
      severity_id: 4,
      severity: 'High',
      confidence_id: 3,
      confidence: 'High',
      confidence_score: 93,
      risk_level_id: 3,
      risk_level: 'High',
      risk_score: 70,
      is_alert: true,
      message: evidence.summary,
      status_id: 1,
      status: 'New',
      verdict_id: 0,
      verdict: 'Unknown',
      metadata: {
        version: '1.8.0',
        product: { name: 'Vedette', vendor_name: 'Vedette', version: '0.1.0' },
        profiles: ['incident'],
        uid: `${uid}.3.create`,
        correlation_uid: uid,
        sequence: 3,
      },
      finding_info: {
        uid,
        title: 'Flood above a fixed ceiling: host 10.0.0.5',
        desc: `${evidence.summary} (expected from: ${evidence.basis})`,
        types: ['denial-of-service'],
        created_time: T0 + 10_000,
        modified_time: T0 + 30_000,
        first_seen_time: T0,
        last_seen_time: T0 + 30_000,
        related_events_count: 3,
        analytic: {
          uid: 'flood-ceiling',
          name: 'Flood above a fixed ceiling',
          type_id: 1,
          type: 'Rule',
          version: '1',
        },
        attacks: [
          {
            version: ATTACK_VERSION,
            tactic: { uid: 'TA0040', name: 'Impact' },
            technique: { uid: 'T1498', src_url: 'https://attack.mitre.org/techniques/T1498/' },
            sub_technique: {
              uid: 'T1498.001',
              name: 'Direct Network Flood',
              src_url: 'https://attack.mitre.org/techniques/T1498/001/',
            },
          },
        ],
      },
      evidences: [
        {
          uid: evidence.uid,
          name: 'flood-ceiling',
          dst_endpoint: { ip: '10.0.0.5' },
          src_endpoint: { ip: '203.0.113.9' },
          data: {
            time: T0,
            since: T0,
            observed: 12_340,
            expected: 20,
            unit: 'packets/s',
            ratio: 6.17,
            confidence: 0.93,
            summary: evidence.summary,
            basis: evidence.basis,
            contributions: evidence.contributions,
          },
        },
      ],
      anomaly_analyses: [
        {
          analysis_targets: [{ name: '10.0.0.5', type: 'host' }],
          anomalies: [
            {
              observation_parameter: 'SYN-only packets',
              observation_type: 'Frequency Analysis',
              observed_pattern: 'ABOVE_BASELINE',
              observations: [{ value: '12340 packets/s', timespan: { start_time: T0, end_time: T0 + 10_000 } }],
            },
            {
              observation_parameter: 'flows',
              observation_type: 'Frequency Analysis',
              observed_pattern: 'ABOVE_BASELINE',
              observations: [{ value: '4000 flows/s', timespan: { start_time: T0, end_time: T0 + 10_000 } }],
            },
          ],
          baselines: [
            {
              observation_parameter: 'SYN-only packets',
              observation_type: 'Frequency Analysis',
              observations: [{ value: '20 packets/s' }],
            },
            {
              observation_parameter: 'flows',
              observation_type: 'Frequency Analysis',
              observations: [{ value: '10 flows/s' }],
            },
          ],
        },
      ],
      resources: [{ uid: '10.0.0.5', name: '10.0.0.5', type: 'host', ip: '10.0.0.5', role_id: 1, role: 'Target' }],
      observables: [{ name: 'resources[0].ip', type_id: 2, type: 'IP Address', value: '10.0.0.5' }],
      unmapped: {
        family: 'denial-of-service',
        revision: 3,
        raw_rows_sql: rawRowsSql(episode({ evidence: [evidence] })),
      },
    });
  });

  it('of a closed, triaged device alert says so, with raw rows as evidence', () => {
    const evidence = finding({
      detector: 'silence',
      entity: 'pump-1',
      entityKind: 'device',
      contributions: [],
      unit: 's',
    });
    const ocsf = sent(
      toOcsf(
        alert(
          { entity: 'pump-1', entityKind: 'device', isOpen: false, closedMs: T0 + 90_000, evidence: [evidence] },
          {
            status: 'closed',
            verdict: 'duplicate',
            assignee: 'kim',
            comments: [{ atMs: T0, by: 'kim', text: 'maintenance' }],
          },
        ),
        { ...OPTIONS, activity: 'close', samples: [{ timeMs: T0, raw: '{"a":1}' }], url: 'http://127.0.0.1/a' },
      ),
    );
    expect(ocsf).toMatchObject({
      type_uid: 200403,
      time: T0 + 90_000,
      is_alert: false,
      status_id: 4,
      verdict_id: 10,
      verdict: 'Duplicate',
      assignee: { name: 'kim' },
      comment: 'maintenance',
      src_url: 'http://127.0.0.1/a',
      evidences: [
        { device: { uid: 'pump-1', name: 'pump-1', type_id: 0, type: 'Unknown' } },
        { name: 'sample event', data: { time: T0, raw: '{"a":1}' } },
      ],
      anomaly_analyses: [{ anomalies: [{ observation_parameter: 'silence', observations: [{ value: '12340 s' }] }] }],
      observables: [{ name: 'resources[0].uid', type_id: 10, value: 'pump-1' }],
    });
    expect(ocsfProblems(ocsf)).toEqual([]);
  });

  it.each([
    ['of one finding', alert()],
    [
      'of two detectors',
      alert({ evidence: [finding(), finding({ detector: 'rate-cusum', ratio: 2, sinceMs: T0 - 0.5 })] }),
    ],
    ['of an unknown detector', alert({ evidence: [finding({ detector: 'toString' })] })],
    [
      'of data loss',
      alert({ family: 'data-loss', evidence: [finding({ family: 'data-loss', peer: 'not an address' })] }),
    ],
    [
      'of a source',
      alert({ entityKind: 'source', evidence: [finding({ entityKind: 'source', members: ['a', 'b'] })] }),
    ],
    ['without evidence', alert({ evidence: [], severity: 'informational', confidence: 0 })],
    ['with a verdict', alert({ severity: 'critical', confidence: 0.6 }, { verdict: 'benign', status: 'in_progress' })],
  ])('%s has what the schema requires, and nothing that it lacks', (_name, one) => {
    for (const activity of ['create', 'update', 'close'] as const) {
      expect(ocsfProblems(sent(toOcsf(one, { ...OPTIONS, activity })))).toEqual([]);
    }
  });

  it('is found wanting by the validator where something is missing, unknown or at odds', () => {
    const good = sent(toOcsf(alert(), OPTIONS)) as Record<string, unknown>;
    expect(ocsfProblems({ ...good, metadata: undefined })).toEqual(['metadata is required']);
    expect(ocsfProblems({ ...good, sevrity: 'High' })).toEqual(['sevrity is unknown']);
    expect(ocsfProblems({ ...good, type_uid: 200402 })).toEqual(['type_uid is not class_uid · 100 + activity_id']);
    expect(ocsfProblems({ ...good, severity: 'Low' })).toEqual(['severity is not the name of severity_id 4']);
    expect(ocsfProblems({ ...good, time: 1.5 })).toEqual(['time is not an integer']);
  });
});

describe('the activity between two states of an alert', () => {
  it.each([
    [undefined, episode(), ['create']],
    [undefined, episode({ isOpen: false }), ['create', 'close']],
    [episode(), episode({ revision: 4 }), ['update']],
    [episode(), episode({ revision: 4, isOpen: false }), ['close']],
    [episode(), episode(), []],
    [episode({ revision: 9 }), episode({ revision: 4, isOpen: false }), []],
  ])('%# is told in order, and a replay tells nothing', (before, after, expected) => {
    expect(activitiesBetween(before, after)).toEqual(expected);
  });
});
