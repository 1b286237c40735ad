import { CONN_STATES, Direction, EventClass } from '../model/event-columns.ts';
import { formatAddressWords } from './address-text.ts';
import type { Contacts } from './contacts.ts';
import type { EventColumnsView } from './event-columns-view.ts';
import { M, NEW_IN, P } from './host-layout.ts';
import { hashKeyHigh, type FingerprintSet } from './state/fingerprint-set.ts';
import type { CarriedRows } from './state/carried-rows.ts';
import { hashKey } from '../model/key-hash.ts';
import { at64 } from '../model/words.ts';
import { PANE_MS } from './time.ts';

/** A large flow out of the network, kept until its pane closes. */
export interface LargeFlowCandidate {
  readonly host: string;
  readonly key: readonly [number, number, number, number];
  readonly peer: string;
  readonly timeMs: number;
  readonly bytesOut: number;
  readonly bytesIn: number;
  readonly isNewPeer: boolean;
}

/** What one open pane holds: the targets' sums, and flows to look at by themselves. */
export interface OpenPane {
  readonly targets: CarriedRows;
  /** Pairs of target and source met in the pane. */
  readonly sources: FingerprintSet;
  readonly large: LargeFlowCandidate[];
}

const SYN_ONLY = stateFlags(['S0', 'REJ', 'RSTOS0', 'SH']);
const FAILED = stateFlags(['S0', 'REJ', 'RSTOS0', 'RSTRH', 'SH', 'SHR']);
const PROTO_TCP = 6;
const PROTO_UDP = 17;
const PROTO_ICMP = 1;
const PROTO_ICMP6 = 58;
/** Source ports of services that answer with far more than they are asked (US-CERT TA14-017A, and ISAKMP). */
const AMPLIFIERS = new Set([17, 19, 53, 69, 111, 123, 137, 161, 389, 500, 520, 1900, 3702, 4500, 5353, 11211]);
const NXDOMAIN = 'NXDOMAIN';

function stateFlags(states: readonly (typeof CONN_STATES)[number][]): Uint8Array {
  return Uint8Array.from(CONN_STATES, (state) => (states.includes(state) ? 1 : 0));
}

/** Adds network and DNS records to their panes. Only sums, maxima and set insertions: order within a pane is free. */
export class FlowIntake {
  private readonly contacts: Contacts;
  private readonly largeFlowBytes: number;

  constructor(options: { contacts: Contacts; largeFlowBytes: number }) {
    this.contacts = options.contacts;
    this.largeFlowBytes = options.largeFlowBytes;
  }

  addFlow(columns: EventColumnsView, row: number, pane: number, into: { hosts: CarriedRows; open: OpenPane }): void {
    const direction = columns.direction[row]!;
    const isResponder = direction === Direction.inbound;
    const own = isResponder ? columns.dst : columns.src;
    const other = isResponder ? columns.src : columns.dst;
    const at = row * 4;
    const k0 = own[at]!;
    const k1 = own[at + 1]!;
    const k2 = own[at + 2]!;
    const k3 = own[at + 3]!;
    const o0 = other[at]!;
    const o1 = other[at + 1]!;
    const o2 = other[at + 2]!;
    const o3 = other[at + 3]!;
    const fromOrig = at64(columns.bytesOut, row);
    const fromResp = at64(columns.bytesIn, row);
    const packetsFromOrig = at64(columns.packetsOut, row);
    const packetsFromResp = at64(columns.packetsIn, row);
    const bytesOut = isResponder ? fromResp : fromOrig;
    const bytesIn = isResponder ? fromOrig : fromResp;
    const state = columns.connState[row]!;

    const { hosts, open } = into;
    hosts.openKey(k0, k1, k2, k3);
    hosts.addHalf(M.flows, 1);
    if (FAILED[state] === 1) hosts.addHalf(M.failed, 1);
    hosts.addWord(M.bytesOut, bytesOut);
    hosts.addWord(M.bytesIn, bytesIn);
    hosts.addHalf(M.packetsOut, isResponder ? packetsFromResp : packetsFromOrig);
    hosts.addHalf(M.packetsIn, isResponder ? packetsFromOrig : packetsFromResp);

    const hostLow = hashKey(k0, k1, k2, k3);
    const hostHigh = hashKeyHigh(k0, k1, k2, k3);
    const otherLow = hashKey(o0, o1, o2, o3);
    const otherHigh = hashKeyHigh(o0, o1, o2, o3);
    const low = hashKey(hostLow, otherLow, hostHigh, 0x2c1b3c6d);
    const high = hashKey(otherHigh, hostHigh, otherLow, 0x297a2d39);
    const { contacts } = this;
    const acquaintance = contacts.noteDestination(pane, at64(columns.time, row), low, high);
    if (contacts.newIn > 0) {
      hosts.addHalf(M.distinctDestinations, 1);
      for (let longer = 0; longer < contacts.newIn - 1; longer++) hosts.addHalf(NEW_IN.destinations + longer, 1);
    }
    if (acquaintance === 'first') hosts.addHalf(M.newDestinations, 1);
    if (!isResponder) {
      const port = columns.dstPort[row]!;
      contacts.notePort(
        pane,
        hashKey(hostLow, port, hostHigh, 0x68bc21eb),
        hashKey(hostHigh, hostLow, port, 0x02e5be93),
      );
      if (contacts.newIn > 0) {
        hosts.addHalf(M.distinctPorts, 1);
        for (let longer = 0; longer < contacts.newIn - 1; longer++) hosts.addHalf(NEW_IN.ports + longer, 1);
      }
    }
    const isOutside = direction !== Direction.lateral;
    if (isOutside) {
      hosts.addWord(M.outsideBytesOut, bytesOut);
      hosts.addWord(M.outsideBytesIn, bytesIn);
      hosts.raise(M.largestFlowOut, bytesOut);
      if (bytesOut >= this.largeFlowBytes)
        open.large.push({
          host: formatAddressWords(own, at),
          key: [k0, k1, k2, k3],
          peer: formatAddressWords(other, at),
          timeMs: at64(columns.time, row),
          bytesOut,
          bytesIn,
          isNewPeer: acquaintance !== 'known',
        });
    }
    if (direction === Direction.inbound || direction === Direction.lateral) this.addTarget(columns, row, open, 'asked');
    // Answers to what was never asked: a sensor takes the victim of a reflection for the originator.
    else if (packetsFromOrig === 0 && packetsFromResp > 0 && direction === Direction.outbound)
      this.addTarget(columns, row, open, 'reflected');
  }

  addDns(columns: EventColumnsView, row: number, hosts: CarriedRows): void {
    // A query counts for the host that asked; an inbound one is somebody else's.
    if (columns.direction[row] === Direction.inbound) return;
    const at = row * 4;
    const { src } = columns;
    hosts.openKey(src[at]!, src[at + 1]!, src[at + 2]!, src[at + 3]!);
    hosts.addHalf(M.dnsQueries, 1);
    if (columns.rcode.values[columns.rcode.index[row]!] === NXDOMAIN) hosts.addHalf(M.nxdomain, 1);
  }

  /** A flow to a target: `reflected` ones are what the responder sent to the originator. */
  private addTarget(columns: EventColumnsView, row: number, open: OpenPane, flow: 'asked' | 'reflected'): void {
    const at = row * 4;
    const isAsked = flow === 'asked';
    const dst = isAsked ? columns.dst : columns.src;
    const src = isAsked ? columns.src : columns.dst;
    const bytes = at64(isAsked ? columns.bytesOut : columns.bytesIn, row);
    const { targets } = open;
    targets.openKey(dst[at]!, dst[at + 1]!, dst[at + 2]!, dst[at + 3]!);
    // A flow is written once, at its end: of a long one, a pane gets its mean share, else each end would be a flood.
    const durationMs = at64(columns.time, row) - at64(columns.start, row);
    const packets = Math.max(1, at64(isAsked ? columns.packetsOut : columns.packetsIn, row));
    const ratePackets = durationMs > PANE_MS ? Math.ceil((packets * PANE_MS) / durationMs) : packets;
    targets.addHalf(P.flows, 1);
    targets.addWord(P.packets, packets);
    targets.addWord(P.bytes, bytes);
    const proto = columns.proto[row]!;
    if (isAsked && proto === PROTO_TCP && SYN_ONLY[columns.connState[row]!] === 1)
      targets.addHalf(P.synOnly, ratePackets);
    targets.addWord(P.ratePackets, ratePackets);
    targets.addWord(P.rateBytes, durationMs > PANE_MS ? Math.ceil((bytes * PANE_MS) / durationMs) : bytes);
    if (proto === PROTO_UDP) {
      targets.addHalf(P.udpPackets, ratePackets);
      if (AMPLIFIERS.has(columns.srcPort[row]!)) targets.addHalf(P.amplificationPackets, ratePackets);
    } else if (proto === PROTO_ICMP || proto === PROTO_ICMP6) targets.addHalf(P.icmpPackets, ratePackets);
    const sourceLow = hashKey(src[at]!, src[at + 1]!, src[at + 2]!, src[at + 3]!);
    const sourceHigh = hashKeyHigh(src[at]!, src[at + 1]!, src[at + 2]!, src[at + 3]!);
    const targetHash = hashKey(dst[at]!, dst[at + 1]!, dst[at + 2]!, dst[at + 3]!);
    if (open.sources.add(hashKey(sourceLow, targetHash, sourceHigh, 1), hashKey(sourceHigh, targetHash, sourceLow, 2)))
      targets.addHalf(P.sources, 1);
  }
}

/** Whether a record of this class counts in the windows of hosts. */
export function isTraffic(eventClass: number): boolean {
  return eventClass === EventClass.network || eventClass === EventClass.dns;
}
