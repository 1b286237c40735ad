import { CONN_STATES, Direction, EventClass } from '../model/event-columns.ts';
import { Random } from '../sample/random.ts';
import { Zipf } from '../sample/zipf.ts';
import type { EventColumnsView } from '../stream/event-columns-view.ts';

export const BLOCK_ROWS = 8192;
const PEERS_PER_HOST = 4;
/** ::ffff:0.0.0.0 as little-endian words of its 16 bytes: the third. */
const IPV4_MARK = 0xffff0000;
const SF = CONN_STATES.indexOf('SF');

/** Draws the next event's host. */
export type DrawHost = () => number;

export function uniformHosts(hosts: number, seed: number): DrawHost {
  const random = new Random(seed, 'uniform');
  return () => Math.floor(random.unit() * hosts);
}

export function zipfHosts(hosts: number, seed: number): DrawHost {
  const random = new Random(seed, 'zipf');
  const zipf = new Zipf(hosts, 1.1);
  // Popular hosts scattered over the addresses, as they are in a network.
  return () => (zipf.draw(random) * 7_368_787) % hosts;
}

/** Each host once, in turn. */
export function eachHost(from: number): DrawHost {
  let next = from;
  return () => next++;
}

/** A block of flows as columns, to be filled again and again: what a decoded block gives, without the decoding. */
export class FlowColumns {
  readonly columns: EventColumnsView;

  constructor(rows = BLOCK_ROWS) {
    const none = { values: [''], index: new Uint8Array(rows) };
    const columns: EventColumnsView = {
      rows,
      eventClass: new Uint8Array(rows).fill(EventClass.network),
      time: new Uint32Array(rows * 2),
      start: new Uint32Array(rows * 2),
      late: new Uint8Array(rows),
      src: new Uint32Array(rows * 4),
      dst: new Uint32Array(rows * 4),
      srcPort: new Uint16Array(rows).fill(40_000),
      dstPort: new Uint16Array(rows),
      direction: new Uint8Array(rows).fill(Direction.outbound),
      proto: new Uint8Array(rows).fill(6),
      connState: new Uint8Array(rows).fill(SF),
      bytesOut: new Uint32Array(rows * 2),
      bytesIn: new Uint32Array(rows * 2),
      packetsOut: new Uint32Array(rows * 2),
      packetsIn: new Uint32Array(rows * 2),
      rcode: none,
      device: none,
      metric: none,
      unit: none,
      value: new Float64Array(rows),
      source: none,
      position: new Uint32Array(rows * 2),
    };
    this.columns = columns;
    for (let row = 0; row < rows; row++) {
      columns.src[row * 4 + 2] = IPV4_MARK;
      columns.dst[row * 4 + 2] = IPV4_MARK;
      columns.packetsOut[row * 2] = 8;
      columns.packetsIn[row * 2] = 12;
    }
  }

  /** Outbound flows at one moment, each host with one of its own few peers. At most 2^24 hosts: 10.0.0.0/8. */
  fill(draw: DrawHost, timeMs: number): void {
    const { columns } = this;
    const high = Math.floor(timeMs / 2 ** 32);
    const low = timeMs - high * 2 ** 32;
    for (let row = 0; row < columns.rows; row++) {
      const host = draw();
      columns.time[row * 2] = columns.start[row * 2] = low;
      columns.time[row * 2 + 1] = columns.start[row * 2 + 1] = high;
      columns.src[row * 4 + 3] = addressWord(10, host);
      const peer = (Math.imul(host, 2_654_435_761) >>> 8) + (row % PEERS_PER_HOST);
      columns.dst[row * 4 + 3] = addressWord(203, peer & 0xffff);
      columns.dstPort[row] = (row & 3) === 0 ? 80 : 443;
      columns.bytesOut[row * 2] = 500 + (row & 1023);
      columns.bytesIn[row * 2] = 20_000 + row;
    }
  }
}

/** The last four bytes of an address, network order, as a little-endian word. */
function addressWord(first: number, rest: number): number {
  return (first | (((rest >>> 16) & 255) << 8) | (((rest >>> 8) & 255) << 16) | ((rest & 255) << 24)) >>> 0;
}

/** The text of host number `host`, as the peer's Map has it. */
export function hostText(host: number): string {
  return `10.${(host >>> 16) & 255}.${(host >>> 8) & 255}.${host & 255}`;
}
