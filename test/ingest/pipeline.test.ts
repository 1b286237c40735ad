import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { chooseFormat } from '../../ingest/formats.ts';
import {
  NOW_MS,
  openPipeline,
  openReadings,
  readBlocks,
  storyOf,
  write,
  type TestPipeline,
} from './pipeline-harness.ts';

const second = (s: number): number => NOW_MS + s * 1000;

describe('the ingest pipeline', () => {
  let harness: TestPipeline;
  beforeEach(async () => {
    harness = await openPipeline({ partitions: 2, blockRows: 3 });
  });
  afterEach(() => harness.close());

  it('writes records and the ticks of their source in order, and a tick to every partition', async () => {
    const source = openReadings(harness, 'a#1');
    [0, 5, 30, 9, 31].forEach((s, position) => write(source, { timeMs: second(s), position }));
    await harness.pipeline.flush();
    const stories = [storyOf(await readBlocks(harness.log, 0)), storyOf(await readBlocks(harness.log, 1))];
    const controls = (story: string[]): string[] => story.filter((line) => !line.includes('@'));
    expect(stories.find((story) => story.some((line) => line.includes('@')))).toEqual([
      'open a#1 NaN',
      'a#1@0',
      'tick a#1 -10',
      'a#1@1',
      'a#1@2',
      'tick a#1 20',
      'a#1@3 late',
      'a#1@4',
    ]);
    expect(controls(stories[0]!)).toEqual(controls(stories[1]!));
    expect(harness.pipeline.counters).toMatchObject({ events: 5, late: 1 });
  });

  it('puts what comes again into a block of its own, behind the one that has it', async () => {
    await harness.close();
    harness = await openPipeline({ blockRows: 100 });
    const source = openReadings(harness, 'a#1');
    for (const position of [0, 1, 2, 1, 2, 3]) write(source, { timeMs: second(position), position });
    await harness.pipeline.flush();
    const spans = (await readBlocks(harness.log)).map(({ sources }) => sources);
    expect(spans).toEqual([[{ id: 'a#1', firstPos: 0, lastPos: 2 }], [{ id: 'a#1', firstPos: 1, lastPos: 3 }]]);
  });

  it('keeps the order of a device in its partition over many blocks and flushes', async () => {
    const source = openReadings(harness, 'a#1');
    for (let position = 0; position < 50; position++) {
      write(source, { timeMs: second(position), position, device: `d${position % 5}` });
      if (position % 7 === 0) void harness.pipeline.flush();
    }
    await harness.pipeline.flush();
    const rows = [0, 1].map(async (partition) =>
      storyOf(await readBlocks(harness.log, partition))
        .filter((line) => line.includes('@'))
        .map((line) => Number(line.split('@')[1])),
    );
    const [first, other] = await Promise.all(rows);
    expect(first).toEqual([...first!].sort((a, b) => a - b));
    expect([...first!, ...other!].sort((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, i) => i));
  });

  it('marks a source idle once, after its pane is closed, and takes it back at its next record', async () => {
    const source = openReadings(harness, 'a#1');
    write(source, { timeMs: second(3), position: 0, device: 'd' });
    harness.clock.nowMs = NOW_MS + 29_999;
    harness.pipeline.markIdle();
    harness.clock.nowMs = NOW_MS + 30_000;
    harness.pipeline.markIdle();
    harness.pipeline.markIdle();
    write(source, { timeMs: second(9), position: 1, device: 'd' });
    write(source, { timeMs: second(12), position: 2, device: 'd' });
    await harness.pipeline.flush();
    const blocks = [...(await readBlocks(harness.log, 0)), ...(await readBlocks(harness.log, 1))];
    const story = storyOf(blocks).filter((line, i, all) => line.includes('@') || all.indexOf(line) === i);
    expect(story.filter((line) => line.startsWith('idle'))).toEqual(['idle a#1 10']);
    expect(story).toContain('tick a#1 10');
    expect(story).toContain('a#1@1 late');
    expect(story).toContain('a#1@2');
  });

  it('starts a source where time stands: what is older is late', async () => {
    const first = openReadings(harness, 'a#1');
    write(first, { timeMs: second(100), position: 0 });
    const other = openReadings(harness, 'b#1', { disorderMs: 600_000 });
    write(other, { timeMs: second(80), position: 0 });
    write(other, { timeMs: second(90), position: 1 });
    expect([other.counters.late, other.clock.tickMs]).toEqual([1, second(90)]);
  });

  it('goes on with the clock and the decoder of a source after a restart', () => {
    const source = openReadings(harness, 'a#1');
    write(source, { timeMs: second(100), position: 0 });
    const again = openReadings(harness, 'a#1', { state: source.save() });
    expect(again.clock.save()).toEqual(source.clock.save());
  });

  it('sends off the ticks of a partition that gets no records before there are more than a block can count', async () => {
    const source = openReadings(harness, 'a#1', { disorderMs: 0 });
    for (let i = 0; i < 5_000; i++) write(source, { timeMs: second(10 * i - 1e5), position: i, device: 'd' });
    await harness.pipeline.flush();
    const ends = [0, 1].map((partition) => harness.log.bounds('events', partition).end);
    expect(Math.min(...ends)).toBeGreaterThanOrEqual(4);
  });

  it('puts what cannot be read into dead letters with source, position and reason, and goes on', async () => {
    const source = openReadings(harness, 'a#1');
    const bad = Buffer.from('{"time": ');
    source.write(bad, 0, bad.length, 7, NOW_MS);
    write(source, { timeMs: second(1), position: 20 });
    await harness.pipeline.flush();
    const { letters } = await harness.deadLetters.list({}, { limit: 10 });
    expect(letters).toMatchObject([{ source: 'a#1', position: 7, reason: 'not_json', format: 'readings-ndjson' }]);
    expect(Buffer.from(letters[0]!.bytes).toString()).toBe('{"time": ');
    expect(source.counters).toEqual({ events: 1, late: 0, deadLetters: 1 });
  });

  it('asks sources to wait when dead letters pile up, by their bytes too', () => {
    const source = openReadings(harness, 'a#1');
    const bad = Buffer.alloc(65_536, 'x');
    for (let i = 0; i < 600; i++) source.refuse('too_long', bad, 0, bad.length, i);
    expect(harness.pipeline.isFull).toBe(true);
  });
});

describe('a failed append', () => {
  it('stops its partition: nothing later overtakes it, and every flush tells', async () => {
    const harness = await openPipeline({ partitions: 2, blockRows: 2, maxBytes: 1 << 22 });
    const source = openReadings(harness, 'a#1');
    for (let i = 0; i < 4; i++) write(source, { timeMs: second(i), position: i });
    await harness.pipeline.flush();
    const before = [0, 1].map((partition) => harness.log.bounds('events', partition).end);
    await harness.log.close();
    for (let i = 4; i < 8; i++) write(source, { timeMs: second(i), position: i });
    await expect(harness.pipeline.flush()).rejects.toThrow();
    write(source, { timeMs: second(9), position: 9 });
    await expect(harness.pipeline.flush()).rejects.toThrow();
    expect([0, 1].map((partition) => harness.log.bounds('events', partition).end)).toEqual(before);
  });
});

describe('chooseFormat', () => {
  const mappings = [{ name: 'skab', match: '**/skab/*.csv', delimiter: ';', time: 'datetime', timeFormat: 'iso', device: 'v', values: '*', ignore: [], units: {} }] as const; // prettier-ignore
  const choose = (head: string, options: { path?: string; named?: string } = {}): string => {
    const { format, mapping } = chooseFormat(Buffer.from(head), { path: 'x', mappings, ...options });
    return mapping ? `${format.name} by ${mapping.name}` : format.name;
  };

  it.each([
    ['#separator \\x09\n#path\tconn\n#fields\tts\tuid\n', 'zeek-tsv'],
    ['{"ts":1,"uid":"C","id.orig_h":"10.0.0.1","id.resp_h":"10.0.0.2","proto":"tcp"}\n', 'zeek-json'],
    ['{"time":"2026-01-01T00:00:00Z","device":"d","metric":"m","value":1}\n', 'readings-ndjson'],
    ['time,device,metric,value,unit\n2026-01-01T00:00:00Z,d,m,1,C\n', 'readings-csv'],
    ['what is this\n', 'unknown'],
  ])('tells by content: %j', (head, name) => {
    expect(choose(head)).toBe(name);
  });

  it('takes the format that is named, or the mapping that fits the path, before the content', () => {
    expect(choose('{"time":1}', { named: 'zeek-tsv' })).toBe('zeek-tsv');
    expect(choose('a;b\n', { path: '/data/skab/1.csv' })).toMatch(/ by skab$/);
    expect(choose('a;b\n', { named: 'skab' })).toMatch(/ by skab$/);
    expect(() => choose('', { named: 'zeek' })).toThrow(/no format zeek; there are zeek-tsv.*skab/);
  });
});
