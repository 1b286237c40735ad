import type { RawMessage } from '../../ingest/raw-log.ts';
import { generateFlows } from '../../sample/load-generator.ts';
import { Random } from '../../sample/random.ts';

/** Event time has nothing to do with the wall clock: however long a fault takes, the same panes hold the same flows. */
const START_MS = Date.UTC(2025, 0, 6, 8);
const FLOWS_PER_MS = 0.025;
const HOSTS = 200;
const LINES_PER_MESSAGE = 200;
/** Who sends: each with positions of its own. */
export const SENSORS = 4;
const FLOODS = 5;
const FLOOD_PANES = 3;
const PANE_MS = 10_000;
const FLOWS_PER_PANE = 200;
/** 200 flows of 60 packets in 10 s are 1,200 packets/s that never got past the SYN; the ceiling is at 500. */
const FLOOD_PACKETS = 60;
/** In every tenth message there is a line that nobody can read. */
const MESSAGES_PER_BAD_LINE = 10;
/** So long after their end some flows are sent, in the midst of later ones; the format allows for five minutes. */
const DISORDER_MS = 200_000;
const DELAYED_SHARE = 1 / 8;
const CLOSING_MS = 3 * 3_600_000;

/** A message, and which sender's it is. */
export interface LoadMessage {
  readonly sensor: number;
  readonly payload: Buffer;
  /** Of its first byte, in what its sensor sends in all. */
  readonly position: number;
}

/** What is sent, and what has to be there in the end. */
export interface FaultLoad {
  readonly messages: readonly LoadMessage[];
  /** Events that can be read, numbered from 0: `session_uid` is F and the number. */
  readonly events: number;
  /** Lines that cannot. */
  readonly badLines: number;
  /** Targets of floods: each gives one alert. */
  readonly floodTargets: readonly string[];
}

/**
 * Flows as Zeek's JSON lines, nearly in order of their ends, with floods among them, in messages as shippers send them.
 * The last flows come hours after all others, so that every window and episode before them is closed in the end.
 */
export function makeFaultLoad(options: { readonly flows: number }): FaultLoad {
  const random = new Random(11, 'disorder');
  const lines = [...backgroundLines(options.flows), ...floodLines(options.flows)]
    .map((line) => ({ ...line, sentMs: line.endMs + delayMs(random) }))
    .sort((a, b) => a.sentMs - b.sentMs);
  const packer = new MessagePacker();
  for (const { text } of lines) packer.add(text, LINES_PER_MESSAGE);
  packer.sendAll();
  const lastMs = lines.at(-1)!.sentMs + CLOSING_MS;
  for (let sensor = 0; sensor < SENSORS; sensor++) packer.add(flowLine(lastMs, sensor, `10.200.0.${240 + sensor}`), 1);
  const { messages, events, badLines } = packer;
  return { messages, events, badLines, floodTargets: Array.from({ length: FLOODS }, (_, i) => target(i)) };
}

/** Numbers lines and puts them into messages of their sensors. */
class MessagePacker {
  readonly messages: LoadMessage[] = [];
  events = 0;
  badLines = 0;
  private readonly waiting = Array.from({ length: SENSORS }, (): string[] => []);
  private readonly positions = new Array<number>(SENSORS).fill(0);

  add(text: string, linesPerMessage: number): void {
    const sensor = sensorOf(text);
    const uid = `F${String(this.events++).padStart(9, '0')}`;
    this.waiting[sensor]!.push(text.replace(/"uid":"[^"]*"/, `"uid":"${uid}"`));
    if (this.messages.length > 0) {
      if (this.waiting[sensor]!.length >= linesPerMessage) this.send(sensor);
    } else if (this.waiting.every(({ length }) => length > 0)) this.sendAll();
  }

  /** What waits, a message of each sensor: so they also begin. */
  sendAll(): void {
    for (let sensor = 0; sensor < SENSORS; sensor++) if (this.waiting[sensor]!.length > 0) this.send(sensor);
  }

  private send(sensor: number): void {
    const lines = this.waiting[sensor]!.splice(0);
    if (this.messages.length % MESSAGES_PER_BAD_LINE === 0) lines.splice(1, 0, `no record ${this.badLines++}\n`);
    const payload = Buffer.from(lines.join(''));
    this.messages.push({ sensor, payload, position: this.positions[sensor]! });
    this.positions[sensor]! += payload.length;
  }
}

/**
 * A host's flows are seen by one sensor, as they are where each watches its own network: whatever becomes of the order
 * between sensors, a host's flows stay in theirs, and its destinations are new in the same flows.
 */
function sensorOf(line: string): number {
  const [, from = '', to = ''] = /"id.orig_h":"([^"]*)".*"id.resp_h":"([^"]*)"/.exec(line) ?? [];
  const host = from.startsWith('10.') ? from : to;
  return Number(host.slice(host.lastIndexOf('.') + 1)) % SENSORS;
}

/** By what a message that is published again is known. */
export type KnownBy = 'position' | 'idempotency-key';

/** The message as it is published, told from others by its place in what the sensor sends, or by a key. */
export function rawMessage({ sensor, payload, position }: LoadMessage, by: KnownBy): RawMessage {
  const source = `sensor-${sensor}`;
  const place = by === 'position' ? { position: String(position) } : { 'idempotency-key': keyOf({ sensor, position }) };
  return { payload, key: source, properties: { format: 'zeek-json', source, ...place } };
}

function delayMs(random: Random): number {
  return random.chance(DELAYED_SHARE) ? random.between(0, DISORDER_MS) : 0;
}

/** A key that no other message has. */
export function keyOf({ sensor, position }: Pick<LoadMessage, 'sensor' | 'position'>): string {
  return `sensor-${sensor}/${position}`;
}

interface Line {
  readonly endMs: number;
  readonly text: string;
}

function* backgroundLines(count: number): Generator<Line> {
  const shape = { hosts: HOSTS, zipf: 1.1, seed: 7, eventsPerMs: FLOWS_PER_MS, startMs: START_MS };
  let n = 0;
  for (const chunk of generateFlows({ ...shape, count, format: 'zeek-json' })) {
    for (const text of Buffer.from(chunk)
      .toString()
      .split(/(?<=\n)/))
      yield { endMs: START_MS + n++ / FLOWS_PER_MS, text };
  }
}

function* floodLines(flows: number): Generator<Line> {
  const spanMs = flows / FLOWS_PER_MS;
  for (let flood = 0; flood < FLOODS; flood++) {
    const beginMs = START_MS + Math.floor((spanMs * (flood + 1)) / (FLOODS + 1) / PANE_MS) * PANE_MS;
    const count = FLOOD_PANES * FLOWS_PER_PANE;
    for (let i = 0; i < count; i++) {
      const endMs = beginMs + Math.floor((i * PANE_MS) / FLOWS_PER_PANE);
      yield { endMs, text: flowLine(endMs, i, target(flood)) };
    }
  }
}

function target(flood: number): string {
  return `10.200.0.${flood + 1}`;
}

/** A flow that never got past its SYN. */
function flowLine(endMs: number, n: number, to: string): string {
  return `${JSON.stringify({
    ts: endMs / 1000,
    uid: '',
    'id.orig_h': `198.51.100.${(n % 250) + 1}`,
    'id.orig_p': 30_000 + n,
    'id.resp_h': to,
    'id.resp_p': 80,
    proto: 'tcp',
    duration: 0,
    orig_bytes: 0,
    resp_bytes: 0,
    conn_state: 'S0',
    orig_pkts: FLOOD_PACKETS,
    resp_pkts: 0,
  })}\n`;
}
