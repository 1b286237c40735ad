import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { invalid, Problem } from './problem.ts';

/** What a route takes as its body. `raw`: bytes of any log; `form`: a form of the console's pages. */
export type Consumes = 'none' | 'json' | 'raw' | 'form';

export interface RouteResponse {
  readonly description: string;
  /** JSON, or another content type without a schema. */
  readonly schema?: z.ZodType;
  readonly contentType?: string;
}

interface RouteSpec<P extends z.ZodObject, Q extends z.ZodObject, H extends z.ZodObject, B extends z.ZodType> {
  readonly method: 'GET' | 'POST';
  /** As OpenAPI writes it: `/api/v1/alerts/{uid}`. */
  readonly path: string;
  readonly operationId: string;
  readonly summary: string;
  readonly description?: string;
  readonly tag: string;
  readonly params?: P;
  readonly query?: Q;
  /** Only those that the route reads; others pass. */
  readonly headers?: H;
  readonly consumes?: Consumes;
  readonly body?: B;
  /** Content types that a raw body may have. */
  readonly bodyTypes?: readonly string[];
  readonly bodyLimitBytes?: number;
  readonly responses: Readonly<Record<number, RouteResponse>>;
  /** Statuses of problems, besides those of every route. */
  readonly problems?: readonly number[];
  /** A stream that doesn't end: HEAD would wait for it. */
  readonly isEndless?: true;
  readonly handle: (
    input: { params: z.output<P>; query: z.output<Q>; headers: z.output<H>; body: z.output<B> },
    request: FastifyRequest,
    reply: FastifyReply,
  ) => Promise<unknown>;
}

/** A route and its documentation, in one. */
export interface Route extends Omit<
  RouteSpec<z.ZodObject, z.ZodObject, z.ZodObject, z.ZodType>,
  'handle' | 'consumes'
> {
  readonly consumes: Consumes;
  readonly run: (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>;
}

const NOTHING = z.strictObject({});

/** Checks parameters, query, headers and body before `handle` sees them. Errors: Problem 400, which names each place. */
export function defineRoute<
  P extends z.ZodObject = typeof NOTHING,
  Q extends z.ZodObject = typeof NOTHING,
  H extends z.ZodObject = typeof NOTHING,
  B extends z.ZodType = z.ZodUnknown,
>(spec: RouteSpec<P, Q, H, B>): Route {
  const { handle, ...documented } = spec;
  return {
    ...documented,
    consumes: spec.consumes ?? 'none',
    run: async (request, reply) => {
      const params = parse('path', spec.params ?? NOTHING, request.params) as z.output<P>;
      const query = parse('query', spec.query ?? NOTHING, request.query) as z.output<Q>;
      const headers = (spec.headers ? parse('headers', spec.headers, request.headers) : {}) as z.output<H>;
      const body = (spec.body ? parse('body', spec.body, bodyOf(spec, request)) : request.body) as z.output<B>;
      return handle({ params, query, headers, body }, request, reply);
    },
  };
}

/** A JSON body may be left out where all of its fields may. */
function bodyOf(spec: { readonly consumes?: Consumes }, request: FastifyRequest): unknown {
  return spec.consumes === 'json' && request.body === undefined ? {} : request.body;
}

function parse(place: string, schema: z.ZodType, value: unknown): unknown {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problem = invalid(place, parsed.error);
  // A path that can't name anything names nothing.
  throw place === 'path' ? new Problem(404, problem.body.detail, { code: 'NOT_FOUND' }) : problem;
}
