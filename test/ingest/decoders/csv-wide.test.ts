import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { CsvMapping, Decoder } from '../../../ingest/decoder.ts';
import { mappingFor } from '../../../ingest/decoders/csv-mapping.ts';
import { EventRow } from '../../../ingest/event-row.ts';
import { csvMapped } from '../../../ingest/decoders/csv-wide.ts';
import { LineSplitter } from '../../../ingest/sources/line-splitter.ts';
import { MAPPINGS } from '../mappings.ts';
import { decode, type ReadReading } from './read-readings.ts';

const PLAIN: CsvMapping = {
  name: 'plain',
  match: '**/*.csv',
  delimiter: ',',
  time: 't',
  timeFormat: 'iso',
  device: 'd',
  values: '*',
  ignore: ['label'],
  units: { b: 'bar' },
};

function decoderAfter(header: string, changes: Partial<CsvMapping> = {}): Decoder {
  const decoder = csvMapped.createDecoder({ fileName: 'plant/line-1.csv', mapping: { ...PLAIN, ...changes } });
  expect(decode(decoder, header).result).toBe('skip');
  return decoder;
}

describe('csv-mapped', () => {
  it('gives one reading for each value column', () => {
    const { result, readings } = decode(decoderAfter(' a, t , b,label'), '1,2026-01-02T00:00:01Z,-2e3,0');
    const common = { eventClass: 5, log: 'readings', timeMs: 1767312001000, startMs: 1767312001000, device: 'd' };
    expect(result).toBe('event');
    expect(readings).toEqual([
      { ...common, metric: 'a', value: 1, unit: undefined },
      { ...common, metric: 'b', value: -2000, unit: 'bar' },
    ]);
  });

  it('leaves out empty cells, and keeps the good readings of a line with a bad one', () => {
    const decoder = decoderAfter('t,a,b,c,label');
    expect(decode(decoder, '2026-01-02,,nan,3,0')).toMatchObject({
      result: 'event',
      readings: [{ metric: 'c', value: 3 }],
    });
    expect(decode(decoder, '2026-01-02,,,,0')).toEqual({ result: 'skip', readings: [] });
    expect(decode(decoder, '2026-01-02,1,oops,3,0')).toMatchObject({
      result: 'bad_number',
      readings: [{ metric: 'a' }, { metric: 'c' }],
    });
    expect(decode(decoder, '2026-01-02,1').result).toBe('wrong_columns');
    expect(decode(decoder, 'then,1,2,3,0').result).toBe('bad_time');
    expect(decode(decoder, 't,a,b,c,label').result).toBe('skip');
  });

  it.each([
    ['{stem}', 'line-1'],
    ['site-{folder}/{stem}', 'site-plant/line-1'],
    ['{column:a}', '7'],
    ['{stem}-{column:a}', 'line-1-7'],
  ])('names the device %s', (device, name) => {
    expect(decode(decoderAfter('t,a,b', { device }), '2026-01-02,7,1').readings).toMatchObject(
      device.includes('column') ? [{ device: name, metric: 'b' }] : [{ device: name }, { device: name }],
    );
  });

  it.each([
    ['unix', '1767312001.5', 1767312001500],
    ['unix_ms', '1767312001500', 1767312001500],
    ['DD/MM/YY HH', '02/01/26 13', Date.UTC(2026, 0, 2, 13)],
    ['YYYYMMDD HH:mm:ss', '20260102 13:14:15', Date.UTC(2026, 0, 2, 13, 14, 15)],
    ['index:5000:2026-01-02', '3', Date.UTC(2026, 0, 2) + 15_000],
  ])('reads times as %s', (timeFormat, cell, timeMs) => {
    const decoder = decoderAfter('t,a', { timeFormat });
    expect(decode(decoder, `${cell},1`).readings).toMatchObject([{ timeMs }]);
    expect(decode(decoder, '31/02/26 13,1').result).toBe('bad_time');
  });

  it('counts the lines of each device where there is no time, over a restart too', () => {
    const changes = { time: '', timeFormat: 'index:1000:2026-01-02', device: '{column:a}' };
    let decoder = decoderAfter('a,b', changes);
    decode(decoder, 'x,1');
    decode(decoder, 'y,1');
    const state = decoder.saveState();
    decoder = csvMapped.createDecoder({ mapping: { ...PLAIN, ...changes } });
    decoder.restoreState(state);
    expect(decode(decoder, 'x,1').readings).toMatchObject([{ device: 'x', timeMs: Date.UTC(2026, 0, 2) + 1000 }]);
  });

  it('names devices by the file that its state names, as a replay has no other', () => {
    const changes = { device: 'line-{stem}' };
    const mapping = { ...PLAIN, ...changes };
    const before = csvMapped.createDecoder({ fileName: '/plant/7.csv', mapping });
    decode(before, 't,a');
    const decoder = csvMapped.createDecoder({ fileName: 'pulsar/raw-readings-0/plain', mapping });
    decoder.restoreState(before.saveState());
    expect(decode(decoder, '2026-01-02,1').readings).toMatchObject([{ device: 'line-7' }]);
  });

  it('names a single value column as the mapping says', () => {
    expect(decode(decoderAfter('t,a', { metric: 'level' }), '2026-01-02,1').readings).toMatchObject([
      { metric: 'level' },
    ]);
  });

  it.each([
    [{ timeFormat: 'HH:mm' }],
    [{ timeFormat: 'index:0:2026-01-01' }],
    [{ time: '' }],
    [{ device: '{host}' }],
    [{ device: '' }],
    [{ delimiter: '||' }],
    [{ delimiter: '"' }],
  ])('refuses a mapping that means nothing: %j', (changes) => {
    expect(() => csvMapped.createDecoder({ fileName: 'x.csv', mapping: { ...PLAIN, ...changes } })).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID' }),
    );
  });

  it('says that there was no header where the mapping names columns that are not there', () => {
    const decoder = csvMapped.createDecoder({ mapping: { ...PLAIN, time: 'when' } });
    expect(decode(decoder, 't,a').result).toBe('no_header');
  });
});

const DATA = process.env['VEDETTE_DATA'] ?? fileURLToPath(new URL('../../../../shared/data', import.meta.url));

describe.skipIf(!existsSync(DATA))('recorded data through mappings alone (skipped where the data is missing)', () => {
  it.each([
    [
      'nab/data/realTraffic/speed_6005.csv',
      2500,
      2500,
      ['speed_6005'],
      '2015-08-31T18:22:00.000Z',
      '2015-09-17T16:24:00.000Z',
    ],
    ['skab/valve1/0.csv', 1147, 9176, ['skab-valve1-0'], '2020-03-09T10:14:33.000Z', '2020-03-09T10:34:32.000Z'],
    ['batadal/dataset03.csv', 8761, 376723, ['batadal'], '2014-01-06T00:00:00.000Z', '2015-01-06T00:00:00.000Z'],
    ['batadal/dataset04.csv', 4177, 179611, ['batadal'], '2016-07-04T00:00:00.000Z', '2016-12-25T00:00:00.000Z'],
    [
      'wsn/singlehop.csv',
      18914,
      37828,
      ['mote-1', 'mote-2', 'mote-3', 'mote-4'],
      '2010-05-09T00:00:05.000Z',
      '2010-05-09T07:00:05.000Z',
    ],
  ])('reads every line of %s', (name, lines, count, devices, first, last) => {
    const path = join(DATA, name);
    const mapping = mappingFor(path, MAPPINGS);
    expect(mapping).toBeDefined();
    const decoder = csvMapped.createDecoder({ fileName: path, mapping: mapping! });
    const readings: ReadReading[] = [];
    const results: Record<string, number> = {};
    const splitter = new LineSplitter({
      record: (bytes, start, end) => {
        const decoded = decode(decoder, bytes.subarray(start, end));
        results[decoded.result] = (results[decoded.result] ?? 0) + 1;
        readings.push(...decoded.readings);
      },
      rejected: () => undefined,
    });
    splitter.push(readFileSync(path), 0);
    splitter.finish();
    expect(results).toEqual({ skip: 1, event: lines });
    expect(readings.length).toBe(count);
    expect([...new Set(readings.map((reading) => reading.device))]).toEqual(devices);
    expect(new Date(readings[0]!.timeMs).toISOString()).toBe(first);
    expect(new Date(readings.at(-1)!.timeMs).toISOString()).toBe(last);
    expect([...new Set(readings.map((reading) => reading.metric))]).not.toContain('ATT_FLAG');
  });

  it.each([
    ['nab/data', 46],
    ['skab', 17],
  ])('reads every line of every file under %s', (directory, atLeast) => {
    const names = readdirSync(join(DATA, directory), { recursive: true, encoding: 'utf8' });
    const files = names.filter((name) => name.endsWith('.csv')).map((name) => join(DATA, directory, name));
    expect(files.length).toBeGreaterThanOrEqual(atLeast);
    for (const path of files) {
      const decoder = csvMapped.createDecoder({ fileName: path, mapping: mappingFor(path, MAPPINGS)! });
      const row = new EventRow();
      const results = new Set<string>();
      const splitter = new LineSplitter({
        record: (bytes, start, end) => results.add(decoder.decodeLine(bytes, start, end, row, () => undefined)),
        rejected: (reason) => results.add(reason),
      });
      splitter.push(readFileSync(path), 0);
      splitter.finish();
      expect([path, ...results]).toEqual([path, 'skip', 'event']);
    }
  });
});
