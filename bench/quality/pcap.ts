/** An IPv4 packet of a capture. */
export interface Packet {
  /** µs since 1970 UTC. */
  readonly timeUs: number;
  readonly protocol: number;
  readonly source: string;
  readonly target: string;
  /** 0 for protocols without ports. */
  readonly sourcePort: number;
  readonly targetPort: number;
  /** TCP flags; 0 otherwise. */
  readonly tcpFlags: number;
  /** Length of the IP packet and of what its transport carries, bytes. */
  readonly ipBytes: number;
  readonly payloadBytes: number;
}

export const TCP = 6;
export const UDP = 17;

const MICROSECONDS = 0xa1b2c3d4;
const NANOSECONDS = 0xa1b23c4d;
const ETHERNET = 1;
const IPV4 = 0x0800;
const VLAN = 0x8100;
const FILE_HEADER = 24;
const RECORD_HEADER = 16;

/**
 * Packets of a libpcap file: Ethernet with IPv4, either byte order, µs or ns. Other packets, later fragments and what
 * is cut short are passed over. Throws where it is no such file.
 * Source: draft-ietf-opsawg-pcap, "PCAP Capture File Format".
 */
export function* readPackets(file: Uint8Array): Generator<Packet> {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  if (file.byteLength < FILE_HEADER) throw new Error('not a pcap file: too short');
  const little = [MICROSECONDS, NANOSECONDS].includes(view.getUint32(0, true));
  const magic = view.getUint32(0, little);
  if (magic !== MICROSECONDS && magic !== NANOSECONDS) throw new Error('not a pcap file: unknown magic number');
  if ((view.getUint32(20, little) & 0xffff) !== ETHERNET) throw new Error('only Ethernet captures are read');
  const perMicrosecond = magic === NANOSECONDS ? 1000 : 1;
  let at = FILE_HEADER;
  while (at + RECORD_HEADER <= file.byteLength) {
    const seconds = view.getUint32(at, little);
    const fraction = view.getUint32(at + 4, little);
    const captured = view.getUint32(at + 8, little);
    const start = at + RECORD_HEADER;
    at = start + captured;
    if (at > file.byteLength) return;
    const timeUs = seconds * 1e6 + Math.floor(fraction / perMicrosecond);
    const packet = parseFrame(new DataView(file.buffer, file.byteOffset + start, captured), timeUs);
    if (packet) yield packet;
  }
}

function parseFrame(frame: DataView, timeUs: number): Packet | undefined {
  let at = 12;
  while (at + 4 <= frame.byteLength && frame.getUint16(at) === VLAN) at += 4;
  if (at + 22 > frame.byteLength || frame.getUint16(at) !== IPV4) return undefined;
  const ip = at + 2;
  const headerBytes = (frame.getUint8(ip) & 15) * 4;
  const ipBytes = frame.getUint16(ip + 2);
  const isLaterFragment = (frame.getUint16(ip + 6) & 0x1fff) !== 0;
  const transport = ip + headerBytes;
  const protocol = frame.getUint8(ip + 9);
  if (isLaterFragment || transport + 8 > frame.byteLength) return undefined;
  const isTcp = protocol === TCP;
  const hasPorts = isTcp || protocol === UDP;
  if (isTcp && transport + 14 > frame.byteLength) return undefined;
  const transportBytes = isTcp ? (frame.getUint8(transport + 12) >> 4) * 4 : 8;
  return {
    timeUs,
    protocol,
    source: address(frame, ip + 12),
    target: address(frame, ip + 16),
    sourcePort: hasPorts ? frame.getUint16(transport) : 0,
    targetPort: hasPorts ? frame.getUint16(transport + 2) : 0,
    tcpFlags: isTcp ? frame.getUint8(transport + 13) : 0,
    ipBytes,
    payloadBytes: Math.max(0, ipBytes - headerBytes - transportBytes),
  };
}

function address(frame: DataView, at: number): string {
  return [0, 1, 2, 3].map((i) => frame.getUint8(at + i)).join('.');
}
