import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import type { DeadLetterReason } from './decoder.ts';
import type { RawMessage, ReceivedMessage } from './raw-log.ts';
import type { RecordLayout } from './sources/record-splitter.ts';

const inflate = promisify(gunzip);
const deflate = promisify(gzip);
/** Of unpacked bytes at a time. */
const CHUNK_BYTES = { least: 16 << 10, most: 1 << 20 };
const PACKED_CHUNK_BYTES = 64 << 10;

/** Longest content of a message, unpacked, bytes; also how far apart the positions of two entries of a ledger lie. */
const MAX_CONTENT_BYTES = 2 ** 24;
/** Of messages that a client put together into one entry, each has so many positions of the entry's … */
const BATCHED_STRIDE = 4096;
const MAX_BATCHED = MAX_CONTENT_BYTES / BATCHED_STRIDE;
const MAX_SOURCE_LENGTH = 512;
/** Low, since a message waits for it; log lines shrink to about a fifth all the same. */
const GZIP_LEVEL = 1;

/** What a message's properties say, as in docs/raw-messages.md. */
export interface RawContent {
  readonly bytes: Uint8Array;
  readonly format?: string;
  /** For formats and mappings that look at a file's name. */
  readonly path?: string;
  /** Lines that the content is read with, and that are no part of it. */
  readonly header?: Uint8Array;
  readonly layout?: RecordLayout;
  readonly receivedMs: number;
  readonly place: StoredPlace;
  /** A record that its publisher could not pass on whole. */
  readonly problem?: CutReason;
}

/** A message that nobody can read, as a dead letter. */
export interface RawRefusal {
  readonly refused: DeadLetterReason;
  readonly bytes: Uint8Array;
  readonly receivedMs: number;
  readonly place: StoredPlace;
}

/** Under which incarnation rows are stored, and the position of the content's first byte there. */
export interface StoredPlace {
  readonly incarnation: string;
  readonly position: number;
}

const CUT_REASONS = ['too_long', 'truncated_input', 'decompression_limit'] as const;
type CutReason = (typeof CUT_REASONS)[number];

/** Unpacks a message. Never rejects: what cannot be read is refused, with the reason. */
export async function openMessage(
  message: ReceivedMessage,
  topicIncarnation: string,
): Promise<RawContent | RawRefusal> {
  const { properties } = message;
  const receivedMs = receivedAt(message);
  const ofLedger = ledgerPlace(message, topicIncarnation, message.payload.length);
  const refuse = (refused: DeadLetterReason): RawRefusal => ({
    refused,
    bytes: message.payload,
    receivedMs,
    place: ofLedger,
  });
  if (message.isDamaged) return refuse('bad_message');
  const unpacked = await unpack(message.payload, properties['compression']);
  if (typeof unpacked === 'string') return refuse(unpacked);
  const problem = CUT_REASONS.find((reason) => reason === properties['problem']);
  if (unpacked.length === 0 && problem === undefined) return refuse('empty_record');
  const layout = properties['layout'];
  if (layout !== undefined && layout !== 'lines' && layout !== 'array') return refuse('bad_message');
  if (properties['problem'] !== undefined && problem === undefined) return refuse('bad_message');
  const place = placeOf(message, topicIncarnation, unpacked.length);
  if (!place) return refuse('bad_message');
  const { format, header } = properties;
  const path = properties['path'] ?? properties['source'] ?? message.key;
  return {
    bytes: unpacked,
    receivedMs,
    place,
    ...(format === undefined || format === '' ? {} : { format }),
    ...(path === undefined ? {} : { path }),
    ...(header === undefined || header === '' ? {} : { header: Buffer.from(header) }),
    ...(layout === undefined ? {} : { layout }),
    ...(problem === undefined ? {} : { problem }),
  };
}

/** What a publisher here knows of the lines that it sends. */
export interface RawLines {
  readonly bytes: Uint8Array;
  readonly source: string;
  /** Of the first byte, where the source's positions are the same whenever it is read. */
  readonly position?: number;
  readonly format?: string;
  readonly path?: string;
  readonly header?: string;
  readonly layout: RecordLayout;
  readonly receivedMs: number;
  readonly idempotencyKey?: string;
  readonly problem?: CutReason;
}

/** A message of these lines. */
export async function packMessage(lines: RawLines, compression: 'none' | 'gzip'): Promise<RawMessage> {
  const { bytes, source, position, format, path, header, layout, receivedMs, idempotencyKey, problem } = lines;
  return {
    payload:
      compression === 'gzip' ? await deflate(bytes, { level: GZIP_LEVEL, chunkSize: PACKED_CHUNK_BYTES }) : bytes,
    key: source,
    properties: {
      source,
      received: String(receivedMs),
      ...(position === undefined ? {} : { position: String(position) }),
      ...(format === undefined ? {} : { format }),
      ...(path === undefined ? {} : { path }),
      ...(header === undefined || header === '' ? {} : { header }),
      ...(layout === 'lines' ? {} : { layout }),
      ...(compression === 'none' ? {} : { compression }),
      ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
      ...(problem === undefined ? {} : { problem }),
    },
  };
}

/**
 * What gzip says at its end of the length, modulo 2^32 (RFC 1952, 2.3.1), within bounds: anybody may write there what he
 * likes. In pieces of Node's 16 KiB, unpacking costs as much again for going to and fro between threads.
 */
function sizeHint(payload: Uint8Array): number {
  const { buffer, byteOffset, length } = payload;
  if (length < 4) return CHUNK_BYTES.least;
  const said = new DataView(buffer, byteOffset, length).getUint32(length - 4, true);
  // One more, so that its end is seen without a further piece.
  return Math.min(Math.max(said + 1, CHUNK_BYTES.least), CHUNK_BYTES.most);
}

async function unpack(
  payload: Uint8Array,
  compression: string | undefined,
): Promise<Uint8Array | Extract<DeadLetterReason, string>> {
  switch (compression) {
    case undefined:
    case '':
    case 'none':
      return payload.length > MAX_CONTENT_BYTES ? 'too_long' : payload;
    case 'gzip':
      try {
        return await inflate(payload, { maxOutputLength: MAX_CONTENT_BYTES, chunkSize: sizeHint(payload) });
      } catch (error) {
        // Anything else that goes wrong in there is the payload's fault as well.
        return (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE'
          ? 'decompression_limit'
          : 'truncated_input';
      }
    default:
      return 'unknown_compression';
  }
}

/** A sender's clock may be late, but nothing was received after it was published. */
function receivedAt({ properties, publishedMs }: ReceivedMessage): number {
  const given = properties['received'];
  if (given === undefined || given === '') return publishedMs;
  const receivedMs = /^\d+$/.test(given) ? Number(given) : Date.parse(given);
  return receivedMs >= 0 && receivedMs <= publishedMs ? Math.floor(receivedMs) : publishedMs;
}

function placeOf(message: ReceivedMessage, topicIncarnation: string, sizeBytes: number): StoredPlace | undefined {
  const { properties } = message;
  const key = properties['idempotency-key'];
  const { source } = properties;
  const given = properties['position'];
  const position = given === undefined ? 0 : /^\d{1,16}$/.test(given) ? Number(given) : NaN;
  if (!(position <= Number.MAX_SAFE_INTEGER - MAX_CONTENT_BYTES)) return undefined;
  if (key !== undefined && key !== '')
    return { incarnation: createHash('sha256').update(key).digest('hex').slice(0, 32), position };
  if (given === undefined) return ledgerPlace(message, topicIncarnation, sizeBytes);
  if (source === undefined || source === '' || source.length > MAX_SOURCE_LENGTH) return undefined;
  return { incarnation: source, position };
}

/**
 * By the message's own id. An entry of a ledger has 2^24 positions, one a byte of a message's content; where a client
 * put many messages into one entry, each of them has 4,096, and a longer one is an incarnation of its own.
 */
function ledgerPlace({ id }: ReceivedMessage, topicIncarnation: string, sizeBytes: number): StoredPlace {
  const { ledgerId, entryId, batchIndex } = id;
  const incarnation = `${topicIncarnation}.${ledgerId}`;
  const position = entryId * MAX_CONTENT_BYTES;
  if (batchIndex < 0) return { incarnation, position };
  if (batchIndex < MAX_BATCHED && sizeBytes <= BATCHED_STRIDE)
    return { incarnation, position: position + batchIndex * BATCHED_STRIDE };
  return { incarnation: `${incarnation}.${batchIndex}`, position };
}
