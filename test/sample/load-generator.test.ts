import { describe, expect, it } from 'vitest';
import { generateFlows, type LoadOptions } from '../../sample/load-generator.ts';

const OPTIONS: LoadOptions = {
  hosts: 10_000,
  zipf: 1.1,
  seed: 1,
  eventsPerMs: 5,
  count: 20_000,
  startMs: Date.UTC(2026, 10, 21),
  format: 'zeek-json',
};

function text(options: Partial<LoadOptions> = {}): string {
  return Buffer.concat([...generateFlows({ ...OPTIONS, ...options })]).toString('latin1');
}

describe('the load generator', () => {
  it('writes as many whole JSON lines as asked for, in the order of their ends, at the asked rate', () => {
    const lines = text().trimEnd().split('\n');
    expect(lines).toHaveLength(OPTIONS.count);
    expect(text().length / OPTIONS.count).toBeGreaterThan(265);
    expect(text().length / OPTIONS.count).toBeLessThan(290);
    const wrong = lines.filter((line, index) => {
      const record = JSON.parse(line) as { ts: number; duration: number };
      return Math.abs((record.ts + record.duration) * 1e6 - (OPTIONS.startMs * 1000 + index * 200)) > 1;
    });
    expect(wrong).toEqual([]);
  });

  it('has all internal hosts to draw from, by Zipf', () => {
    const seen = new Map<string, number>();
    for (const line of text({ count: 200_000 }).trimEnd().split('\n')) {
      const host = /"(10\.1\d\d\.1\d\d\.1\d\d)"/.exec(line)?.[1] ?? '';
      seen.set(host, (seen.get(host) ?? 0) + 1);
    }
    expect(seen.has('')).toBe(false);
    expect(seen.size).toBeGreaterThan(8000);
    expect(seen.size).toBeLessThanOrEqual(10_000);
    const counts = [...seen.values()].sort((one, other) => other - one);
    // Weights of ranks 1 and 10 stand as 10^1.1 = 12.6 to 1.
    expect(counts[0]! / counts[9]!).toBeGreaterThan(10);
    expect(counts[0]! / counts[9]!).toBeLessThan(15.5);
  });

  it('gives rejected connections no bytes', () => {
    const rejected = text()
      .split('\n')
      .filter((line) => line.includes('"REJ"'));
    expect(rejected.length).toBeGreaterThan(500);
    expect(rejected.every((line) => line.includes('"orig_bytes":0,"resp_bytes":0,'))).toBe(true);
  });

  it('writes TSV with a header and the same flows', () => {
    const lines = text({ format: 'zeek-tsv' }).trimEnd().split('\n');
    const header = lines.filter((line) => line.startsWith('#'));
    const fields =
      header
        .find((line) => line.startsWith('#fields'))
        ?.split('\t')
        .slice(1) ?? [];
    const rows = lines.slice(header.length);
    const json = text().trimEnd().split('\n');
    expect(rows).toHaveLength(OPTIONS.count);
    rows.slice(0, 500).forEach((row, index) => {
      const values = Object.fromEntries(row.split('\t').map((value, column) => [fields[column] ?? '', value]));
      const record = JSON.parse(json[index] ?? '') as Record<string, string | number>;
      for (const name of ['uid', 'id.orig_h', 'id.resp_h', 'service', 'conn_state'])
        expect(values[name]).toBe(record[name]);
      for (const name of ['ts', 'id.orig_p', 'orig_bytes', 'resp_pkts'])
        expect(Number(values[name])).toBe(record[name]);
    });
  });

  it('is the same for the same seed, and refuses more hosts than it has addresses', () => {
    expect(text()).toBe(text());
    expect(text({ seed: 2 })).not.toBe(text());
    expect(() => text({ hosts: 1_000_001 })).toThrow(RangeError);
  });
});
