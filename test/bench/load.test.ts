import { describe, expect, it } from 'vitest';
import { countLines, lineEnds, makeLoad, memorySource, synLine } from '../../bench/load.ts';
import { zeekJson } from '../../ingest/decoders/zeek-json.ts';
import { EventRow } from '../../ingest/event-row.ts';

const SPEC = { events: 20_000, hosts: 100, eventsPerMs: 0.4 };

describe('the load', () => {
  it('counts what it holds, floods included', () => {
    const load = makeLoad(SPEC);
    const lines = load.chunks.reduce((sum, chunk) => sum + countLines(chunk), 0);
    expect(lines).toBe(load.events);
    expect(load.events).toBeGreaterThan(SPEC.events);
  });

  it('floods each victim with enough unanswered SYNs for the ceiling of 500 a second', () => {
    const load = makeLoad(SPEC);
    const text = load.chunks.map((chunk) => Buffer.from(chunk).toString()).join('');
    for (const victim of load.victims) {
      const syns = text.split('\n').filter((line) => line.includes(`"id.resp_h":"${victim}"`) && line.includes('"S0"'));
      expect(syns.length).toBeGreaterThan(5000);
    }
  });

  it('writes floods in a form that the format reads', () => {
    const line = Buffer.from(synLine(Date.UTC(2026, 0, 5, 10), 70_000, '10.200.0.1', 6000));
    const row = new EventRow();
    let events = 0;
    const result = zeekJson
      .createDecoder({ fileName: 'conn.log' })
      .decodeLine(line, 0, line.length - 1, row, () => events++);
    expect(result).toBe('event');
    expect(events).toBe(1);
    expect(row).toMatchObject({ timeMs: Date.UTC(2026, 0, 5, 10), packetsOut: 6000, packetsIn: 0 });
  });
});

describe('chunks in memory', () => {
  it('know the ends of their lines', () => {
    const chunk = Buffer.from('a\nbcd\n\n');
    expect([...lineEnds(chunk)]).toEqual([1, 5, 6]);
  });

  it('come as a source with rising positions, whose last chunk ends the file', async () => {
    const source = memorySource([Buffer.from('ab\n'), Buffer.from('c\n')]);
    expect(await source.next()).toMatchObject({ position: 0, last: false });
    expect(await source.next()).toMatchObject({ position: 3, last: true });
    expect(await source.next()).toBeUndefined();
  });
});
