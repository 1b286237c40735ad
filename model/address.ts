import { VedetteError } from './errors.ts';

/**
 * IP addresses as 16 bytes in network order, IPv4 as ::ffff:a.b.c.d (RFC 4291, 2.5.5.2), so that one column holds both.
 */

const ADDRESS_BYTES = 16;

/** Reads the text of an IPv4 address at bytes[start, end) into out[offset, offset + 16); false where it is none. */
function scanIpv4(bytes: Uint8Array, start: number, end: number, out: Uint8Array, offset: number): boolean {
  let part = 0;
  let value = 0;
  let digits = 0;
  for (let position = start; position < end; position++) {
    const digit = bytes[position]! - 48;
    if (digit >= 0 && digit <= 9) {
      value = value * 10 + digit;
      digits++;
      // A leading zero is octal to some readers and decimal to others, so it is refused.
      if (value > 255 || (digits > 1 && value < 10)) return false;
    } else {
      if (digit !== -2 || digits === 0 || part === 3) return false;
      out[offset + 12 + part] = value;
      part++;
      value = 0;
      digits = 0;
    }
  }
  if (part !== 3 || digits === 0) return false;
  out[offset + 15] = value;
  for (let index = 0; index < 10; index++) out[offset + index] = 0;
  out[offset + 10] = 255;
  out[offset + 11] = 255;
  return true;
}

/** Third word of an IPv4 address, ::ffff:a.b.c.d, as a little-endian machine reads its bytes. */
const IPV4_MARK = 0xffff0000;

/**
 * Reads the text of an IPv4 address at view[start, end) as {@link scanAddress} does, an octet at a time, into four
 * words of `out`. It says false of any other text, and where a digit follows the text: {@link scanAddress} decides then.
 * Five bytes past the end must be readable.
 */
export function scanIpv4Words(view: DataView, start: number, end: number, out: Uint32Array, offset: number): boolean {
  let position = start;
  let address = 0;
  for (let shift = 0; shift < 32; shift += 8) {
    const word = view.getInt32(position, true);
    const digits = word ^ 0x30303030;
    // The top bit of each byte that is no digit; of the lowest one it is certain.
    const stops = (digits | (digits + 0x76767676)) & -0x7f7f7f80;
    const count = (31 - Math.clz32(stops & -stops)) >> 3;
    if (count < 1) return false;
    const last = digits << (32 - 8 * count);
    const octet = (last >>> 24) + ((last >>> 16) & 255) * 10 + ((last >>> 8) & 255) * 100;
    if (octet > 255 || octet < LEAST_OCTETS[count]!) return false;
    address |= octet << shift;
    position += count + 1;
    if (shift < 24 && ((word >>> (8 * count)) & 255) !== 0x2e) return false;
  }
  if (position !== end + 1) return false;
  out[offset] = 0;
  out[offset + 1] = 0;
  out[offset + 2] = IPV4_MARK;
  out[offset + 3] = address;
  return true;
}

/** By the number of its digits, the least that an octet without leading zeros is. */
const LEAST_OCTETS = Uint8Array.of(0, 0, 10, 100);

function hexValue(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48;
  const lower = byte | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}

const ipv4Tail = new Uint8Array(ADDRESS_BYTES);

function scanIpv6(bytes: Uint8Array, start: number, end: number, out: Uint8Array, offset: number): boolean {
  let position = start;
  let filled = 0;
  let gapAt = -1;
  if (end - start < 2) return false;
  if (bytes[position] === 0x3a) {
    if (bytes[position + 1] !== 0x3a) return false;
    gapAt = 0;
    position += 2;
  }
  while (position < end) {
    if (filled === ADDRESS_BYTES) return false;
    const groupStart = position;
    let value = 0;
    while (position < end) {
      const digit = hexValue(bytes[position]!);
      if (digit < 0) break;
      value = value * 16 + digit;
      position++;
      if (position - groupStart > 4) return false;
    }
    if (position < end && bytes[position] === 0x2e) {
      if (filled > 12 || !scanIpv4(bytes, groupStart, end, ipv4Tail, 0)) return false;
      for (let index = 12; index < 16; index++) out[offset + filled++] = ipv4Tail[index]!;
      position = end;
      break;
    }
    if (position === groupStart) return false;
    out[offset + filled++] = value >> 8;
    out[offset + filled++] = value & 255;
    if (position === end) break;
    if (bytes[position] !== 0x3a) return false;
    position++;
    if (position === end) return false;
    if (bytes[position] === 0x3a) {
      if (gapAt >= 0) return false;
      gapAt = filled;
      position++;
    }
  }
  if (gapAt < 0) return filled === ADDRESS_BYTES;
  if (filled > 14) return false;
  const moved = filled - gapAt;
  for (let index = 1; index <= moved; index++) out[offset + 16 - index] = out[offset + filled - index]!;
  for (let index = gapAt; index < 16 - moved; index++) out[offset + index] = 0;
  return true;
}

/**
 * Reads the text of an IPv4 or IPv6 address (RFC 4291, 2.2) at bytes[start, end) into out[offset, offset + 16).
 * False, with out's content undefined, where it is none; zone ids and IPv4 parts with leading zeros are refused.
 */
export function scanAddress(bytes: Uint8Array, start: number, end: number, out: Uint8Array, offset: number): boolean {
  const length = end - start;
  if (length < 2 || length > 45) return false;
  // An IPv4 address has its first dot among the first four bytes; an IPv6 address has a colon among the first five.
  for (let position = start; position < end && position < start + 4; position++) {
    if (bytes[position] === 0x2e) return scanIpv4(bytes, start, end, out, offset);
    if (bytes[position] === 0x3a) break;
  }
  return scanIpv6(bytes, start, end, out, offset);
}

/** The 16 bytes of an address given as text; undefined where it is none. */
export function parseAddress(text: string): Uint8Array | undefined {
  const bytes = new Uint8Array(ADDRESS_BYTES);
  const source = Buffer.from(text);
  return scanAddress(source, 0, source.length, bytes, 0) ? bytes : undefined;
}

/** Whether bytes[offset, offset + 16) is an IPv4 address (::ffff:0:0/96). */
export function isIpv4(bytes: Uint8Array, offset = 0): boolean {
  if (bytes[offset + 10] !== 255 || bytes[offset + 11] !== 255) return false;
  for (let index = 0; index < 10; index++) if (bytes[offset + index] !== 0) return false;
  return true;
}

/** The text of bytes[offset, offset + 16): dotted for IPv4, RFC 5952 for IPv6. */
export function formatAddress(bytes: Uint8Array, offset = 0): string {
  if (isIpv4(bytes, offset)) {
    return `${bytes[offset + 12]!}.${bytes[offset + 13]!}.${bytes[offset + 14]!}.${bytes[offset + 15]!}`;
  }
  const groups = Array.from(
    { length: 8 },
    (_, group) => bytes[offset + 2 * group]! * 256 + bytes[offset + 2 * group + 1]!,
  );
  let gapStart = -1;
  let gapLength = 1;
  for (let group = 0; group < 8; group++) {
    let zeros = 0;
    while (group + zeros < 8 && groups[group + zeros] === 0) zeros++;
    if (zeros > gapLength) {
      gapStart = group;
      gapLength = zeros;
    }
    group += zeros;
  }
  const hex = (from: number, to: number): string =>
    groups
      .slice(from, to)
      .map((group) => group.toString(16))
      .join(':');
  return gapStart < 0 ? hex(0, 8) : `${hex(0, gapStart)}::${hex(gapStart + gapLength, 8)}`;
}

/**
 * What is taken as internal where nothing is configured: RFC 1918 and RFC 4193. Not loopback, which no sensor sees, and
 * not link-local, whose addresses are unique in one segment only, so that two hosts could be taken for one.
 */
export const DEFAULT_INTERNAL_NETWORKS: readonly string[] = [
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  'fc00::/7',
];

/** A network: its 16-byte address with the host bits zero, and its length on 128 bits (IPv4 /8 is 104). */
export interface Cidr {
  readonly address: Uint8Array;
  readonly prefixLength: number;
}

/** A network in CIDR form, or one address. Host bits are cleared. Throws {@link VedetteError} CONFIG_INVALID. */
export function parseCidr(text: string): Cidr {
  const slash = text.indexOf('/');
  const address = parseAddress(slash < 0 ? text : text.slice(0, slash));
  const lengthText = slash < 0 ? undefined : text.slice(slash + 1);
  if (address === undefined || (lengthText !== undefined && !/^\d{1,3}$/.test(lengthText))) {
    throw new VedetteError('CONFIG_INVALID', `not a network: ${JSON.stringify(text)} (expected such as 10.0.0.0/8)`);
  }
  // The text decides: ::ffff:10.0.0.0/104 is the same network as 10.0.0.0/8.
  const isDotted = !text.includes(':');
  const longest = isDotted ? 32 : 128;
  const length = lengthText === undefined ? longest : Number(lengthText);
  if (length > longest) {
    throw new VedetteError('CONFIG_INVALID', `not a network: ${JSON.stringify(text)} (length over ${longest})`);
  }
  const prefixLength = isDotted ? length + 96 : length;
  for (let bit = prefixLength; bit < 128; bit++) address[bit >> 3]! &= ~(0x80 >> (bit & 7));
  return { address, prefixLength };
}

const SOME = 1;
const ALL = 2;

/** Tells whether an address is in one of some networks; made for one look-up or two an event. */
export class NetworkSet {
  readonly #networks: readonly Cidr[];
  /** By the first byte of an IPv4 address: in no network, in one wholly, or to be compared. */
  readonly #byOctet = new Uint8Array(256);
  /** The same by the first byte of any other address. */
  readonly #byFirstByte = new Uint8Array(256);

  /** Networks in CIDR form, or addresses. Throws {@link VedetteError} CONFIG_INVALID. */
  constructor(cidrs: readonly string[]) {
    this.#networks = cidrs.map(parseCidr);
    for (const network of this.#networks) {
      mark(this.#byFirstByte, network, 0);
      if (coversSomeIpv4(network)) mark(this.#byOctet, network, 96);
    }
  }

  /** Whether the address at bytes[offset, offset + 16) is in one of the networks. */
  contains(bytes: Uint8Array, offset = 0): boolean {
    const state = isIpv4(bytes, offset) ? this.#byOctet[bytes[offset + 12]!]! : this.#byFirstByte[bytes[offset]!]!;
    if (state !== SOME) return state === ALL;
    for (const network of this.#networks) if (matches(network, bytes, offset)) return true;
    return false;
  }
}

function coversSomeIpv4(network: Cidr): boolean {
  if (network.prefixLength >= 96) return isIpv4(network.address);
  const mapped = new Uint8Array(ADDRESS_BYTES);
  mapped[10] = mapped[11] = 255;
  return matches(network, mapped, 0);
}

/** Notes in a table by the byte at bit `from` what is known of a network from that byte alone. */
function mark(table: Uint8Array, network: Cidr, from: number): void {
  const bits = Math.max(0, network.prefixLength - from);
  const first = bits === 0 ? 0 : network.address[from >> 3]!;
  const values = bits >= 8 ? 1 : 1 << (8 - bits);
  for (let value = first; value < first + values; value++) {
    if (table[value] !== ALL) table[value] = bits > 8 ? SOME : ALL;
  }
}

function matches(network: Cidr, bytes: Uint8Array, offset: number): boolean {
  const { address, prefixLength } = network;
  const whole = prefixLength >> 3;
  for (let index = 0; index < whole; index++) if (address[index] !== bytes[offset + index]) return false;
  const rest = prefixLength & 7;
  return rest === 0 || ((address[whole]! ^ bytes[offset + whole]!) & (0xff00 >> rest) & 255) === 0;
}
