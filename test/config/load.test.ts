import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { csvMappings } from '../../config/csv-mappings.ts';
import { loadConfig, parseConfig } from '../../config/load.ts';
import { DEFAULT_INTERNAL_NETWORKS } from '../../model/address.ts';
import { configureDetectors, DETECTORS } from '../../stream/detector-registry.ts';

describe('configuration', () => {
  it('has a default for everything, the internal networks those of the address model', () => {
    const config = parseConfig({});
    expect(config.http).toEqual({ host: '127.0.0.1', port: 8470 });
    expect(config.internal).toEqual(DEFAULT_INTERNAL_NETWORKS);
    expect(parseConfig(null)).toEqual(config);
  });

  it.each([
    ['sight', { sight: 'x' }, /sight/],
    ['stream.blokRows', { stream: { blokRows: 1 } }, /stream: .*blokRows/],
    ['olap.retentionDays.event', { olap: { retentionDays: { event: 1 } } }, /olap\.retentionDays: .*"event"/],
    ['groups', { groups: [{ name: 'a', networks: [], limit: 1 }] }, /groups\.0: .*limit/],
    [
      'csv',
      { sources: { csv: [{ name: 'a', match: '*', time: 't', device: 'd', delimeter: ';' }] } },
      /sources\.csv\.0: .*delimeter/,
    ],
  ])('names a key that does not exist: %s', (_, value, message) => {
    expect(() => parseConfig(value, 'site.yaml')).toThrow(message);
    expect(() => parseConfig(value, 'site.yaml')).toThrow(/^site\.yaml is not valid/);
  });

  it('names every value that is wrong at once', () => {
    const wrong = { http: { port: 70_000 }, stream: { blockRows: 65_536 }, log: { partitions: 0 } };
    expect(() => parseConfig(wrong)).toThrow(/http\.port[^]*log\.partitions[^]*stream\.blockRows/);
  });

  it('is read from YAML or JSON, and says which file is neither', () => {
    const dir = mkdtempSync(join(tmpdir(), 'vedette-config-'));
    const file = (name: string, content: string): string => {
      writeFileSync(join(dir, name), content);
      return join(dir, name);
    };
    expect(loadConfig(file('a.yaml', 'site: plant\nlog:\n  partitions: 4\n')).log.partitions).toBe(4);
    expect(loadConfig(file('b.json', '{"site": "office"}')).site).toBe('office');
    expect(loadConfig(file('empty.yaml', '')).site).toBe('');
    expect(() => loadConfig(file('bad.yaml', 'a: [1'))).toThrow(/bad\.yaml cannot be read as YAML or JSON/);
    expect(() => loadConfig(join(dir, 'missing.yaml'))).toThrow(/missing\.yaml cannot be read/);
    rmSync(dir, { recursive: true });
  });

  it('hands CSV mappings over without keys that are not there', () => {
    const csv = [{ name: 'a', match: '*', time: 't', device: 'd' }, { name: 'b', match: '*', time: 't', device: 'd', disorderMs: 5 }]; // prettier-ignore
    const [a, b] = csvMappings(parseConfig({ sources: { csv } }));
    expect(Object.keys(a!)).not.toContain('disorderMs');
    expect(b!.disorderMs).toBe(5);
  });

  it('of detectors names the detector or the key that does not exist', () => {
    expect(() => configureDetectors({ flod: {} })).toThrow(/none called flod.*flood-ceiling/);
    for (const { name } of DETECTORS)
      expect(() => configureDetectors({ [name]: { noSuchKey: 1 } })).toThrow(/noSuchKey/);
  });
});
