import { z } from 'zod';
import { VedetteError } from '../../model/errors.ts';
import type { Backend } from '../backend.ts';
import { cursor, flag, pageLimit } from '../query-types.ts';
import { defineRoute, type Route } from '../route.ts';
import {
  deadLetterDetail,
  deadLetterFilter,
  deadLetterItem,
  deadLetterItemSchema,
  deadLetterSchema,
  filterFields,
} from './dead-letter-json.ts';

/** Records that could not be read. */
export function deadLetterRoutes(backend: Backend): Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/api/v1/dead-letters',
      operationId: 'listDeadLetters',
      summary: 'Records that could not be read, newest first',
      tag: 'dead letters',
      query: z.strictObject({
        ...filterFields,
        pending: flag.optional().describe('Only those not replayed yet'),
        limit: pageLimit(50, 500),
        cursor: cursor.optional(),
      }),
      responses: {
        200: {
          description: 'One page; `next` is the cursor of the following one',
          schema: z.object({
            items: z.array(deadLetterItemSchema),
            counts: z.record(z.string(), z.int()).describe('All that are kept, by reason'),
            next: z.string().optional(),
          }),
        },
      },
      handle: async ({ query }) => {
        const [{ letters, next }, counts] = await Promise.all([
          backend.deadLetters.list(deadLetterFilter(query), {
            limit: query.limit,
            ...(query.cursor !== undefined && { cursor: query.cursor }),
          }),
          backend.deadLetters.counts(),
        ]);
        return { items: letters.map(deadLetterItem), counts, ...(next !== undefined && { next }) };
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/api/v1/dead-letters/{id}',
      operationId: 'showDeadLetter',
      summary: 'One of them, with its bytes',
      tag: 'dead letters',
      params: z.strictObject({
        id: z
          .string()
          .regex(/^\d{1,15}$/, 'an id is a whole number')
          .transform(Number),
      }),
      responses: { 200: { description: 'The record', schema: deadLetterSchema } },
      problems: [404],
      handle: async ({ params }) => {
        const letter = await backend.deadLetters.get(params.id);
        if (letter === undefined) throw new VedetteError('NOT_FOUND', `there is no dead letter ${params.id}`);
        return deadLetterDetail(letter);
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/api/v1/dead-letters/replay',
      operationId: 'replayDeadLetters',
      summary: 'Read them again, once what was wrong is mended',
      description: 'Those that match, or the ids given; without either, all that were not replayed yet.',
      tag: 'dead letters',
      consumes: 'json',
      body: z.strictObject({
        ...filterFields,
        ids: z.array(z.int().nonnegative()).min(1).max(10_000).optional(),
        pending: z.boolean().default(true).describe('Only those not replayed yet'),
      }),
      responses: {
        200: {
          description: 'What became of them',
          schema: z.object({ replayed: z.int(), events: z.int(), dead_letters: z.int() }),
        },
      },
      problems: [415, 503],
      handle: async ({ body }) => {
        const { replayed, events, deadLetters } = await backend.replayDeadLetters({
          ...deadLetterFilter(body),
          ...(body.ids && { ids: body.ids }),
        });
        return { replayed, events, dead_letters: deadLetters };
      },
    }),
  ];
}
