import type { Random } from './random.ts';

/** What a network sensor writes about one connection; µs from the start of the sample. */
export interface ConnRecord {
  readonly log: 'conn';
  readonly uid: string;
  readonly startUs: number;
  /** Undefined where the sensor saw a single packet. */
  readonly durationUs: number | undefined;
  readonly orig: string;
  readonly origPort: number;
  readonly resp: string;
  readonly respPort: number;
  readonly proto: 'tcp' | 'udp' | 'icmp';
  readonly service: string | undefined;
  /** Payload bytes; both undefined where there is no duration. */
  readonly origBytes: number;
  readonly respBytes: number;
  readonly state: string;
  readonly history: string;
  readonly origPackets: number;
  readonly origIpBytes: number;
  readonly respPackets: number;
  readonly respIpBytes: number;
}

/** What all application logs repeat of their connection. */
interface Application {
  readonly conn: ConnRecord;
  readonly atUs: number;
}

export interface DnsRecord extends Application {
  readonly log: 'dns';
  readonly transaction: number;
  readonly roundTripUs: number;
  readonly query: string;
  readonly type: 'A' | 'AAAA' | 'PTR' | 'MX' | 'TXT';
  readonly answers: readonly string[];
  readonly code: 'NOERROR' | 'NXDOMAIN';
}

export interface HttpRecord extends Application {
  readonly log: 'http';
  readonly tookUs: number;
  readonly method: 'GET' | 'POST' | 'HEAD';
  readonly host: string;
  readonly path: string;
  readonly userAgent: string;
  readonly requestBytes: number;
  readonly responseBytes: number;
  readonly status: number;
}

export interface SslRecord extends Application {
  readonly log: 'ssl';
  readonly name: string;
  readonly resumed: boolean;
}

export type NetworkRecord = ConnRecord | DnsRecord | HttpRecord | SslRecord;

/** Takes the records of the simulated network. */
export type Emit = (record: NetworkRecord) => void;

/** When the sensor writes a record: a connection at its end, a query with its answer. */
export function writtenUs(record: NetworkRecord): number {
  switch (record.log) {
    case 'conn':
      return record.startUs + (record.durationUs ?? 0);
    case 'dns':
      return record.atUs + record.roundTripUs;
    case 'http':
      return record.atUs + record.tookUs;
    case 'ssl':
      return record.atUs;
  }
}

const BASE62 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

/** A sensor's id of a connection: C and 17 letters or digits, as Zeek writes it. */
export function connectionUid(random: Random): string {
  let uid = 'C';
  // Three characters of 62 out of each draw of 32 bits.
  for (let left = 17; left > 0; left -= 3) {
    let bits = random.uint32();
    for (let count = Math.min(3, left); count > 0; count--) {
      uid += BASE62.charAt(bits % 62);
      bits = Math.floor(bits / 62);
    }
  }
  return uid;
}
