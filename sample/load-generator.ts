import { lineTemplate, type LineTemplate, type Part, type Slot } from './line-template.ts';
import { Random } from './random.ts';
import { Zipf } from './zipf.ts';

export interface LoadOptions {
  /** Internal hosts, at most a million: 10.100.100.100 and on. */
  readonly hosts: number;
  /** Exponent of their popularity, such as 1.1; 0 is uniform. */
  readonly zipf: number;
  readonly seed: number;
  /** Flows that end in a millisecond of event time; may be below 1. */
  readonly eventsPerMs: number;
  readonly count: number;
  /** End of the first flow, ms since 1970 UTC. */
  readonly startMs: number;
  readonly format: 'zeek-json' | 'zeek-tsv';
}

/** External addresses, 203.100.100.100 and on, and the exponent of their popularity. */
const PEERS = 50_000;
const PEER_EXPONENT = 1;

const CHUNK_BYTES = 1 << 20;
const MAX_HOSTS = 1_000_000;

/** All kinds of flow, repeated by how common they are: 16 in all. Sizes are given by their number of digits. */
const KINDS = [
  { times: 6, way: 'out', proto: 'tcp', service: 'ssl', port: 443, state: 'SF', up: 4, down: 5, packets: 2 },
  { times: 1, way: 'out', proto: 'tcp', service: 'ssl', port: 443, state: 'SF', up: 5, down: 7, packets: 4 },
  { times: 2, way: 'out', proto: 'tcp', service: 'http', port: 80, state: 'SF', up: 3, down: 5, packets: 2 },
  { times: 3, way: 'out', proto: 'udp', service: 'dns', port: 53, state: 'SF', up: 2, down: 3, packets: 1 },
  { times: 1, way: 'out', proto: 'tcp', service: 'ssl', port: 443, state: 'RSTO', up: 3, down: 4, packets: 2 },
  { times: 1, way: 'lateral', proto: 'tcp', service: 'smb', port: 445, state: 'SF', up: 5, down: 6, packets: 3 },
  { times: 1, way: 'in', proto: 'tcp', service: 'ssl', port: 443, state: 'SF', up: 3, down: 5, packets: 2 },
  { times: 1, way: 'in', proto: 'tcp', service: 'ssh', port: 22, state: 'REJ', up: 1, down: 1, packets: 1 },
] as const;
type Kind = (typeof KINDS)[number];

/**
 * Network flows for benchmarks, as Zeek conn lines of 14 fields (about 280 bytes in JSON), in chunks of about 1 MiB of
 * whole lines; each chunk is a buffer of its own. Flows are in order of their ends. The same options give the same
 * bytes.
 *
 * @throws RangeError where `hosts` is not between 1 and a million.
 */
export function* generateFlows(options: LoadOptions): Generator<Uint8Array> {
  if (!(options.hosts >= 1 && options.hosts <= MAX_HOSTS)) throw new RangeError(`hosts must be 1 to ${MAX_HOSTS}`);
  const writer = new FlowWriter(options);
  if (options.format === 'zeek-tsv') yield Buffer.from(TSV_HEADER);
  while (writer.left > 0) {
    const chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES);
    yield chunk.subarray(0, writer.fill(chunk));
  }
}

/** A template and which of its ends are internal. */
interface Flow {
  readonly template: LineTemplate;
  readonly way: Kind['way'];
}

class FlowWriter {
  left: number;
  readonly #random: Random;
  readonly #hosts: Zipf;
  readonly #peers: Zipf;
  readonly #kinds: readonly Flow[];
  readonly #startUs: number;
  readonly #usPerEvent: number;
  readonly #longest: number;
  #written = 0;

  constructor(options: LoadOptions) {
    this.left = options.count;
    this.#random = new Random(options.seed, 'load');
    this.#hosts = new Zipf(options.hosts, options.zipf);
    this.#peers = new Zipf(PEERS, PEER_EXPONENT);
    this.#kinds = KINDS.flatMap((kind) =>
      Array.from({ length: kind.times }, () => ({ template: template(kind, options.format), way: kind.way })),
    );
    this.#startUs = options.startMs * 1000;
    this.#usPerEvent = 1000 / options.eventsPerMs;
    this.#longest = Math.max(...this.#kinds.map((kind) => kind.template.bytes.length));
  }

  /** Fills the chunk with whole lines as far as they fit; returns the end of the last. */
  fill(chunk: Uint8Array): number {
    const random = this.#random;
    const kinds = this.#kinds;
    const last = chunk.length - this.#longest;
    let at = 0;
    for (; at <= last && this.left > 0; this.left--) {
      const bits = random.uint32();
      const { template, way } = kinds[bits & 15]!;
      const durationUs =
        template.width.respBytes > 3 ? 20_000 + ((bits >>> 4) % 979_999) : 200 + ((bits >>> 4) % 30_000);
      const startUs = Math.floor(this.#startUs + this.#written++ * this.#usPerEvent) - durationUs;
      const seconds = Math.floor(startUs / 1e6);
      chunk.set(template.bytes, at);
      put(chunk, at, template, 'seconds', seconds);
      put(chunk, at, template, 'micros', startUs - seconds * 1e6);
      put(chunk, at, template, 'duration', durationUs);
      const internal = this.#hosts.draw(random);
      const other = way === 'lateral' ? this.#hosts.draw(random) : this.#peers.draw(random);
      putHost(chunk, at + template.at.origHost, way === 'in' ? other : internal);
      putHost(chunk, at + template.at.respHost, way === 'in' ? internal : other);
      const ports = random.uint32();
      put(chunk, at, template, 'origPort', 32_768 + (ports & 0x7fff));
      const sizes = random.uint32();
      if (template.width.origBytes > 1) {
        // Else a rejected connection, which carries nothing: the template's zeros stay.
        putSize(chunk, at, template, 'origBytes', sizes & 0xffff);
        putSize(chunk, at, template, 'respBytes', sizes >>> 16);
      }
      putSize(chunk, at, template, 'origPackets', (ports ^ sizes) & 0xffff);
      putSize(chunk, at, template, 'respPackets', ports >>> 16);
      putUid(chunk, at + template.at.uid, random);
      at += template.bytes.length;
    }
    return at;
  }
}

// These have more arguments than elsewhere: objects would be allocated for each field of each line.

function put(chunk: Uint8Array, line: number, template: LineTemplate, slot: Slot, value: number): void {
  const first = line + template.at[slot];
  let left = value | 0;
  for (let place = first + template.width[slot] - 1; place >= first; place--) {
    const rest = (left / 10) | 0;
    chunk[place] = 48 + left - rest * 10;
    left = rest;
  }
}

/** A size of as many digits as the slot has: the smallest such number times 1 to 9.99, from 16 bits. */
function putSize(chunk: Uint8Array, line: number, template: LineTemplate, slot: Slot, bits: number): void {
  const least = POWERS_OF_TEN[template.width[slot] - 1]!;
  put(chunk, line, template, slot, least + Math.floor((bits * 9 * least) / 65_536));
}

/** Host number as the last six digits of an address of the form x.1ab.1cd.1ef. */
function putHost(chunk: Uint8Array, at: number, host: number): void {
  const high = (host / 10_000) | 0;
  const rest = host - high * 10_000;
  const middle = (rest / 100) | 0;
  const low = rest - middle * 100;
  putPair(chunk, at, high);
  putPair(chunk, at + 4, middle);
  putPair(chunk, at + 8, low);
}

function putPair(chunk: Uint8Array, at: number, value: number): void {
  const tens = (value / 10) | 0;
  chunk[at] = 48 + tens;
  chunk[at + 1] = 48 + value - tens * 10;
}

function putUid(chunk: Uint8Array, at: number, random: Random): void {
  for (let place = at; place < at + UID_CHARACTERS; place += 5) {
    const bits = random.uint32();
    chunk[place] = UID_ALPHABET[bits & 63]!;
    chunk[place + 1] = UID_ALPHABET[(bits >>> 6) & 63]!;
    chunk[place + 2] = UID_ALPHABET[(bits >>> 12) & 63]!;
    chunk[place + 3] = UID_ALPHABET[(bits >>> 18) & 63]!;
    chunk[place + 4] = UID_ALPHABET[(bits >>> 24) & 63]!;
  }
}

const POWERS_OF_TEN = [1, 10, 100, 1000, 10_000, 100_000, 1_000_000];

/** Random characters of an id; C and two zeros stand in front of them. */
const UID_CHARACTERS = 15;
/** 62 letters and digits, two of them twice, so that six bits choose one. */
const UID_ALPHABET = Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789xz', 'latin1');

const FIELDS = [
  'ts', 'uid', 'id.orig_h', 'id.orig_p', 'id.resp_h', 'id.resp_p', 'proto', 'service', 'duration', 'orig_bytes',
  'resp_bytes', 'conn_state', 'orig_pkts', 'resp_pkts',
]; // prettier-ignore

const TSV_HEADER = [
  '#separator \\x09',
  '#set_separator\t,',
  '#empty_field\t(empty)',
  '#unset_field\t-',
  '#path\tconn',
  `#fields\t${FIELDS.join('\t')}`,
  '#types\ttime\tstring\taddr\tport\taddr\tport\tenum\tstring\tinterval\tcount\tcount\tstring\tcount\tcount',
  '',
].join('\n');

function template(kind: Kind, format: LoadOptions['format']): LineTemplate {
  const host = (slot: 'origHost' | 'respHost', place: 'internal' | 'external'): Part[] => [
    place === 'internal' ? '10.1' : '203.1',
    { slot, width: HOST_FRAME.length },
  ];
  const values: (readonly Part[])[] = [
    [{ slot: 'seconds', width: 10 }, '.', { slot: 'micros', width: 6 }],
    ['C00', { slot: 'uid', width: UID_CHARACTERS }],
    host('origHost', kind.way === 'in' ? 'external' : 'internal'),
    [{ slot: 'origPort', width: 5 }],
    host('respHost', kind.way === 'out' ? 'external' : 'internal'),
    [String(kind.port)],
    [kind.proto],
    [kind.service],
    ['0.', { slot: 'duration', width: 6 }],
    [{ slot: 'origBytes', width: kind.up }],
    [{ slot: 'respBytes', width: kind.down }],
    [kind.state],
    [{ slot: 'origPackets', width: kind.packets }],
    [{ slot: 'respPackets', width: kind.packets }],
  ];
  const quoted = new Set(['uid', 'id.orig_h', 'id.resp_h', 'proto', 'service', 'conn_state']);
  const parts = values.flatMap((value, index): Part[] => {
    const name = FIELDS[index] ?? '';
    if (format === 'zeek-tsv') return [index === 0 ? '' : '\t', ...value];
    const quote = quoted.has(name) ? '"' : '';
    return [`${index === 0 ? '{' : ','}"${name}":${quote}`, ...value, quote];
  });
  const made = lineTemplate([...parts, format === 'zeek-tsv' ? '\n' : '}\n']);
  for (const at of [made.at.origHost, made.at.respHost]) made.bytes.set(HOST_FRAME, at);
  return made;
}

/** What stands between the digits of a host: two digits, then `.1` and two digits, twice. */
const HOST_FRAME = Buffer.from('00.100.100', 'latin1');
