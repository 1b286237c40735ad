/**
 * Records that shippers should not send, and what must become of each: the reason of its dead letter, or `event` where
 * it is odd but readable. Lines of Zeek JSON unless said otherwise; none holds a line feed.
 */
export interface HostileRecord {
  readonly name: string;
  readonly line: Buffer;
  readonly becomes: string;
}

const MIB = 1024 * 1024;
/** What the good records of these tests are stamped with, seconds; all within one minute. */
export const BASE_SECONDS = Date.UTC(2026, 10, 20, 12) / 1000;

export function goodLine(uid: string, atSeconds = BASE_SECONDS): Buffer {
  return Buffer.from(
    JSON.stringify({
      _path: 'conn',
      ts: atSeconds,
      uid,
      'id.orig_h': '10.0.0.5',
      'id.orig_p': 50_000,
      'id.resp_h': '198.51.100.7',
      'id.resp_p': 443,
      proto: 'tcp',
      duration: 0.5,
      orig_bytes: 100,
      resp_bytes: 200,
      conn_state: 'SF',
    }),
  );
}

function changed(from: string, to: string, uid = 'bad'): Buffer {
  const text = goodLine(uid).toString();
  if (!text.includes(from)) throw new Error(`the good line has no ${from}`);
  return Buffer.from(text.replace(from, to));
}

function rawUid(bytes: readonly number[]): Buffer {
  const line = goodLine('bad');
  const at = line.indexOf('bad');
  return Buffer.concat([line.subarray(0, at), Buffer.from(bytes), line.subarray(at + 3)]);
}

function padded(sizeBytes: number): Buffer {
  return changed('"bad"', `"bad","x":"${'a'.repeat(sizeBytes)}"`);
}

const many = Array.from({ length: 1000 }, (_, i) => `"f${String(i)}":${String(i)}`).join(',');

export const HOSTILE_RECORDS: readonly HostileRecord[] = [
  { name: 'a byte that is no UTF-8', line: rawUid([0xff]), becomes: 'not_utf8' },
  { name: 'UTF-8 that breaks off', line: rawUid([0xe2, 0x82]), becomes: 'not_utf8' },
  { name: 'an overlong slash', line: rawUid([0xc0, 0xaf]), becomes: 'not_utf8' },
  { name: 'a surrogate written as UTF-8', line: rawUid([0xed, 0xa0, 0x80]), becomes: 'not_utf8' },
  { name: 'a lone surrogate, escaped', line: changed('"bad"', '"\\ud800"'), becomes: 'event' },
  { name: 'a bare NUL in a string', line: rawUid([0]), becomes: 'not_json' },
  { name: 'an escaped NUL', line: changed('"bad"', '"a\\u0000b"'), becomes: 'event' },
  { name: 'nothing but NULs', line: Buffer.alloc(3), becomes: 'not_json' },
  { name: 'a terminal escape', line: rawUid([0x1b, 0x5b, 0x32, 0x4a]), becomes: 'not_json' },
  {
    name: '10,000 levels of arrays',
    line: changed('"bad"', `"bad","x":${'['.repeat(10_000)}${']'.repeat(10_000)}`),
    becomes: 'too_deep',
  },
  { name: '10,000 levels of objects', line: Buffer.from(`${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`), becomes: 'too_deep' },
  { name: '10,000 brackets that never close', line: Buffer.from(`{"ts":${'['.repeat(10_000)}`), becomes: 'too_deep' },
  { name: 'a line of 10 MB', line: padded(10 * MIB), becomes: 'too_long' },
  { name: 'a line a little too long', line: padded(MIB), becomes: 'too_long' },
  { name: 'a key that stands twice', line: changed('"proto"', '"uid":"other","proto"'), becomes: 'duplicate_key' },
  { name: 'one field under two names', line: changed('"proto"', '"id_orig_h":"10.0.0.6","proto"'), becomes: 'duplicate_key' },
  { name: '__proto__', line: changed('"proto"', '"__proto__":{"late":true},"proto"'), becomes: 'event' },
  { name: 'constructor.prototype', line: changed('"proto"', '"constructor":{"prototype":{"x":1}},"proto"'), becomes: 'event' },
  { name: '1e999 bytes', line: changed('"orig_bytes":100', '"orig_bytes":1e999'), becomes: 'bad_number' },
  { name: 'a time of 1e999', line: changed(String(BASE_SECONDS), '1e999'), becomes: 'bad_time' },
  { name: 'NaN', line: changed('"orig_bytes":100', '"orig_bytes":NaN'), becomes: 'not_json' },
  { name: 'a negative count', line: changed('"orig_bytes":100', '"orig_bytes":-1'), becomes: 'bad_number' },
  { name: 'a count over 2^64', line: changed('"orig_bytes":100', '"orig_bytes":99999999999999999999999'), becomes: 'bad_number' },
  { name: 'a port of 70,000', line: changed('50000', '70000'), becomes: 'bad_number' },
  { name: 'an integer where text is due', line: changed('"bad"', '12'), becomes: 'bad_type' },
  { name: 'an object where text is due', line: changed('"bad"', '{"a":1}'), becomes: 'bad_type' },
  { name: 'an integer for an address', line: changed('"10.0.0.5"', '167772165'), becomes: 'bad_type' },
  { name: 'an address that is none', line: changed('10.0.0.5', '10.0.0.256'), becomes: 'bad_address' },
  { name: 'text where a number is due', line: changed('"orig_bytes":100', '"orig_bytes":"100"'), becomes: 'bad_type' },
  { name: 'an empty object', line: Buffer.from('{}'), becomes: 'empty_record' },
  { name: 'null', line: Buffer.from('null'), becomes: 'bad_type' },
  { name: 'a number for a record', line: Buffer.from('12'), becomes: 'bad_type' },
  { name: 'an array for a record', line: Buffer.from('["ts",1]'), becomes: 'bad_type' },
  { name: 'text that is no JSON', line: Buffer.from('=cmd|\' /C calc\'!A0 <script>alert(1)</script>'), becomes: 'not_json' },
  { name: 'a record that breaks off', line: goodLine('bad').subarray(0, 60), becomes: 'not_json' },
  { name: 'two records in a line', line: Buffer.concat([goodLine('bad'), goodLine('bad')]), becomes: 'not_json' },
  { name: '1000 fields', line: changed('"proto"', `${many},"proto"`), becomes: 'too_many_fields' },
  { name: 'no time', line: changed(`"ts":${String(BASE_SECONDS)},`, ''), becomes: 'missing_time' },
  { name: 'no address', line: changed('"id.resp_h":"198.51.100.7",', ''), becomes: 'missing_field' },
  { name: 'a time in the year 9999', line: changed(String(BASE_SECONDS), '253402300799'), becomes: 'bad_time' },
  { name: 'a time before 1970', line: changed(String(BASE_SECONDS), '-5'), becomes: 'bad_time' },
  { name: 'a time a year ahead', line: changed(String(BASE_SECONDS), String(BASE_SECONDS + 365 * 86_400)), becomes: 'event' },
  { name: 'a time of 1980', line: changed(String(BASE_SECONDS), '315532800'), becomes: 'event' },
  { name: 'a negative duration', line: changed('"duration":0.5', '"duration":-3'), becomes: 'bad_time' },
  { name: 'a duration of a century', line: changed('"duration":0.5', '"duration":3155760000'), becomes: 'bad_time' },
]; // prettier-ignore

/** Each hostile record between two good ones, as lines; and how many of each outcome there are. */
export function hostileLines(door: string): {
  text: Buffer;
  goodUids: string[];
  reasons: Record<string, number>;
  odd: number;
} {
  const parts: Buffer[] = [];
  const goodUids: string[] = [];
  const reasons: Record<string, number> = {};
  let odd = 0;
  const good = (): void => {
    goodUids.push(`${door}-${String(goodUids.length)}`);
    // Line ends alternate.
    parts.push(goodLine(goodUids.at(-1)!), Buffer.from(goodUids.length % 2 === 0 ? '\r\n' : '\n'));
  };
  good();
  for (const { line, becomes } of HOSTILE_RECORDS) {
    parts.push(line, Buffer.from('\n'));
    if (becomes === 'event') odd++;
    else reasons[becomes] = (reasons[becomes] ?? 0) + 1;
    good();
  }
  return { text: Buffer.concat(parts), goodUids, reasons, odd };
}
