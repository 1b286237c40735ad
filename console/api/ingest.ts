import { z } from 'zod';
import type { Backend } from '../backend.ts';
import { Problem } from '../problem.ts';
import { defineRoute, type Route } from '../route.ts';

/** Compressed, where it is; the pipeline limits what it unpacks to. */
const INGEST_LIMIT_BYTES = 16 * 1024 * 1024;

export const INGEST_TYPES = [
  'application/x-ndjson',
  'application/json',
  'text/csv',
  'text/plain',
  'application/octet-stream',
] as const;

const acceptedSchema = z.object({
  accepted: z.int().describe('Records that the raw log has now; what they are is seen when they are read'),
  messages: z.int().describe('Messages that they are in'),
});

const responseSchema = z.object({
  events: z.int().describe('Events that are durable now'),
  late: z.int().describe('Of these, later than their format allows: stored, and in no window'),
  dead_letters: z.int().describe('Records that could not be read: see /api/v1/dead-letters'),
  replayed: z.boolean().describe('The same Idempotency-Key was answered before with this'),
});

export function ingestRoutes(backend: Backend): Route[] {
  return [
    defineRoute({
      method: 'POST',
      path: '/api/v1/ingest',
      operationId: 'ingest',
      summary: 'Take in log records',
      description:
        'NDJSON, a JSON array or object, CSV with a header, or Zeek TSV; known by content unless `format` says so. Answered once the records are durable. Without an Idempotency-Key a request that is sent twice counts twice.',
      tag: 'ingest',
      query: z.strictObject({
        format: z
          .string()
          .regex(/^[a-z0-9][a-z0-9-]{0,63}$/, 'write the name of a format, such as zeek-json')
          .optional()
          .describe('Name of the format, such as zeek-json'),
      }),
      headers: z.looseObject({
        'idempotency-key': z
          .string()
          .min(1, 'leave it out or give a key')
          .max(255, 'at most 255 characters')
          .optional()
          .describe('The same key again is answered from the first time, and takes nothing in'),
        'content-encoding': z.string().optional().describe('gzip, or nothing'),
      }),
      consumes: 'raw',
      bodyTypes: INGEST_TYPES,
      bodyLimitBytes: INGEST_LIMIT_BYTES,
      responses: {
        200: {
          description: 'What became of the records; in a cluster, what the raw log has of them',
          schema: z.union([responseSchema, acceptedSchema]),
        },
      },
      problems: [413, 415, 503],
      handle: async ({ query, headers }, request) => {
        const { body } = request;
        if (!(body instanceof Uint8Array) || body.length === 0) {
          throw new Problem(400, 'the body is empty: send log records, one a line', { code: 'BAD_REQUEST' });
        }
        const key = headers['idempotency-key'];
        const reply = await backend.ingest({
          body,
          encoding: encodingOf(headers['content-encoding']),
          ...(query.format !== undefined && { format: query.format }),
          ...(key !== undefined && { idempotencyKey: key }),
        });
        if ('acceptedRecords' in reply) return { accepted: reply.acceptedRecords, messages: reply.messages };
        return { events: reply.events, late: reply.late, dead_letters: reply.deadLetters, replayed: reply.replayed };
      },
    }),
  ];
}

function encodingOf(header: string | undefined): 'identity' | 'gzip' {
  const encoding = (header ?? 'identity').trim().toLowerCase();
  if (encoding === 'identity' || encoding === '') return 'identity';
  if (encoding === 'gzip' || encoding === 'x-gzip') return 'gzip';
  throw new Problem(415, 'Content-Encoding must be gzip, or left out', { headers: { 'accept-encoding': 'gzip' } });
}
