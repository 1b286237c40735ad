import { parseAddress, type NetworkSet } from '../../model/address.ts';
import { TCP, UDP, type Packet } from './pcap.ts';
import type { Connection } from './zeek-conn.ts';

const SYN = 0x02;
const RST = 0x04;
const ACK = 0x10;

/** What writes the connections: Zeek takes the sender of a first SYN-ACK for the responder, a flow exporter doesn't. */
export type Exporter = 'zeek' | 'unidirectional';

interface Side {
  readonly address: string;
  readonly port: number;
  packets: number;
  bytes: number;
  flags: number;
}

interface Flow {
  readonly protocol: number;
  readonly firstUs: number;
  lastUs: number;
  /** Sender of the first packet, and the other. */
  readonly sender: Side;
  readonly receiver: Side;
}

/**
 * The packets of an attack as the connections that a sensor would have written of them, with `victim` in the place of
 * the capture's most frequent target; the first begins at 0 ms. Packets of one 5-tuple are one connection, TCP and UDP
 * only. SYN alone is S0, SYN answered by RST is REJ, UDP unanswered is S0, a SYN-ACK without a SYN is OTH with history
 * `^h`, of which Zeek takes the *victim* for the originator (`tcp_SYN_ack_ok`, on by default); the rest is OTH. Attackers
 * inside the internal networks (a testbed's own) are moved to 198.18.0.0/15, a range for benchmarks.
 */
export function attackConnections(
  packets: readonly Packet[],
  placed: { readonly victim: string; readonly internal: NetworkSet; readonly exporter: Exporter },
): Connection[] {
  const target = mostFrequent(packets.map((packet) => packet.target));
  const firstUs = packets.reduce((first, { timeUs }) => Math.min(first, timeUs), Infinity);
  const nameOf = (address: string): string => (address === target ? placed.victim : outside(address, placed.internal));
  return flowsOf(packets).map((flow) => {
    const isTcp = flow.protocol === TCP;
    const isSynAck = isTcp && (flow.sender.flags & (SYN | ACK)) === (SYN | ACK) && flow.receiver.packets === 0;
    const isFlipped = isSynAck && placed.exporter === 'zeek';
    const [origin, responder] = isFlipped ? [flow.receiver, flow.sender] : [flow.sender, flow.receiver];
    return {
      startMs: (flow.firstUs - firstUs) / 1000,
      durationMs: (flow.lastUs - flow.firstUs) / 1000,
      origin: nameOf(origin.address),
      originPort: origin.port,
      responder: nameOf(responder.address),
      responderPort: responder.port,
      protocol: isTcp ? 'tcp' : 'udp',
      ...(isTcp ? tcpState(flow, isFlipped) : { state: responder.packets > 0 ? 'SF' : 'S0', history: 'D' }),
      originBytes: origin.bytes,
      responderBytes: responder.bytes,
      originPackets: origin.packets,
      responderPackets: responder.packets,
    };
  });
}

/** A short capture sent again and again, end to end, until it has lasted for `untilMs`: the recorded rate, for longer. */
export function repeated(packets: readonly Packet[], untilMs: number): Packet[] {
  const times = packets.map(({ timeUs }) => timeUs);
  const firstUs = times.reduce((a, b) => Math.min(a, b), Infinity);
  const lengthUs = Math.max(1, times.reduce((a, b) => Math.max(a, b), -Infinity) - firstUs);
  const rounds = Math.max(1, Math.ceil((untilMs * 1000) / lengthUs));
  return Array.from({ length: rounds }, (_, round) =>
    packets.map((packet) => ({ ...packet, timeUs: packet.timeUs + round * lengthUs })),
  ).flat();
}

function flowsOf(packets: readonly Packet[]): Flow[] {
  const flows = new Map<string, Flow>();
  for (const packet of packets) {
    if (packet.protocol !== TCP && packet.protocol !== UDP) continue;
    const from = `${packet.source}:${packet.sourcePort}`;
    const to = `${packet.target}:${packet.targetPort}`;
    let flow = flows.get(`${packet.protocol} ${from} ${to}`);
    const isBack = flow === undefined && flows.has(`${packet.protocol} ${to} ${from}`);
    if (isBack) flow = flows.get(`${packet.protocol} ${to} ${from}`);
    if (!flow) {
      flow = {
        protocol: packet.protocol,
        firstUs: packet.timeUs,
        lastUs: packet.timeUs,
        sender: { address: packet.source, port: packet.sourcePort, packets: 0, bytes: 0, flags: 0 },
        receiver: { address: packet.target, port: packet.targetPort, packets: 0, bytes: 0, flags: 0 },
      };
      flows.set(`${packet.protocol} ${from} ${to}`, flow);
    }
    const side = isBack ? flow.receiver : flow.sender;
    side.packets++;
    side.bytes += packet.payloadBytes;
    side.flags |= packet.tcpFlags;
    flow.lastUs = Math.max(flow.lastUs, packet.timeUs);
  }
  return [...flows.values()];
}

function tcpState({ sender, receiver }: Flow, isFlipped: boolean): Pick<Connection, 'state' | 'history'> {
  if (isFlipped) return { state: 'OTH', history: '^h' };
  if ((sender.flags & (SYN | ACK)) !== SYN) return { state: 'OTH', history: (sender.flags & RST) !== 0 ? 'R' : 'H' };
  if (receiver.packets === 0) return { state: 'S0', history: 'S' };
  return (receiver.flags & RST) !== 0 ? { state: 'REJ', history: 'Sr' } : { state: 'S1', history: 'Sh' };
}

function outside(address: string, internal: NetworkSet): string {
  const bytes = parseAddress(address);
  if (!bytes || !internal.contains(bytes, 0)) return address;
  const [b1 = 0, b2 = 0, b3 = 0] = address.split('.').slice(1).map(Number);
  return `198.${18 + (b1 & 1)}.${b2}.${b3}`;
}

function mostFrequent(values: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].reduce<readonly [string, number]>((a, b) => (b[1] > a[1] ? b : a), ['', 0])[0];
}
