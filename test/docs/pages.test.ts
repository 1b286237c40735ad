import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { webhookSchema } from '../../alerts/webhook-config.ts';
import { csvMappings } from '../../config/csv-mappings.ts';
import { loadConfig, parseWith } from '../../config/load.ts';
import { generatedPages } from '../../docs/generate.ts';
import { csvMapped } from '../../ingest/decoders/csv-wide.ts';
import { EventRow } from '../../ingest/event-row.ts';
import { NetworkSet } from '../../model/address.ts';
import { EVENT_COLUMNS } from '../../model/event-columns.ts';
import { NAMED_QUERIES } from '../../olap/named-queries.ts';
import { views } from '../../olap/schema/views.ts';
import { configureDetectors } from '../../stream/detector-registry.ts';

const EXAMPLE = new URL('../../docs/examples/vedette.yaml', import.meta.url).pathname;

function page(name: string): string {
  return readFileSync(new URL(`../../docs/${name}`, import.meta.url), 'utf8');
}

describe('the generated pages', () => {
  it.each([...generatedPages().keys()])('are up to date: %s (else run: npx tsx docs/generate.ts)', (name) => {
    expect(page(name)).toBe(generatedPages().get(name));
  });
});

describe('the page on SQL', () => {
  it('names every view', () => {
    const text = page('sql.md');
    // Features come in pairs, and statistics in three resolutions.
    const missing = views().filter(({ name }) => !text.includes(`\`${name.replace(/_sql$/, '')}\``));
    expect(missing.map(({ name }) => name)).toEqual([]);
  });

  it('shows every ready query', () => {
    const text = page('sql.md');
    expect(NAMED_QUERIES.map(({ name }) => name).filter((name) => !text.includes(`\`${name}\``))).toEqual([]);
  });

  it('names every column of an event', () => {
    const text = page('sql.md');
    expect(EVENT_COLUMNS.map(({ name }) => name).filter((name) => !text.includes(`\`${name}\``))).toEqual([]);
  });
});

describe('the example of a configuration', () => {
  const config = loadConfig(EXAMPLE);

  it('is valid, down to the keys of detectors, webhooks, networks and mappings', () => {
    expect(() => configureDetectors(config.detectors)).not.toThrow();
    config.alerts.webhooks.forEach((webhook, i) => parseWith(webhookSchema, webhook, `webhook ${i}`));
    for (const { networks } of config.groups) expect(() => new NetworkSet(networks)).not.toThrow();
    expect(() => new NetworkSet(config.internal)).not.toThrow();
  });

  it('reads the lines that its comment shows', () => {
    const [mapping] = csvMappings(config);
    const decoder = csvMapped.createDecoder({ fileName: '/data/plant-history/line-2.csv', mapping: mapping! });
    const readings: string[] = [];
    for (const line of ['time;pump_1_flow;pump_1_pressure;operator', '20/11/26 08:00;12.5;4.1;ab']) {
      const bytes = Buffer.from(line);
      decoder.decodeLine(bytes, 0, bytes.length, new EventRow(), ({ timeMs, value }) => {
        readings.push(`${new Date(timeMs).toISOString()} ${value}`);
      });
    }
    expect(readings).toEqual(['2026-11-20T08:00:00.000Z 12.5', '2026-11-20T08:00:00.000Z 4.1']);
  });
});
