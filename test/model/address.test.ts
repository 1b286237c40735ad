import { isIPv4, isIPv6 } from 'node:net';
import { BlockList } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  DEFAULT_INTERNAL_NETWORKS, formatAddress, NetworkSet, parseAddress, parseCidr, scanIpv4Words,
} from '../../model/address.ts'; // prettier-ignore

describe('addresses', () => {
  it('IPv4 stands as ::ffff:a.b.c.d', () => {
    expect([...parseAddress('10.1.2.255')!]).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 10, 1, 2, 255]);
    expect(parseAddress('::ffff:10.1.2.255')).toEqual(parseAddress('10.1.2.255'));
    expect(parseAddress('::FFFF:0a01:2ff')).toEqual(parseAddress('10.1.2.255'));
  });

  // The examples of RFC 5952, sections 1, 2 and 4.
  it.each([
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:0db8::0001', '2001:db8::1'],
    ['2001:db8::aaaa:0:0:1', '2001:db8::aaaa:0:0:1'],
    ['2001:db8:aaaa:bbbb:cccc:dddd:0:1', '2001:db8:aaaa:bbbb:cccc:dddd:0:1'],
    ['2001:DB8:AAAA:BBBB:CCCC:DDDD:EEEE:0001', '2001:db8:aaaa:bbbb:cccc:dddd:eeee:1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['::', '::'],
    ['::1', '::1'],
    ['1::', '1::'],
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
    ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['192.0.2.1', '192.0.2.1'],
  ])('%s is written %s', (text, expected) => {
    expect(formatAddress(parseAddress(text)!)).toBe(expected);
  });

  it('IPv4 read by words is what it is by bytes, whatever stands behind it', () => {
    const part = fc.oneof(fc.nat(300).map(String), fc.constantFrom('', '0', '00', '01', '010', '0000', 'a', ':', '1 '));
    const dotted = fc.array(part, { minLength: 1, maxLength: 5 }).map((parts) => parts.join('.'));
    const text = fc.oneof(fc.ipV4(), dotted, fc.stringMatching(/^[0-9.:a"]{0,17}$/));
    fc.assert(
      fc.property(text, fc.constantFrom('"', '.', '1', '.1', '0.0.0.0'), (address, after) => {
        const bytes = Buffer.from(`${address}${after}${' '.repeat(16)}`);
        const words = new Uint32Array(8);
        const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
        const isRead = scanIpv4Words(view, 0, address.length, words, 4);
        // A digit that follows is left to whoever looks at bytes.
        expect(isRead).toBe(isIPv4(address) && !/^\d/.test(after));
        if (isRead) expect(new Uint8Array(words.buffer, 16)).toEqual(parseAddress(address));
      }),
      { numRuns: 5000 },
    );
  });

  it('every address survives text', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
        expect(parseAddress(formatAddress(bytes))).toEqual(bytes);
      }),
    );
  });

  it('accepts what Node accepts, without zone ids', () => {
    const almost = fc.oneof(
      fc.ipV4(),
      fc.ipV6(),
      fc.stringMatching(/^[0-9a-f:.]{1,20}$/),
      fc
        .tuple(fc.ipV6(), fc.nat(40), fc.constantFrom(':', '0', '.', 'g', '::'))
        .map(([text, at, put]) => text.slice(0, at) + put + text.slice(at)),
    );
    fc.assert(
      fc.property(almost, (text) => {
        expect(parseAddress(text) !== undefined).toBe(isIPv4(text) || isIPv6(text));
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    '',
    '1.2.3',
    '1.2.3.4.5',
    '01.2.3.4',
    '256.1.1.1',
    '1.2.3.4 ',
    ':',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7',
    '12345::',
    'fe80::1%eth0',
  ])('%j is none', (text) => {
    expect(parseAddress(text)).toBeUndefined();
  });
});

describe('networks', () => {
  it('clears the bits of hosts', () => {
    expect(formatAddress(parseCidr('10.1.2.3/12').address)).toBe('10.0.0.0');
    expect(parseCidr('10.0.0.0/8')).toEqual(parseCidr('::ffff:10.0.0.0/104'));
    expect(parseCidr('fd00::1').prefixLength).toBe(128);
  });

  it.each(['10.0.0.0/33', '10.0.0/8', 'fd00::/129', '10.0.0.0/', '10.0.0.0/-1', 'office'])(
    'refuses %j by name',
    (text) => {
      expect(() => parseCidr(text)).toThrow(text);
    },
  );

  it('takes RFC 1918 and RFC 4193 as internal where nothing is configured', () => {
    const internal = new NetworkSet(DEFAULT_INTERNAL_NETWORKS);
    const isInternal = (text: string): boolean => internal.contains(parseAddress(text)!);
    const inside = ['10.0.0.0', '10.255.255.255', '172.16.0.0', '172.31.255.255', '192.168.9.9', 'fc00::', 'fdff::1'];
    const outside = [
      '9.255.255.255',
      '11.0.0.0',
      '172.15.255.255',
      '172.32.0.0',
      '192.167.1.1',
      '8.8.8.8',
      '127.0.0.1',
    ];
    expect(inside.filter((text) => !isInternal(text))).toEqual([]);
    expect([...outside, 'fe80::1', 'fbff::1', 'fe00::', '::1', '::', '::10.0.0.1'].filter(isInternal)).toEqual([]);
  });

  it('agrees with an independent matcher', () => {
    const cidr = fc.oneof(
      fc.tuple(fc.ipV4(), fc.nat(32)).map(([address, length]) => ({ address, length, family: 'ipv4' as const })),
      fc
        .tuple(fc.ipV6(), fc.integer({ min: 1, max: 128 }))
        .map(([address, length]) => ({ address, length, family: 'ipv6' as const })),
    );
    fc.assert(
      fc.property(
        fc.array(cidr, { maxLength: 5 }),
        fc.oneof(fc.ipV4(), fc.ipV6()),
        fc.nat(4),
        fc.nat(127),
        (cidrs, other, which, bit) => {
          const set = new NetworkSet(cidrs.map(({ address, length }) => `${address}/${length}`));
          // One bit away from a network's address, so that inside and outside are both frequent.
          const near = Uint8Array.from(parseAddress(cidrs[which]?.address ?? other)!);
          near[bit >> 3]! ^= 0x80 >> (bit & 7);
          const list = new BlockList();
          for (const { address, length, family } of cidrs) list.addSubnet(address, length, family);
          for (const text of [other, formatAddress(near)]) {
            const isMixed = cidrs.some(({ family }) => family === 'ipv6') && isIPv4(text);
            if (!isMixed)
              expect(set.contains(parseAddress(text)!)).toBe(list.check(text, isIPv4(text) ? 'ipv4' : 'ipv6'));
          }
        },
      ),
      { numRuns: 1000 },
    );
  });

  it('knows every address by ::/0, and every IPv4 address by 0.0.0.0/0', () => {
    expect(new NetworkSet(['::/0']).contains(parseAddress('1.2.3.4')!)).toBe(true);
    expect(new NetworkSet(['0.0.0.0/0']).contains(parseAddress('1.2.3.4')!)).toBe(true);
    expect(new NetworkSet(['0.0.0.0/0']).contains(parseAddress('2001:db8::1')!)).toBe(false);
  });

  it('reads the address at an offset', () => {
    const bytes = new Uint8Array(32);
    bytes.set(parseAddress('10.1.1.1')!, 16);
    expect(new NetworkSet(['10.1.1.1']).contains(bytes, 16)).toBe(true);
    expect(new NetworkSet(['10.1.1.1']).contains(bytes, 0)).toBe(false);
  });
});
