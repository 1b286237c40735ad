import { connectionUid, type ConnRecord } from './network-records.ts';
import type { Random } from './random.ts';

/** Payload of a full segment, TCP header with timestamps and IP header (RFC 9293, RFC 7323). */
const SEGMENT_BYTES = 1448;
const TCP_HEADERS = 52;
const UDP_HEADERS = 28;
const SYN_BYTES = 60;

interface ConnectionSpec {
  readonly startMs: number;
  readonly durationMs: number;
  readonly orig: string;
  readonly origPort?: number;
  readonly resp: string;
  readonly respPort: number;
  readonly service?: string;
  /** Payload bytes, rounded here. */
  readonly origBytes: number;
  readonly respBytes: number;
}

/** A TCP connection that carried data; most end in order (SF), a few are reset or left half open. */
export function tcpConnection(spec: ConnectionSpec, random: Random): ConnRecord {
  const origData = Math.ceil(spec.origBytes / SEGMENT_BYTES);
  const respData = Math.ceil(spec.respBytes / SEGMENT_BYTES);
  const ending = random.unit();
  const [state, history] =
    ending < 0.93
      ? (['SF', ending < 0.55 ? 'ShADadFf' : 'ShADadfF'] as const)
      : ending < 0.965
        ? (['RSTO', 'ShADadR'] as const)
        : ending < 0.985
          ? (['RSTR', 'ShADadr'] as const)
          : (['S1', 'ShADad'] as const);
  return record(spec, random, {
    proto: 'tcp',
    state,
    history,
    // The handshake, the data, an acknowledgement for every second segment of the other side, and the end.
    origPackets: 3 + origData + Math.ceil(respData / 2),
    respPackets: 2 + respData + Math.ceil(origData / 2),
    headerBytes: TCP_HEADERS,
  });
}

/** Datagrams both ways; `datagramBytes` is the usual payload of one. */
export function udpExchange(spec: ConnectionSpec & { readonly datagramBytes: number }, random: Random): ConnRecord {
  const answered = spec.respBytes > 0;
  return record(spec, random, {
    proto: 'udp',
    state: answered ? 'SF' : 'S0',
    history: answered ? 'Dd' : 'D',
    origPackets: Math.max(1, Math.ceil(spec.origBytes / spec.datagramBytes)),
    respPackets: Math.ceil(spec.respBytes / spec.datagramBytes),
    headerBytes: UDP_HEADERS,
  });
}

interface FailedSpec {
  readonly startMs: number;
  readonly orig: string;
  readonly origPort?: number;
  readonly resp: string;
  readonly respPort: number;
  readonly answer: 'none' | 'reset';
  /** Size of the SYN with its headers. */
  readonly synBytes?: number;
  /** How often an unanswered SYN is sent again. */
  readonly retries: 0 | 1;
}

/** What becomes of a SYN that finds nobody: no answer (S0) or a reset (REJ). */
export function failedConnection(spec: FailedSpec, random: Random): ConnRecord {
  const rejected = spec.answer === 'reset';
  const durationMs = rejected ? random.between(0.02, 0.2) : spec.retries === 1 ? random.between(990, 1040) : undefined;
  return record(spec, random, {
    durationMs,
    proto: 'tcp',
    state: rejected ? 'REJ' : 'S0',
    history: rejected ? 'Sr' : 'S',
    origPackets: rejected ? 1 : 1 + spec.retries,
    respPackets: rejected ? 1 : 0,
    headerBytes: spec.synBytes ?? SYN_BYTES,
  });
}

/** A port of the originator's ephemeral range (RFC 6335). */
function ephemeralPort(random: Random): number {
  return random.integer(49_152, 65_535);
}

type Ends = Pick<FailedSpec, 'startMs' | 'orig' | 'origPort' | 'resp' | 'respPort'> & Partial<ConnectionSpec>;

interface Course extends Pick<ConnRecord, 'proto' | 'state' | 'history' | 'origPackets' | 'respPackets'> {
  readonly durationMs?: number | undefined;
  /** Headers of one packet. */
  readonly headerBytes: number;
}

/** One literal that names every field: spreading objects of this size costs ten times as much. */
function record(spec: Ends, random: Random, course: Course): ConnRecord {
  const durationMs = course.durationMs ?? spec.durationMs;
  const origBytes = Math.round(spec.origBytes ?? 0);
  const respBytes = Math.round(spec.respBytes ?? 0);
  return {
    log: 'conn',
    uid: connectionUid(random),
    startUs: Math.round(spec.startMs * 1000),
    durationUs: durationMs === undefined ? undefined : Math.max(1, Math.round(durationMs * 1000)),
    orig: spec.orig,
    origPort: spec.origPort ?? ephemeralPort(random),
    resp: spec.resp,
    respPort: spec.respPort,
    proto: course.proto,
    service: spec.service,
    origBytes,
    respBytes,
    state: course.state,
    history: course.history,
    origPackets: course.origPackets,
    origIpBytes: origBytes + course.origPackets * course.headerBytes,
    respPackets: course.respPackets,
    respIpBytes: respBytes + course.respPackets * course.headerBytes,
  };
}
