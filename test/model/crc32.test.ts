import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { crc32, crc32ByTable } from '../../model/crc32.ts';

describe('crc32', () => {
  it('gives the check value of CRC-32/ISO-HDLC in the catalogue of parametrised CRC algorithms', () => {
    expect(crc32ByTable(Buffer.from('123456789'))).toBe(0xcbf43926);
    expect(crc32(Buffer.from('123456789'))).toBe(0xcbf43926);
  });

  it('is the same by table as by the fast way, also continued from a seed', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.nat(0xffff_ffff), (data, seed) => {
        expect(crc32ByTable(data, seed)).toBe(crc32(data, seed));
      }),
    );
  });
});
