import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readingsCsv } from '../../../ingest/decoders/readings-csv.ts';
import { decode } from './read-readings.ts';

const TIME = Date.UTC(2026, 0, 2, 3, 4, 5);

function decoderAfter(header: string): ReturnType<typeof readingsCsv.createDecoder> {
  const decoder = readingsCsv.createDecoder({});
  expect(decode(decoder, header).result).toBe('skip');
  return decoder;
}

describe('readings-csv', () => {
  it.each([
    ['comma', 'time,device,metric,value,unit', '2026-01-02T03:04:05Z,pump-1,flow,1.5,l/s'],
    ['semicolon, another order, a column more', 'Value;unit;room;Metric;Device;TS', '1.5;l/s;A;flow;pump-1;1767323045'],
    ['tab', 'timestamp\tdevice\tmetric\tvalue\tunit', '2026-01-02 03:04:05\tpump-1\tflow\t1.5\tl/s'],
    ['quotes', '"time","device","metric","value","unit"', '"2026-01-02T03:04:05Z", "pump-1" ,"flow","1.5",l/s'],
  ])('reads by the header: %s', (_, header, line) => {
    const { result, readings } = decode(decoderAfter(header), line);
    expect(result).toBe('event');
    expect(readings).toMatchObject([
      { eventClass: 5, log: 'readings', timeMs: TIME, device: 'pump-1', metric: 'flow', value: 1.5, unit: 'l/s' },
    ]);
  });

  it.each([
    ['an empty value', '2026-01-02,d,m,', 'skip'],
    ['NaN', '2026-01-02,d,m,NaN', 'skip'],
    ['a word', '2026-01-02,d,m,high', 'bad_number'],
    ['a number beyond all numbers', '2026-01-02,d,m,1e999', 'bad_number'],
    ['no device', '2026-01-02,,m,1', 'missing_field'],
    ['no time', ',d,m,1', 'missing_time'],
    ['a wrong time', '2026-02-30,d,m,1', 'bad_time'],
    ['a cell too few', '2026-01-02,d,1', 'wrong_columns'],
    ['an open quote', '2026-01-02,"d,m,1', 'wrong_columns'],
    ['text behind a quote', '2026-01-02,"d"x,m,1', 'wrong_columns'],
    ['more cells than allowed', ','.repeat(2000), 'too_many_fields'],
    ['the header again', 'time,device,metric,value', 'skip'],
    ['a blank line', '', 'skip'],
  ])('says what becomes of %s', (_, line, result) => {
    expect(decode(decoderAfter('time,device,metric,value'), line)).toEqual({ result, readings: [] });
  });

  it('says that there was no header', () => {
    const decoder = readingsCsv.createDecoder({});
    expect(decode(decoder, '2026-01-02,d,m,1').result).toBe('no_header');
    expect(decode(decoder, 'time,device,metric,value').result).toBe('skip');
    expect(decode(decoder, '2026-01-02,d,m,1').result).toBe('event');
  });

  it('goes on in mid-file with its saved header, and with another header that comes', () => {
    const state = decoderAfter('value;metric;device;time').saveState();
    const decoder = readingsCsv.createDecoder({});
    decoder.restoreState(state);
    expect(decode(decoder, '1;m;d;2026-01-02').readings).toMatchObject([{ device: 'd', metric: 'm', value: 1 }]);
    expect(decode(decoder, 'time,device,metric,value').result).toBe('skip');
    expect(decode(decoder, '2026-01-02,d,m,2').readings).toMatchObject([{ device: 'd', metric: 'm', value: 2 }]);
  });

  it('reads any cell that was quoted as RFC 4180 says', () => {
    const decoder = decoderAfter('time,device,metric,value');
    const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }).filter((text) => !/[\r\n]/.test(text));
    fc.assert(
      fc.property(name, name, fc.double({ noNaN: true, noDefaultInfinity: true }), (device, metric, value) => {
        const quote = (text: string): string => `"${text.replaceAll('"', '""')}"`;
        const { readings } = decode(decoder, `2026-01-02,${quote(device)},${quote(metric)},${value}`);
        expect(readings).toMatchObject([{ device, metric }]);
        expect(readings[0]!.value === value).toBe(true);
      }),
    );
  });

  it('never throws, whatever it is given', () => {
    const decoder = decoderAfter('time,device,metric,value');
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(typeof decode(decoder, bytes).result).toBe('string');
      }),
    );
  });

  it('is detected by its header, behind a byte order mark too', () => {
    const detect = (text: string): number => readingsCsv.detect(Buffer.from(text), {});
    expect(detect('\ufefftime;device;metric;value\r\n1;2;3;4')).toBeGreaterThan(0.9);
    expect(detect('timestamp,value\n2026-01-01,1')).toBe(0);
    expect(detect('')).toBe(0);
  });
});
