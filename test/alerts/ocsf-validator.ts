/**
 * A small validator of OCSF 1.8 Detection Findings: required attributes, unknown attributes, types, names beside their
 * ids, constraints. Attributes are those of https://schema.ocsf.io/1.8.0/classes/detection_finding with the incident
 * profile, as far as we write them.
 */
interface Shape {
  readonly required: readonly string[];
  readonly optional?: readonly string[];
  readonly integers?: readonly string[];
  /** Attributes that are objects (or lists of them, with []), by the name of their shape. */
  readonly children?: Readonly<Record<string, string>>;
  readonly atLeastOne?: readonly string[];
  /** Names that go with an id. */
  readonly named?: Readonly<
    Record<string, { readonly name: string; readonly values: Readonly<Record<number, string>> }>
  >;
}

const SHAPES: Readonly<Record<string, Shape>> = {
  detection_finding: {
    required: ['activity_id', 'category_uid', 'class_uid', 'finding_info', 'metadata', 'severity_id', 'time', 'type_uid'],
    optional: [
      'activity_name', 'anomaly_analyses', 'assignee', 'category_name', 'class_name', 'comment', 'confidence', 'confidence_id',
      'confidence_score', 'count', 'duration', 'end_time', 'evidences', 'is_alert', 'message', 'observables', 'resources',
      'risk_level', 'risk_level_id', 'risk_score', 'severity', 'src_url', 'start_time', 'status', 'status_id', 'type_name',
      'unmapped', 'verdict', 'verdict_id',
    ],
    integers: [
      'activity_id', 'category_uid', 'class_uid', 'type_uid', 'time', 'start_time', 'end_time', 'duration', 'count',
      'severity_id', 'confidence_id', 'confidence_score', 'risk_level_id', 'risk_score', 'status_id', 'verdict_id',
    ],
    children: {
      metadata: 'metadata', finding_info: 'finding_info', assignee: 'user', 'evidences[]': 'evidences',
      'anomaly_analyses[]': 'anomaly_analysis', 'resources[]': 'resource_details', 'observables[]': 'observable',
    },
    named: {
      activity_id: { name: 'activity_name', values: { 1: 'Create', 2: 'Update', 3: 'Close' } },
      severity_id: {
        name: 'severity',
        values: { 0: 'Unknown', 1: 'Informational', 2: 'Low', 3: 'Medium', 4: 'High', 5: 'Critical', 6: 'Fatal' },
      },
      confidence_id: { name: 'confidence', values: { 0: 'Unknown', 1: 'Low', 2: 'Medium', 3: 'High' } },
      risk_level_id: { name: 'risk_level', values: { 0: 'Info', 1: 'Low', 2: 'Medium', 3: 'High', 4: 'Critical' } },
      status_id: { name: 'status', values: { 1: 'New', 2: 'In Progress', 3: 'Suppressed', 4: 'Resolved', 5: 'Archived' } },
      verdict_id: {
        name: 'verdict',
        values: { 0: 'Unknown', 1: 'False Positive', 2: 'True Positive', 5: 'Benign', 10: 'Duplicate' },
      },
    },
  },
  metadata: {
    required: ['product', 'version'],
    optional: ['profiles', 'uid', 'correlation_uid', 'sequence'],
    integers: ['sequence'],
    children: { product: 'product' },
  },
  product: { required: ['name'], optional: ['vendor_name', 'version', 'uid'] },
  finding_info: {
    required: ['uid'],
    optional: [
      'analytic', 'attacks', 'created_time', 'desc', 'first_seen_time', 'last_seen_time', 'modified_time',
      'related_analytics', 'related_events_count', 'src_url', 'title', 'types',
    ],
    integers: ['created_time', 'modified_time', 'first_seen_time', 'last_seen_time', 'related_events_count'],
    children: { analytic: 'analytic', 'related_analytics[]': 'analytic', 'attacks[]': 'attack' },
  },
  analytic: {
    required: ['type_id'],
    optional: ['name', 'uid', 'type', 'version', 'desc'],
    integers: ['type_id'],
    atLeastOne: ['name', 'uid'],
    named: {
      type_id: { name: 'type', values: { 0: 'Unknown', 1: 'Rule', 2: 'Behavioral', 3: 'Statistical', 4: 'Learning (ML/DL)' } },
    },
  },
  attack: {
    required: [],
    optional: ['tactic', 'technique', 'sub_technique', 'version'],
    atLeastOne: ['tactic', 'technique', 'sub_technique'],
    children: { tactic: 'attack_entity', technique: 'attack_entity', sub_technique: 'attack_entity' },
  },
  attack_entity: { required: [], optional: ['name', 'uid', 'src_url'], atLeastOne: ['name', 'uid'] },
  evidences: {
    required: [],
    optional: ['data', 'device', 'dst_endpoint', 'name', 'src_endpoint', 'uid'],
    atLeastOne: ['data', 'device', 'dst_endpoint', 'src_endpoint'],
    children: { device: 'device', dst_endpoint: 'network_endpoint', src_endpoint: 'network_endpoint' },
  },
  device: { required: ['type_id'], optional: ['name', 'uid', 'type'], integers: ['type_id'], atLeastOne: ['name', 'uid'] },
  network_endpoint: { required: [], optional: ['ip', 'name', 'port'], atLeastOne: ['ip', 'name'] },
  anomaly_analysis: {
    required: ['analysis_targets', 'anomalies'],
    optional: ['baselines'],
    children: { 'analysis_targets[]': 'analysis_target', 'anomalies[]': 'anomaly', 'baselines[]': 'anomaly' },
  },
  analysis_target: { required: ['name'], optional: ['type'] },
  anomaly: {
    required: ['observation_parameter', 'observations'],
    optional: ['observation_type', 'observed_pattern'],
    children: { 'observations[]': 'observation' },
  },
  observation: { required: ['value'], optional: ['count', 'timespan'], children: { timespan: 'timespan' } },
  timespan: { required: [], optional: ['start_time', 'end_time', 'duration'], integers: ['start_time', 'end_time'] },
  resource_details: {
    required: [],
    optional: ['uid', 'name', 'type', 'ip', 'hostname', 'role', 'role_id'],
    integers: ['role_id'],
    atLeastOne: ['uid', 'name'],
    named: { role_id: { name: 'role', values: { 1: 'Target', 2: 'Actor', 3: 'Affected', 4: 'Related' } } },
  },
  observable: { required: ['type_id'], optional: ['name', 'type', 'value'], integers: ['type_id'] },
  user: { required: [], optional: ['name', 'uid', 'email_addr'], atLeastOne: ['name', 'uid'] },
}; // prettier-ignore

/** What is wrong with a Detection Finding; empty where nothing is. */
export function ocsfProblems(value: unknown): string[] {
  const problems = problemsOf(value, 'detection_finding', '');
  const { type_uid: type, class_uid: ofClass, activity_id: activity } = value as Record<string, number>;
  if (type !== ofClass! * 100 + activity!) problems.push('type_uid is not class_uid · 100 + activity_id');
  return problems;
}

function problemsOf(value: unknown, shapeName: string, path: string): string[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [`${path} is not an object`];
  const object = value as Record<string, unknown>;
  const shape = SHAPES[shapeName]!;
  const at = (name: string) => (path === '' ? name : `${path}.${name}`);
  const known = new Set([...shape.required, ...(shape.optional ?? [])]);
  const problems = [
    ...shape.required.filter((name) => object[name] === undefined).map((name) => `${at(name)} is required`),
    ...Object.keys(object).filter((name) => !known.has(name)).map((name) => `${at(name)} is unknown`),
    ...(shape.integers ?? [])
      .filter((name) => object[name] !== undefined && !Number.isSafeInteger(object[name]))
      .map((name) => `${at(name)} is not an integer`),
  ]; // prettier-ignore
  if (shape.atLeastOne?.every((name) => object[name] === undefined)) {
    problems.push(`${path} has none of ${shape.atLeastOne.join(', ')}`);
  }
  for (const [id, { name, values }] of Object.entries(shape.named ?? {})) {
    if (object[id] === undefined || object[name] === values[object[id] as number]) continue;
    problems.push(`${at(name)} is not the name of ${id} ${JSON.stringify(object[id])}`);
  }
  for (const [key, child] of Object.entries(shape.children ?? {})) {
    const name = key.replace('[]', '');
    const member = object[name];
    if (member === undefined) continue;
    if (!key.endsWith('[]')) problems.push(...problemsOf(member, child, at(name)));
    else if (!Array.isArray(member)) problems.push(`${at(name)} is not a list`);
    else member.forEach((one, i) => problems.push(...problemsOf(one, child, `${at(name)}[${i}]`)));
  }
  return problems;
}
