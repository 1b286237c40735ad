import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { explain } from '../../alerts/explain.ts';
import { rawRowsSql } from '../../alerts/raw-rows-sql.ts';
import { alert, DETECTORS, episode, finding, T0 } from './samples.ts';

const OPTIONS = { detectors: DETECTORS };

describe('the explanation of an alert', () => {
  it('says what was seen, what was expected and from what, since when, how sure, and why', () => {
    const explanation = explain(alert(), OPTIONS);
    expect(explanation).toMatchObject({
      title: 'Flood above a fixed ceiling: host 10.0.0.5',
      headline: '12,340 SYN-only packets/s (limit 2,000/s; usual 20/s) from 412 sources',
      paragraphs: [
        'Seen: 12,340 packets/s, 620 times what was expected.',
        'Expected: 20 packets/s. From: fixed limit of every target.',
        'Since 2026-01-05 00:00:00 UTC; raised at 2026-01-05 00:00:10 UTC; last seen at 2026-01-05 00:00:30 UTC, after 30 s; still open.',
        'Confidence: high (93 %), from 3 findings.',
        'What contributed most: SYN-only packets 12,340 packets/s against 20 packets/s (75 %); flows 4,000 flows/s against 10 flows/s (25 %).',
      ],
      technique: {
        uid: 'T1498.001',
        name: 'Direct Network Flood',
        tactic: 'Impact',
        url: 'https://attack.mitre.org/techniques/T1498/001/',
      },
    });
    expect(explanation.technique?.version).toMatch(/^\d+\.\d+$/);
    expect(explanation.nextSteps.length).toBeGreaterThan(1);
    expect(explanation.evidence).toEqual([
      {
        uid: finding().uid,
        detector: 'flood-ceiling',
        title: 'Flood above a fixed ceiling',
        time: '2026-01-05 00:00:00 UTC',
        metric: '',
        observed: '12,340 packets/s',
        expected: '20 packets/s',
        ratio: '6.17 ×',
        confidence: 'high (93 %)',
        summary: finding().summary,
      },
    ]);
  });

  it('says when it was over, who agrees, and what people decided', () => {
    const explanation = explain(
      alert(
        { isOpen: false, closedMs: T0 + 630_000, detectors: ['flood-ceiling', 'rate-cusum'] },
        { status: 'in_progress', verdict: 'true_positive', assignee: 'kim' },
      ),
      OPTIONS,
    );
    expect(explanation.paragraphs[2]).toContain(
      'over at 2026-01-05 00:00:30 UTC, after 30 s; closed at 2026-01-05 00:10:30 UTC.',
    );
    expect(explanation.paragraphs[3]).toContain('2 detectors agree: flood-ceiling, rate-cusum.');
    expect(explanation.facts).toEqual(
      expect.arrayContaining([
        { label: 'Triage', value: 'in progress' },
        { label: 'Verdict', value: 'true positive' },
        { label: 'Assignee', value: 'kim' },
        { label: 'State', value: 'closed at 2026-01-05 00:10:30 UTC' },
      ]),
    );
  });

  it('names the devices that one alert stands for, and the model that scored', () => {
    const evidence = finding({
      members: Array.from({ length: 25 }, (_, i) => `d${i}`),
      model: { name: 'volume', version: '7' },
      peer: '203.0.113.9',
    });
    const { paragraphs } = explain(alert({ evidence: [evidence] }), OPTIONS);
    expect(paragraphs.at(-1)).toMatch(/^Devices: d0, .*, d19 and 5 more\.$/);
    expect(paragraphs[0]).toContain('The other end: 203.0.113.9.');
    expect(paragraphs[1]).toContain('Scored by model volume 7.');
  });

  it('does without what it does not know: a detector, evidence', () => {
    const unknown = explain(alert({ evidence: [finding({ detector: 'constructor' })] }), OPTIONS);
    expect(unknown.title).toBe('Denial of service: host 10.0.0.5');
    expect(unknown.technique).toBeUndefined();
    expect(unknown.nextSteps.length).toBeGreaterThan(0);
    expect(explain(alert({ evidence: [] }), OPTIONS).headline).toBe('Denial of service, without evidence');
  });

  it('is safe to show whatever the log said', () => {
    const text = fc.string({
      unit: fc.oneof(
        fc.constantFrom('\x1b', '\u202e', '\n', "'", '\\'),
        fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
      ),
    });
    fc.assert(
      fc.property(text, text, text, fc.double(), (entity, metric, unit, number) => {
        const evidence = finding({
          entity,
          metric,
          unit,
          summary: entity,
          basis: metric,
          observed: number,
          peer: unit,
          members: [entity],
        });
        const explanation = explain(alert({ entityKind: 'device', entity, evidence: [evidence] }), OPTIONS);
        const { sql, ...rest } = explanation;
        for (const line of [...strings(rest), ...sql.split('\n')])
          expect(line).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
        expect(sql.split('\n')).toHaveLength(7);
      }),
    );
  });
});

function strings(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(strings) : [];
}

describe('the SQL of the raw rows', () => {
  it('gives what came in to the target of a flood, from a minute before', () => {
    expect(rawRowsSql(episode())).toBe(
      [
        'SELECT time, start_time, src, src_port, dst, dst_port, protocol, service, conn_state, bytes_out, bytes_in, packets_out, packets_in, session_uid, raw',
        'FROM vedette.events',
        "WHERE time >= toDateTime64('2026-01-04 23:59:00.000', 3, 'UTC') AND time < toDateTime64('2026-01-05 00:00:30.000', 3, 'UTC')",
        "  AND class = 'network'",
        "  AND dst_ip = toIPv6('10.0.0.5')",
        'ORDER BY time',
        'LIMIT 1000',
      ].join('\n'),
    );
  });

  it('gives both sides of a host that loses data, and its one peer where there is one', () => {
    const loss = { family: 'data-loss', evidence: [finding({ peer: '2001:db8::1' })] } as const;
    const sql = rawRowsSql(episode(loss));
    expect(sql).toContain("AND (src_ip = toIPv6('10.0.0.5') OR dst_ip = toIPv6('10.0.0.5'))");
    expect(sql).toContain("AND (src_ip = toIPv6('2001:db8::1') OR dst_ip = toIPv6('2001:db8::1'))");
    expect(sql).toContain('ORDER BY greatest(bytes_out, bytes_in) DESC');
    expect(rawRowsSql(episode({ ...loss, evidence: [...loss.evidence, finding()] }))).not.toContain('2001:db8::1');
    expect(rawRowsSql(episode({ ...loss, evidence: [finding({ peer: "x' OR 1" })] }))).not.toContain('OR 1');
  });

  it('gives the readings of a device, of one metric where the evidence is about one, from an hour before', () => {
    const device = { entityKind: 'device', entity: "pump's", evidence: [finding({ metric: 'level' })] } as const;
    const sql = rawRowsSql(episode(device));
    expect(sql).toContain("toDateTime64('2026-01-04 23:00:00.000', 3, 'UTC')");
    expect(sql).toContain(String.raw`AND device = 'pump\'s'`);
    expect(sql).toContain("AND metric = 'level'");
    const several = [finding({ metric: 'level' }), finding({ metric: 'flow' })];
    expect(rawRowsSql(episode({ ...device, evidence: several }))).not.toContain('metric =');
  });

  it('gives what a source sent, in any of its incarnations', () => {
    expect(rawRowsSql(episode({ entityKind: 'source', entity: 'plant' }))).toContain(
      "AND (_src = 'plant' OR startsWith(_src, 'plant#'))",
    );
  });
});
