import { z } from 'zod';
import { PROBLEM_TYPE, problemSchema } from './problem.ts';
import type { Route, RouteResponse } from './route.ts';

/** Any request may be refused (Host, Origin, size), be wrong, or meet a bug. */
const PROBLEMS_OF_ALL = [400, 403, 500];

/** The OpenAPI 3.1 document of these routes. */
export function openApiDocument(routes: readonly Route[], version: string): Record<string, unknown> {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of routes) (paths[route.path] ??= {})[route.method.toLowerCase()] = operationOf(route);
  return {
    openapi: '3.1.0',
    info: {
      title: 'Vedette',
      version,
      description: 'Logs in, explained alerts and SQL out. Errors are RFC 9457 problems. Served on loopback only.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    paths,
    components: {
      schemas: { Problem: jsonSchema(problemSchema, 'output') },
      responses: {
        Problem: {
          description: 'A refusal or failure, with what to do about it',
          content: { [PROBLEM_TYPE]: { schema: { $ref: '#/components/schemas/Problem' } } },
        },
      },
    },
  };
}

function operationOf(route: Route): Record<string, unknown> {
  const body = requestBodyOf(route);
  const problems = [...PROBLEMS_OF_ALL, ...(route.problems ?? [])].map((status) => [
    status,
    { $ref: '#/components/responses/Problem' },
  ]);
  const responses = Object.entries(route.responses).map(([status, response]) => [status, responseOf(response)]);
  return {
    operationId: route.operationId,
    summary: route.summary,
    ...(route.description !== undefined && { description: route.description }),
    tags: [route.tag],
    parameters: [
      ...parametersOf('path', route.params),
      ...parametersOf('query', route.query),
      ...parametersOf('header', route.headers),
    ],
    ...(body && { requestBody: body }),
    responses: Object.fromEntries([...problems, ...responses]) as Record<string, unknown>,
  };
}

function requestBodyOf(route: Route): Record<string, unknown> | undefined {
  if (route.consumes === 'none') return undefined;
  const schema = route.body ? jsonSchema(route.body, 'input') : {};
  const types =
    route.consumes === 'json'
      ? ['application/json']
      : route.consumes === 'form'
        ? ['application/x-www-form-urlencoded']
        : (route.bodyTypes ?? []);
  return { required: route.consumes === 'raw', content: Object.fromEntries(types.map((type) => [type, { schema }])) };
}

function responseOf(response: RouteResponse): Record<string, unknown> {
  const contentType = response.contentType ?? (response.schema ? 'application/json' : undefined);
  if (contentType === undefined) return { description: response.description };
  const schema = response.schema ? jsonSchema(response.schema, 'output') : { type: 'string' };
  return { description: response.description, content: { [contentType]: { schema } } };
}

function parametersOf(place: 'path' | 'query' | 'header', schema: z.ZodObject | undefined): Record<string, unknown>[] {
  if (schema === undefined) return [];
  const { properties = {}, required = [] } = jsonSchema(schema, 'input') as {
    properties?: Record<string, Record<string, unknown>>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, property]) => {
    const { description, ...rest } = property;
    return {
      name,
      in: place,
      required: place === 'path' || required.includes(name),
      ...(description !== undefined && { description }),
      schema: rest,
    };
  });
}

/** JSON Schema 2020-12, which OpenAPI 3.1 takes as it is. */
export function jsonSchema(schema: z.ZodType, io: 'input' | 'output'): Record<string, unknown> {
  const document = z.toJSONSchema(schema, { io, target: 'draft-2020-12', unrepresentable: 'any' });
  return Object.fromEntries(Object.entries(document).filter(([key]) => key !== '$schema'));
}
