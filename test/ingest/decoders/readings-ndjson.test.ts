import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createReadingsNdjsonDecoder, readingsNdjson } from '../../../ingest/decoders/readings-ndjson.ts';
import { decode } from './read-readings.ts';

const fast = createReadingsNdjsonDecoder('scan');
const general = createReadingsNdjsonDecoder('general');
const TIME = Date.UTC(2026, 0, 2, 3, 4, 5, 678);

function reading(changes: Record<string, unknown>): string {
  return JSON.stringify({ time: '2026-01-02T03:04:05.678Z', device: 'pump-1', metric: 'flow', value: 1.5, ...changes });
}

describe('readings-ndjson', () => {
  it('reads a reading with every field', () => {
    expect(decode(fast, reading({ unit: '°C' }))).toEqual({
      result: 'event',
      readings: [
        {
          eventClass: 5,
          log: 'readings',
          timeMs: TIME,
          startMs: TIME,
          device: 'pump-1',
          metric: 'flow',
          value: 1.5,
          unit: '°C',
        },
      ],
    });
  });

  it.each([
    ['epoch seconds', TIME / 1000],
    ['epoch milliseconds', TIME],
    ['ISO 8601 with an offset', '2026-01-02T05:04:05.678+02:00'],
    ['ISO 8601 without a zone, taken as UTC', '2026-01-02 03:04:05.678'],
  ])('takes the time as %s', (_, time) => {
    expect(decode(fast, reading({ time })).readings[0]?.timeMs).toBe(TIME);
  });

  it.each(['ts', 'timestamp'])('takes %s for the time', (name) => {
    expect(decode(fast, reading({ time: undefined, [name]: TIME })).readings[0]?.timeMs).toBe(TIME);
  });

  it.each([
    ['value as text', reading({ value: '1.5' }), 'bad_type'],
    ['value true', reading({ value: true }), 'bad_type'],
    ['value null', reading({ value: null }), 'missing_field'],
    ['a number beyond all numbers', reading({}).replace('1.5', '1e999'), 'bad_number'],
    ['no time', reading({ time: undefined }), 'missing_time'],
    ['a time of another kind', reading({ time: 'yesterday' }), 'bad_time'],
    ['a time before logs', reading({ time: 0 }), 'bad_time'],
    ['no device', reading({ device: undefined }), 'missing_field'],
    ['an empty device', reading({ device: '' }), 'missing_field'],
    ['a device number where text is due', reading({ device: 7 }), 'bad_type'],
    ['a device name without end', reading({ device: 'd'.repeat(257) }), 'too_long'],
    ['two times', reading({ ts: TIME }), 'duplicate_key'],
    ['a key twice', reading({}).replace('{', '{"value":2,'), 'duplicate_key'],
    ['half a record', reading({}).slice(0, -3), 'not_json'],
    [
      'nesting without end',
      reading({ x: 1 }).replace('"x":1', `"x":${'['.repeat(10_000)}${']'.repeat(10_000)}`),
      'too_deep',
    ],
    ['an array', '[1]', 'bad_type'],
    ['a blank line', '  ', 'skip'],
  ])('says what is wrong: %s', (_, line, reason) => {
    expect(decode(fast, line)).toEqual({ result: reason, readings: [] });
    expect(decode(general, line)).toEqual({ result: reason, readings: [] });
  });

  it('says that bytes are not UTF-8', () => {
    const line = Buffer.from(reading({ device: 'pump-\u00e9' }), 'latin1');
    expect(decode(fast, line).result).toBe('not_utf8');
  });

  it('is not misled by __proto__', () => {
    const { result, readings } = decode(fast, reading({}).replace('{', '{"__proto__":{"unit":"x"},'));
    expect(result).toBe('event');
    expect(readings[0]?.unit).toBeUndefined();
  });

  it('gives the same by the fast path and by the general parser', () => {
    const value = fc.oneof(
      fc.double(),
      fc.integer(),
      fc.string(),
      fc.constant(null),
      fc.boolean(),
      fc.constant({ a: [1] }),
    );
    const time = fc.oneof(
      fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
      fc.double({ min: 1e8, max: 2e12 }),
      value,
    );
    const name = fc.oneof(fc.string({ unit: 'binary' }), fc.constant('pump-1'), value);
    const record = fc.record(
      { time, ts: time, device: name, metric: name, value: fc.oneof(fc.double(), value), unit: name, other: value },
      { requiredKeys: ['device', 'metric', 'value'] },
    );
    const line = fc.oneof(
      record.map((object) => JSON.stringify(object)),
      record.map((object) => JSON.stringify(object, undefined, 1).replaceAll('\n', ' ')),
      fc.tuple(record, fc.nat(200), fc.string({ maxLength: 3 })).map(([object, at, noise]) => {
        const text = JSON.stringify(object);
        return text.slice(0, at) + noise + text.slice(at + noise.length);
      }),
    );
    fc.assert(
      fc.property(line, (text) => {
        expect(decode(fast, text)).toEqual(decode(general, text));
      }),
      { numRuns: 600 },
    );
  });

  it('is detected by its first object, in lines, in an array, and printed over several lines', () => {
    const detect = (text: string): number => readingsNdjson.detect(Buffer.from(text), {});
    expect(detect(`${reading({})}\n`)).toBeGreaterThan(0.9);
    expect(detect(`[\n${JSON.stringify(JSON.parse(reading({})), undefined, 2)}`)).toBeGreaterThan(0.9);
    expect(detect('{"ts":1.0,"uid":"C1","id.orig_h":"10.0.0.1"}')).toBe(0);
    expect(detect('time,device,metric,value')).toBe(0);
  });
});
