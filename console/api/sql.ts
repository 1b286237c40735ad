import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { NamedQuery } from '../../olap/queries/named-query.ts';
import type { Backend, SqlOptions } from '../backend.ts';
import { isLoopbackAddress } from '../loopback.ts';
import { jsonSchema } from '../openapi.ts';
import { invalid, Problem } from '../problem.ts';
import { defineRoute, type Route } from '../route.ts';

const TIMEOUT_MS = 30_000;
const MAX_STATEMENT_CHARS = 100_000;

const scalar = z.union([z.string().max(100_000), z.number(), z.boolean()]);
const resultOptions = {
  format: z.enum(['json', 'ndjson', 'csv', 'table']).default('json'),
  max_rows: z.int().min(1).max(1_000_000).default(10_000).describe('A result of more rows is refused'),
};

const sqlBody = z.strictObject({
  query: z.string().min(1, 'write a SELECT').max(MAX_STATEMENT_CHARS).describe('One statement that reads'),
  parameters: z
    .record(z.string().regex(/^[A-Za-z_]\w{0,63}$/, 'a name is letters, digits and _'), scalar)
    .default({})
    .describe('Values of {name:Type} in the statement'),
  ...resultOptions,
});

const namedBody = z.strictObject({
  parameters: z.record(z.string().max(64), scalar).default({}).describe('See GET /api/v1/queries'),
  ...resultOptions,
});

const resultResponse = {
  200: {
    description: 'The rows, in the format asked for; X-Vedette-Rows and X-Vedette-Elapsed-Ms count and time them',
    contentType: 'application/json',
  },
};

/** Statements of one's own, and the ready ones. */
export function sqlRoutes(backend: Backend, queries: readonly NamedQuery[]): Route[] {
  return [
    defineRoute({
      method: 'POST',
      path: '/api/v1/sql',
      operationId: 'runSql',
      summary: 'Run one statement that reads',
      description: 'For the operator on this machine: refused unless the connection comes from loopback.',
      tag: 'sql',
      consumes: 'json',
      body: sqlBody,
      bodyLimitBytes: 1024 * 1024,
      responses: resultResponse,
      problems: [415, 503],
      handle: async ({ body }, request, reply) => {
        assertFromLoopback(request);
        return answer(backend, reply, { sql: body.query, parameters: body.parameters, options: body });
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/api/v1/queries',
      operationId: 'listQueries',
      summary: 'The ready queries, with the JSON Schema of their parameters',
      tag: 'sql',
      responses: {
        200: {
          description: 'All of them',
          schema: z.object({
            items: z.array(
              z.object({
                name: z.string(),
                title: z.string(),
                description: z.string(),
                parameters: z.record(z.string(), z.unknown()),
                sql: z.string(),
              }),
            ),
          }),
        },
      },
      handle: async () => ({
        items: queries.map(({ name, title, description, parameters, sql }) => ({
          name,
          title,
          description,
          parameters: jsonSchema(parameters, 'input'),
          sql,
        })),
      }),
    }),
    defineRoute({
      method: 'POST',
      path: '/api/v1/queries/{name}',
      operationId: 'runQuery',
      summary: 'Run a ready query',
      tag: 'sql',
      params: z.strictObject({ name: z.string().min(1).max(64) }),
      consumes: 'json',
      body: namedBody,
      responses: resultResponse,
      problems: [404, 415, 503],
      handle: async ({ params, body }, request, reply) => {
        assertFromLoopback(request);
        const query = queries.find((candidate) => candidate.name === params.name);
        if (query === undefined) {
          const names = queries.map((candidate) => candidate.name).join(', ');
          throw new Problem(404, `there is no query ${params.name}; there are ${names}`, { code: 'NOT_FOUND' });
        }
        const parsed = query.parameters.safeParse(body.parameters);
        if (!parsed.success) throw invalid('parameters', parsed.error);
        return answer(backend, reply, { sql: query.sql, parameters: parsed.data, options: body });
      },
    }),
  ];
}

/** Until there are keys, SQL is for the person at this machine, whatever this server is made to listen on. */
function assertFromLoopback(request: FastifyRequest): void {
  if (isLoopbackAddress(request.socket.remoteAddress)) return;
  throw new Problem(403, 'SQL is not served beyond this machine');
}

async function answer(
  backend: Backend,
  reply: FastifyReply,
  statement: {
    readonly sql: string;
    readonly parameters: Readonly<Record<string, unknown>>;
    readonly options: { readonly format: SqlOptions['format']; readonly max_rows: number };
  },
): Promise<string> {
  const { format, max_rows: maxRows } = statement.options;
  const parameters = Object.fromEntries(
    Object.entries(statement.parameters).map(([name, value]) => [name, parameterText(value)]),
  );
  const result = await backend.sql(statement.sql, parameters, { format, maxRows, timeoutMs: TIMEOUT_MS });
  void reply.headers({
    'content-type': result.contentType,
    'x-vedette-rows': String(result.rows),
    'x-vedette-elapsed-ms': String(Math.round(result.elapsedMs)),
  });
  return result.body;
}

function parameterText(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return JSON.stringify(value);
}
