import type { RawMessageId } from '../raw-log.ts';

/** Fields of Pulsar's MessageIdData (protocol buffers): all that are varints. */
const LEDGER = 1;
const ENTRY = 2;
const BATCH_INDEX = 4;

/**
 * Reads a message id as clients serialise it; undefined where it isn't one. Numbers above 2^53 are none that a ledger
 * reaches; negative ones are written as 64 bits of two's complement.
 */
export function parseMessageId(bytes: Uint8Array): RawMessageId | undefined {
  let ledgerId = NaN;
  let entryId = NaN;
  let batchIndex = -1;
  let at = 0;
  while (at < bytes.length) {
    const tag = readVarint(bytes, at);
    if (!tag) return undefined;
    at = tag.end;
    const wireType = Number(tag.value & 7n);
    if (wireType !== 0 && wireType !== 2) return undefined;
    const value = readVarint(bytes, at);
    if (!value) return undefined;
    at = value.end;
    if (wireType === 2) {
      at += Number(value.value);
      continue;
    }
    const number = Number(BigInt.asIntN(64, value.value));
    switch (Number(tag.value >> 3n)) {
      case LEDGER:
        ledgerId = number;
        break;
      case ENTRY:
        entryId = number;
        break;
      case BATCH_INDEX:
        batchIndex = Math.max(-1, number);
        break;
    }
  }
  if (Number.isNaN(ledgerId) || Number.isNaN(entryId) || at > bytes.length) return undefined;
  return { ledgerId, entryId, batchIndex };
}

function readVarint(bytes: Uint8Array, from: number): { value: bigint; end: number } | undefined {
  let value = 0n;
  for (let i = 0; i < 10; i++) {
    const byte = bytes[from + i];
    if (byte === undefined) return undefined;
    value |= BigInt(byte & 0x7f) << BigInt(7 * i);
    if (byte < 0x80) return { value, end: from + i + 1 };
  }
  return undefined;
}
