import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseMessageId } from '../../ingest/pulsar/message-id.ts';
import type { ReceivedMessage } from '../../ingest/raw-log.ts';
import { openMessage, packMessage } from '../../ingest/raw-message.ts';

function received(
  payload: Uint8Array,
  properties: Record<string, string> = {},
  id: Partial<ReceivedMessage['id']> = {},
): ReceivedMessage {
  return { payload, properties, id: { ledgerId: 5, entryId: 3, batchIndex: -1, ...id }, publishedMs: 1_000_000 };
}

describe('where rows of a message are stored', () => {
  const lines = Buffer.from('a\nb\n');

  it.each([
    ['its entry', {}, {}, 'inc.5', 3 * 2 ** 24],
    ['its entry and index, in a batch of a client', {}, { batchIndex: 7 }, 'inc.5', 3 * 2 ** 24 + 7 * 4096],
    ['its index alone, beyond what an entry has positions for', {}, { batchIndex: 4096 }, 'inc.5.4096', 3 * 2 ** 24],
    ['its source and position', { source: '/a#1', position: '42' }, {}, '/a#1', 42],
    // sha256 of 'k', as `printf k | sha256sum` gives it
    ['its key', { 'idempotency-key': 'k' }, {}, '8254c329a92850f6d539dd376f4816ee', 0],
    ['its entry, with a source that counts nothing', { source: 'a' }, {}, 'inc.5', 3 * 2 ** 24],
  ])('is told by %s', async (_name, properties, id, incarnation, position) => {
    expect(await openMessage(received(lines, properties, id), 'inc')).toMatchObject({
      place: { incarnation, position },
    });
  });

  it('is a source of its own for a long message in a batch', async () => {
    const message = received(Buffer.alloc(5000, 97), {}, { batchIndex: 1 });
    expect(await openMessage(message, 'inc')).toMatchObject({ place: { incarnation: 'inc.5.1' } });
  });

  it.each([{ position: '1' }, { source: 'a', position: '1.5' }, { source: 'a', position: '9007199254740991' }])(
    'is nowhere with %j',
    async (properties) => {
      expect(await openMessage(received(lines, properties as Record<string, string>), 'inc')).toMatchObject({
        refused: 'bad_message',
      });
    },
  );
});

describe('a message', () => {
  it('says what was packed into it', async () => {
    const lines = { bytes: Buffer.from('a\n'), source: 's', position: 9, path: 'conn.log', header: '#fields\ta', layout: 'array', receivedMs: 7 } as const; // prettier-ignore
    for (const compression of ['none', 'gzip'] as const) {
      const message = await packMessage(lines, compression);
      const content = await openMessage(received(message.payload, message.properties), 'inc');
      expect(content).toMatchObject({ path: 'conn.log', layout: 'array', receivedMs: 7, place: { incarnation: 's', position: 9 } }); // prettier-ignore
      expect(Buffer.from(content.bytes).toString()).toBe('a\n');
      expect('header' in content && String(content.header)).toBe('#fields\ta');
    }
  });

  it('was never received after it was published', async () => {
    for (const [given, ms] of [
      ['2000000', 1_000_000],
      ['1970-01-01T00:00:05Z', 5000],
      ['soon', 1_000_000],
    ] as const)
      // prettier-ignore
      expect(await openMessage(received(Buffer.from('a'), { received: given }), 'inc')).toMatchObject({ receivedMs: ms });
  });

  it('is opened or refused, whatever its properties and payload are', async () => {
    const names = fc.constantFrom('compression', 'position', 'source', 'layout', 'problem', 'received', 'header', 'idempotency-key'); // prettier-ignore
    const values = fc.oneof(fc.string(), fc.constantFrom('gzip', 'array', '0', 'too_long'));
    const properties = fc.dictionary(names, values, { noNullPrototype: true });
    await fc.assert(
      fc.asyncProperty(properties, fc.uint8Array({ maxLength: 50 }), async (given, payload) => {
        const content = await openMessage(received(payload, given), 'inc');
        expect(content.place.position).toBeGreaterThanOrEqual(0);
        expect(Number.isSafeInteger(content.place.position + 2 ** 24)).toBe(true);
      }),
    );
  });
});

describe("a message's id", () => {
  // As a broker of version 4.2 gave them.
  it.each([
    ['CAUQABgAMAA=', { ledgerId: 5, entryId: 0, batchIndex: -1 }],
    ['CAUQAjAA', { ledgerId: 5, entryId: 2, batchIndex: -1 }],
  ])('%s is read', (text, id) => {
    expect(parseMessageId(Buffer.from(text, 'base64'))).toEqual(id);
  });

  it('is undefined or read for any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 30 }), (bytes) => {
        const id = parseMessageId(bytes);
        expect(id === undefined || typeof id.ledgerId === 'number').toBe(true);
      }),
    );
  });
});
