import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { zeekJson } from '../../ingest/decoders/zeek-json.ts';
import { zeekTsv } from '../../ingest/decoders/zeek-tsv.ts';
import type { IngestSource } from '../../ingest/ingest-source.ts';
import { NOW_MS, openPipeline, type TestPipeline } from './pipeline-harness.ts';

const DAY_MS = 86_400_000;
const PORTS = 'id.orig_p\tid.resp_p\tproto';
const HEADER = ['#separator \\x09', '#path\tconn', `#fields\tts\tid.orig_h\tid.resp_h\t${PORTS}`];
const OTHER = ['#separator \\x09', '#path\tconn', `#fields\tts\tid.resp_h\tid.orig_h\t${PORTS}`];

describe('headers beside stored rows', () => {
  let harness: TestPipeline;
  let source: IngestSource;
  beforeEach(async () => {
    harness = await openPipeline();
    const decoder = zeekTsv.createDecoder({});
    source = harness.pipeline.openSource({
      id: 'pulsar/raw-zeek-0/zeek-tsv#1',
      decoder,
      disorderMs: 0,
      holdsTime: false,
    });
  });
  afterEach(() => harness.close());

  /** A message as ingest reads it from the raw log: a decoder and a header of its own, one row. */
  function message(stored: string, position: number, header = HEADER): void {
    source.decodeWith(zeekTsv.createDecoder({}));
    source.storedAs(stored);
    for (const line of [...header, `${NOW_MS / 1000}\t10.0.0.1\t192.0.2.1\t40000\t443\ttcp`]) {
      const bytes = Buffer.from(line);
      source.write(bytes, 0, bytes.length, position, harness.clock.nowMs);
    }
  }

  async function positionsOf(stored: string): Promise<number[]> {
    await harness.pipeline.flush();
    return (await harness.headers.of(stored)).map(({ position }) => position);
  }

  it('are noted once a source, though messages of several come in turns', async () => {
    for (let turn = 0; turn < 5; turn++) for (const file of ['a#1', 'b#1']) message(file, turn * 100);
    expect([await positionsOf('a#1'), await positionsOf('b#1')]).toEqual([[0], [0]]);
  });

  it('are noted anew where they change, and where they change back', async () => {
    [HEADER, HEADER, OTHER, OTHER, HEADER].forEach((header, i) => message('a#1', i * 100, header));
    expect(await positionsOf('a#1')).toEqual([0, 200, 400]);
  });

  it('are noted again after a day, for stores that let go of them by age', async () => {
    message('a#1', 0);
    harness.clock.nowMs += DAY_MS - 1;
    message('a#1', 100);
    expect(await positionsOf('a#1')).toEqual([0]);
    harness.clock.nowMs += 1;
    message('a#1', 200);
    expect(await positionsOf('a#1')).toEqual([0, 200]);
  });

  it('name the file where that tells what the lines are', () => {
    const line = Buffer.from(`{"ts":${NOW_MS / 1000},"uid":"C1","id.orig_h":"10.0.0.1","id.resp_h":"192.0.2.1"}`);
    const logOf = (state: string): string => {
      const decoder = zeekJson.createDecoder({ fileName: 'pulsar/raw-zeek-0/zeek-json' });
      decoder.restoreState(state);
      let log = '';
      decoder.decodeLine(line, 0, line.length, harness.pipeline.row, (row) => (log = Buffer.from(row.log).toString()));
      return log;
    };
    const saved = zeekJson.createDecoder({ fileName: '/logs/weird.log' }).saveState();
    expect(logOf(saved)).toBe('weird');
    expect(logOf('{}')).not.toBe('weird');
    expect(zeekJson.createDecoder({ fileName: '/logs/other.log' }).saveState()).toBe('{}');
  });
});
