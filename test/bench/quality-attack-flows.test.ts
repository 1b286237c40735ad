import { describe, expect, it } from 'vitest';
import { attackConnections, repeated } from '../../bench/quality/attack-flows.ts';
import { readPackets, TCP, UDP, type Packet } from '../../bench/quality/pcap.ts';
import { NetworkSet } from '../../model/address.ts';

/** A libpcap file of Ethernet frames. */
function pcap(frames: readonly { seconds: number; micros: number; bytes: readonly number[] }[]): Uint8Array {
  const header = Buffer.alloc(24);
  header.writeUInt32LE(0xa1b2c3d4, 0);
  header.writeUInt32LE(65_535, 16);
  header.writeUInt32LE(1, 20);
  const records = frames.map(({ seconds, micros, bytes }) => {
    const record = Buffer.alloc(16);
    [seconds, micros, bytes.length, bytes.length].forEach((value, i) => record.writeUInt32LE(value, i * 4));
    return Buffer.concat([record, Buffer.from(bytes)]);
  });
  return Buffer.concat([header, ...records]);
}

const ETHERNET = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];
const TCP_SYN = [
  ...ETHERNET, 0x08, 0x00,
  0x45, 0, 0, 40, 0, 1, 0, 0, 64, 6, 0, 0, 198, 51, 100, 7, 10, 0, 0, 1,
  0x13, 0x88, 0x00, 0x50, 0, 0, 0, 0, 0, 0, 0, 0, 0x50, 0x02, 0, 0, 0, 0, 0, 0,
]; // prettier-ignore
const VLAN_UDP = [
  ...ETHERNET, 0x81, 0x00, 0, 5, 0x08, 0x00,
  0x45, 0, 0, 32, 0, 1, 0, 0, 64, 17, 0, 0, 198, 51, 100, 8, 10, 0, 0, 1,
  0x11, 0x94, 0x30, 0x39, 0, 12, 0, 0, 1, 2, 3, 4,
]; // prettier-ignore

describe('readPackets', () => {
  it('reads TCP and UDP, also behind a VLAN tag', () => {
    const packets = [
      ...readPackets(
        pcap([
          { seconds: 10, micros: 5, bytes: TCP_SYN },
          { seconds: 10, micros: 6, bytes: VLAN_UDP },
        ]),
      ),
    ];
    expect(packets).toEqual([
      { timeUs: 10_000_005, protocol: TCP, source: '198.51.100.7', target: '10.0.0.1', sourcePort: 5000, targetPort: 80, tcpFlags: 2, ipBytes: 40, payloadBytes: 0 },
      { timeUs: 10_000_006, protocol: UDP, source: '198.51.100.8', target: '10.0.0.1', sourcePort: 4500, targetPort: 12_345, tcpFlags: 0, ipBytes: 32, payloadBytes: 4 },
    ]); // prettier-ignore
  });

  it('passes over other frames, later fragments and what is cut short', () => {
    const fragment = TCP_SYN.map((byte, i) => (i === 21 ? 4 : byte));
    const ipv6 = TCP_SYN.map((byte, i) => (i === 12 ? 0x86 : i === 13 ? 0xdd : byte));
    const frames = [fragment, ipv6, TCP_SYN.slice(0, 30)].map((bytes) => ({ seconds: 1, micros: 0, bytes }));
    expect([...readPackets(pcap(frames))]).toEqual([]);
    const whole = pcap([{ seconds: 1, micros: 0, bytes: TCP_SYN }]);
    expect([...readPackets(whole.subarray(0, whole.length - 1))]).toEqual([]);
  });

  it('says what is no capture', () => {
    expect(() => [...readPackets(Buffer.alloc(24))]).toThrow('not a pcap file');
  });
});

const internal = new NetworkSet(['10.0.0.0/8', '172.16.0.0/12']);
const VICTIM = '147.32.83.165';

function packet(change: Partial<Packet>): Packet {
  return { timeUs: 0, protocol: TCP, source: '198.51.100.7', target: '203.0.113.9', sourcePort: 5000, targetPort: 80, tcpFlags: 2, ipBytes: 40, payloadBytes: 0, ...change };
} // prettier-ignore

describe('attackConnections', () => {
  it('makes one S0 connection of the SYNs of a 5-tuple, against the other victim', () => {
    const packets = [packet({ timeUs: 5_000_000 }), packet({ timeUs: 5_250_000 })];
    const [flow, ...rest] = attackConnections(packets, { victim: VICTIM, internal, exporter: 'zeek' });
    expect(rest).toEqual([]);
    expect(flow).toMatchObject({ startMs: 0, durationMs: 250, origin: '198.51.100.7', responder: VICTIM, state: 'S0', originPackets: 2 });
  }); // prettier-ignore

  it("counts the victim's RST as the answer of the same connection", () => {
    const answer = packet({ source: '203.0.113.9', target: '198.51.100.7', sourcePort: 80, targetPort: 5000, tcpFlags: 0x14 });
    const more = [packet({ sourcePort: 5001 }), packet({ sourcePort: 5002 })];
    const flows = attackConnections([packet({}), answer, ...more], { victim: VICTIM, internal, exporter: 'zeek' });
    expect(flows).toHaveLength(3);
    expect(flows[0]).toMatchObject({ responder: VICTIM, state: 'REJ', originPackets: 1, responderPackets: 1 });
  }); // prettier-ignore

  it('has the victim as originator of a SYN-ACK as Zeek writes it, and as target as a flow exporter does', () => {
    const packets = [packet({ sourcePort: 80, targetPort: 40_000, tcpFlags: 0x12 })];
    const [zeek] = attackConnections(packets, { victim: VICTIM, internal, exporter: 'zeek' });
    expect(zeek).toMatchObject({ origin: VICTIM, originPort: 40_000, originPackets: 0, responderPackets: 1, state: 'OTH', history: '^h' });
    const [oneWay] = attackConnections(packets, { victim: VICTIM, internal, exporter: 'unidirectional' });
    expect(oneWay).toMatchObject({ responder: VICTIM, originPackets: 1, responderPackets: 0 });
  }); // prettier-ignore

  it('moves attackers with internal addresses outside, and leaves the others', () => {
    const packets = [packet({ source: '172.16.0.5' }), packet({})];
    const origins = attackConnections(packets, { victim: VICTIM, internal, exporter: 'zeek' }).map(({ origin }) => origin);
    expect(origins).toEqual(['198.18.0.5', '198.51.100.7']);
  }); // prettier-ignore
});

describe('repeated', () => {
  it('sends a capture end to end until it has lasted long enough', () => {
    const times = repeated([packet({ timeUs: 0 }), packet({ timeUs: 400_000 })], 1000).map(({ timeUs }) => timeUs);
    expect(times).toEqual([0, 400_000, 400_000, 800_000, 800_000, 1_200_000]);
  });
});
